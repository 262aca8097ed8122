"""Commands about demonstrations: fewshot-eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from a3core.cli.progress import run_with_bar, split_list

POOL_HELP = "builtin, or a file with questions and answers: JSONL, CSV, TSV, TriviaQA's JSON."


Pool = Annotated[str, typer.Option(help=f"Pool of demonstrations: {POOL_HELP}")]
Validation = Annotated[str, typer.Option(help="Questions that are asked: builtin:validation, or such a file.")]
Ks = Annotated[str, typer.Option(help="Numbers of demonstrations, 0 to 32, with commas.")]
Selections = Annotated[str, typer.Option(help="Of random, nearest, mmr, bm25, hybrid.")]
Decodings = Annotated[str, typer.Option(help="Of greedy, beam, sampling; empty: log-probabilities only.")]
Count = Annotated[int, typer.Option(help="Questions that answers are generated to.", min=0)]
LogCount = Annotated[int, typer.Option(help="Questions whose gold answer's log-probability is taken.", min=0)]
Order = Annotated[str, typer.Option(help="nearest last, nearest first or shuffled.")]
Guard = Annotated[bool, typer.Option(help="Leave out pool questions that are the query, or nearly so.")]
HideAnswer = Annotated[bool, typer.Option(help="Leave out demonstrations with a right answer to the question.")]
Seed = Annotated[int, typer.Option(help="Of the questions drawn, random selection and sampling.")]
Longest = Annotated[int, typer.Option(help="Longest answer.", min=1)]
Width = Annotated[int, typer.Option(help="Beams of beam search.", min=2)]
Temperature = Annotated[float, typer.Option(help="Of sampling.")]
Model = Annotated[
    str | None, typer.Option(help="Hub id, folder or endpoint's address; by default the packaged Gemma 3 270M.")
]
Encoder = Annotated[str | None, typer.Option(help="Sentence encoder; by default the packaged MiniLM.")]
Out = Annotated[Path, typer.Option(help="Folder of the results; an interrupted run in it goes on.")]


def fewshot_eval(
    *,
    pool: Pool = "builtin",
    validation: Validation = "builtin:validation",
    k: Ks = "0,1,2,4,8,16",
    selection: Selections = "random,nearest",
    decoding: Decodings = "greedy,beam,sampling",
    n: Count = 200,
    n_log_probability: LogCount = 1000,
    order: Order = "nearest last",
    guard: Guard = True,
    hide_answer: HideAnswer = False,
    seed: Seed = 0,
    max_new_tokens: Longest = 16,
    width: Width = 4,
    temperature: Temperature = 1.0,
    model: Model = None,
    encoder: Encoder = None,
    out: Out,
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
    for note in notes:
        typer.echo(note, err=True)
    sweep = Sweep(retriever, questions, language_model, args, out)
    run_with_bar(sweep.run(), lambda progress: progress.ahead)
    sweep.save()
    typer.echo(sweep.summary().to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    typer.echo(f"Tables and figures: {out}")
