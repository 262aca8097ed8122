"""Commands about demonstrations: fewshot-eval."""

from pathlib import Path
from typing import Annotated

import typer

from a3core.cli.progress import run_with_bar, split_list

POOL_HELP = (
    "builtin, or a file with questions and answers: JSONL, CSV, TSV, TriviaQA's JSON. skip:FILE leaves out bad rows."
)
MODEL_HELP = "Hub id, folder or endpoint's address; by default the packaged Gemma 3 270M."
Model = Annotated[str | None, typer.Option(help=MODEL_HELP)]


def fewshot_eval(
    *,
    pool: Annotated[str, typer.Option(help=f"Pool of demonstrations: {POOL_HELP}")] = "builtin",
    validation: Annotated[
        str, typer.Option(help="Questions that are asked: builtin:validation, or such a file.")
    ] = "builtin:validation",
    k: Annotated[str, typer.Option(help="Numbers of demonstrations, 0 to 32, with commas.")] = "0,1,2,4,8,16",
    selection: Annotated[str, typer.Option(help="Of random, nearest, mmr, bm25, hybrid.")] = "random,nearest",
    decoding: Annotated[
        str, typer.Option(help="Of greedy, beam, sampling; empty: log-probabilities only.")
    ] = "greedy,beam,sampling",
    n: Annotated[int, typer.Option(help="Questions that answers are generated to.", min=0)] = 200,
    n_log_probability: Annotated[
        int, typer.Option(help="Questions whose gold answer's log-probability is taken.", min=0)
    ] = 1000,
    order: Annotated[str, typer.Option(help="nearest last, nearest first or shuffled.")] = "nearest last",
    guard: Annotated[bool, typer.Option(help="Leave out pool questions that are the query, or nearly so.")] = True,
    hide_answer: Annotated[
        bool, typer.Option(help="Leave out demonstrations with a right answer to the question.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of the questions drawn, random selection and sampling.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 16,
    width: Annotated[int, typer.Option(help="Beams of beam search.", min=2)] = 4,
    temperature: Annotated[float, typer.Option(help="Of sampling.")] = 1.0,
    model: Model = None,
    encoder: Annotated[str | None, typer.Option(help="Sentence encoder; by default the packaged MiniLM.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; an interrupted run in it goes on.")],
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
    language_model = load_language_model(model)
    args, notes = fit_args(args, language_model)
    for note in (*demonstrations.notes, *questions.notes, *notes):
        typer.echo(note, err=True)
    sweep = Sweep(retriever, questions, language_model, args, out)
    run_with_bar(sweep.run(), lambda progress: progress.ahead)
    sweep.save()
    typer.echo(sweep.summary().to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    typer.echo(f"Tables and figures: {out}")
