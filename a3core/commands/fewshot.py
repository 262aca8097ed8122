"""Commands about demonstrations: fewshot-eval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from a3core.fewshot.grid import Grid

POOL_HELP = "builtin, or a file with questions and answers: JSONL, CSV, TSV, TriviaQA's JSON."


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
    seed: Annotated[int, typer.Option(help="Of the questions drawn, random selection and sampling.")] = 0,
    max_new_tokens: Annotated[int, typer.Option(help="Longest answer.", min=1)] = 16,
    width: Annotated[int, typer.Option(help="Beams of beam search.", min=2)] = 4,
    temperature: Annotated[float, typer.Option(help="Of sampling.")] = 1.0,
    model: Annotated[
        str | None, typer.Option(help="Hub id, folder or endpoint's address; by default the packaged Gemma 3 270M.")
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="Sentence encoder; by default the packaged MiniLM.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results; an interrupted run in it goes on.")],
) -> None:
    """Asks a language model every question with every k, selection and decoding; writes tables and figures."""
    from a3core.fewshot.grid import GridArgs

    args = GridArgs(
        k=tuple(_parse_number(part) for part in _split(k)),
        selection=_split(selection),
        decoding=_split(decoding),
        n=n,
        n_log_probability=n_log_probability,
        order=order,
        guard=guard,
        seed=seed,
        max_new_tokens=max_new_tokens,
        width=width,
        temperature=temperature,
    )
    grid = load_grid(pool, validation, model, encoder, args, out)
    run_grid(grid)
    grid.save()
    typer.echo(grid.summary().to_string(index=False, float_format="{:.3f}".format, na_rep=""))
    typer.echo(f"Tables and figures: {out}")


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _parse_number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"--k takes numbers with commas, such as 0,1,2,4, not {text!r}")
    return int(text)


def load_grid(pool: str, validation: str, model: str | None, encoder: str | None, args, out: Path) -> Grid:
    """The grid over these parts; the pool's embeddings come from the cache, or are computed with a bar."""
    from a3core.fewshot.encoder import embed_corpus, load_encoder
    from a3core.fewshot.grid import Grid
    from a3core.fewshot.pools import load_pool
    from a3core.fewshot.retrieval import Retriever
    from a3core.language_model import load_language_model

    demonstrations, asked = load_pool(pool), load_pool(validation)  # what is wrong with a file is said first
    sentence_encoder = load_encoder(encoder)
    typer.echo(f"Embedding the {len(demonstrations):,} questions of {demonstrations.name} ...", err=True)
    retriever = Retriever(demonstrations, sentence_encoder, embed_corpus(sentence_encoder, demonstrations.questions))
    return Grid(retriever, asked, load_language_model(model), args, out)


def run_grid(grid: Grid) -> None:
    """Runs with a bar on standard error; Ctrl-C says how to go on."""
    from tqdm import tqdm

    try:
        with tqdm(unit="prompt") as bar:
            for progress in grid.run():
                bar.total = progress.total
                bar.set_postfix_str(str(progress).partition("prompts")[2].strip(", :"), refresh=False)
                bar.update(progress.done - bar.n)
    except KeyboardInterrupt:
        typer.echo("\nStopped. The same command goes on where it stood.", err=True)
        raise typer.Exit(130) from None
