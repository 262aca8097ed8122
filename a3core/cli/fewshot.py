"""Commands about demonstrations: fewshot-eval."""

from pathlib import Path
from typing import Annotated

import typer

from a3core.cli.progress import HELPS, Model, run_with_bar, split_list

HELP = HELPS["questions"]


def fewshot_eval(
    *,
    pool: Annotated[str, typer.Option(help=HELP["pool"])] = "builtin",
    validation: Annotated[str, typer.Option(help=HELP["validation"])] = "builtin:validation",
    k: Annotated[str, typer.Option(help=HELP["k"])] = "0,1,2,4,8,16",
    selection: Annotated[str, typer.Option(help=HELP["selection"])] = "random,nearest",
    decoding: Annotated[str, typer.Option(help=HELP["decoding"])] = "greedy,beam,sampling",
    n: Annotated[int, typer.Option(help=HELP["n"], min=0)] = 200,
    n_log_probability: Annotated[int, typer.Option(help=HELP["n_log_probability"], min=0)] = 1000,
    order: Annotated[str, typer.Option(help=HELP["order"])] = "nearest last",
    guard: Annotated[bool, typer.Option(help=HELP["guard"])] = True,
    hide_answer: Annotated[bool, typer.Option(help=HELP["hide_answer"])] = False,
    seed: Annotated[int, typer.Option(help=HELP["seed"])] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 16,
    width: Annotated[int, typer.Option(help="Beams of beam search.", min=2)] = 4,
    temperature: Annotated[float, typer.Option(help="Of sampling.")] = 1.0,
    model: Model = None,
    dtype: Annotated[str | None, typer.Option(help=HELP["dtype"])] = None,
    encoder: Annotated[str | None, typer.Option(help=HELP["encoder"])] = None,
    out: Annotated[Path, typer.Option(help=HELP["out"])],
) -> None:
    """Asks a language model every question with every k, selection and decoding; writes tables and figures."""
    from a3core.fewshot.encoder import embed_corpus, load_encoder
    from a3core.fewshot.pools import load_pool
    from a3core.fewshot.retrieval import Retriever
    from a3core.fewshot.sweep.run import Sweep, SweepArgs, fit_args, parse_ks
    from a3core.llm.local import load_language_model

    prompts = {"k": parse_ks(k), "selection": split_list(selection), "order": order, "guard": guard, "seed": seed}
    numbers = {"n": n, "n_log_probability": n_log_probability}
    answers = {"decoding": split_list(decoding), "max_new_tokens": max_new_tokens, "width": width}
    args = SweepArgs(**prompts, **numbers, **answers, temperature=temperature, hide_answer=hide_answer)
    demonstrations, questions = load_pool(pool), load_pool(validation)  # what is wrong with a file is said first
    sentence_encoder = load_encoder(encoder)
    typer.echo(f"Embedding the {len(demonstrations):,} questions of {demonstrations.name} ...", err=True)
    retriever = Retriever(demonstrations, sentence_encoder, embed_corpus(sentence_encoder, demonstrations.questions))
    language_model = load_language_model(model, dtype=dtype)
    args, notes = fit_args(args, language_model)
    for note in (*demonstrations.notes, *questions.notes, *notes):
        typer.echo(note, err=True)
    sweep = Sweep(retriever, questions, language_model, args, out)
    run_with_bar(sweep.run())
    sweep.save()
    typer.echo(sweep.summary().to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    typer.echo(f"Tables and figures: {out}")
