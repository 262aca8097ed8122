"""Two prompts printed as nearest neighbours, against what this retrieval finds in the same pool for the same queries.

    python -m benchmarks.printed_prompts --pool train_pool.jsonl --printed assignment_figures.md

- Query: Which river flows through Vienna?            in the file of the printed prompts, which stays where it is
  Demonstrations' questions: ... (cut off) | Who wrote Hamlet? (William Shakespeare) |
  Which bird cannot fly? (Penguin)

Only figures are written, no question. Each printed demonstration is read again: its cosine to the query is taken with
the encoder that the retrieval has.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from a3core.fewshot.encoder import Encoder, embed_corpus, load_encoder
from a3core.fewshot.pools import load_pool
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.fewshot.scoring import normalize_answer
from benchmarks.report import table, write_section

QUERY = "- Query:"
LABEL = re.compile(r"^.*?Demonstrations' questions:")
SHOWN = re.compile(r"(.*[^\s.(][?.]) \(")  # a question up to its sign, before its answer in brackets
K = 8
LEVEL = 0.05  # share of random draws below which something is said to be no chance
DRAWS = 10_000  # random prompts that a printed one is compared with


@dataclass(frozen=True)
class Printed:
    """A query and the questions of the demonstrations that were printed as its nearest."""

    query: str
    questions: tuple[str, ...]


def read_printed(text: str) -> list[Printed]:
    """The printed prompts in a text. Raises ValueError if there is none, or one without a demonstration."""
    printed = []
    for part in re.split(rf"^{re.escape(QUERY)}", text, flags=re.MULTILINE)[1:]:
        query, _, rest = part.partition("\n")
        listed = LABEL.sub("", " ".join(re.split(r"\n\s*\n|\n(?=\S)", rest)[0].split()))
        questions = tuple(shown[1].strip() for shown in map(SHOWN.match, listed.split("|")) if shown)
        if not questions:
            raise ValueError(f"no demonstration of the printed prompt {len(printed) + 1} can be read")
        printed.append(Printed(query.strip(), questions))
    if not printed:
        raise ValueError(f"there is no printed prompt: expected lines that begin with {QUERY!r}")
    return printed


@dataclass(frozen=True)
class Comparison:
    """One query: the cosines of its printed demonstrations and of those found here."""

    printed: tuple[float, ...]  # highest first
    found: tuple[float, ...]  # of the top 8, highest first
    nearer: int  # pool questions nearer than the best printed one
    in_pool: int  # printed demonstrations that stand in the pool
    as_near_at_random: float  # share of random draws of as many whose mean cosine to the query is at least as high
    together: float  # mean cosine between two of the printed demonstrations
    together_at_random: float  # share of those draws that are at least as near to each other
    left_out: int  # by the leakage guard


def compare_printed(retriever: Retriever, encoder: Encoder, printed: Printed, seed: int = 0) -> Comparison:
    """Cosines to the query of what was printed, of what is found and of random draws."""
    query = retriever.embed([printed.query])[0]
    chosen = retriever.select(printed.query, Selection(k=K), query)
    shown, pool = encoder.encode(printed.questions), retriever.dense.corpus_embeddings  # (m, D) and (N, D)
    theirs, drawn = np.sort(shown @ query)[::-1], draw_prompts(pool, len(shown), seed)
    there = {normalize_answer(question) for question in retriever.pool.questions}
    return Comparison(
        tuple(map(float, theirs)),
        tuple(sorted((neighbour.similarity for neighbour in chosen.neighbours), reverse=True)),
        int((pool @ query > theirs[0]).sum()),
        sum(normalize_answer(question) in there for question in printed.questions),
        float(((drawn @ query).mean(axis=1) >= theirs.mean()).mean()),
        float(cohesion(shown)),
        float((cohesion(drawn) >= cohesion(shown)).mean()),
        len(chosen.left_out),
    )


def draw_prompts(corpus_embeddings: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Random rows (DRAWS, size, D), with replacement."""
    rng = np.random.default_rng(seed)
    return corpus_embeddings[rng.integers(len(corpus_embeddings), size=(DRAWS, size))]


def cohesion(rows: np.ndarray) -> np.ndarray:
    """Mean cosine between two different unit vectors of `rows` (..., m, D), m at least 2: (...)."""
    m = rows.shape[-2]
    length = np.square(rows.sum(axis=-2, dtype=np.float64)).sum(axis=-1)
    return (length - m) / (m * (m - 1))


def describe_comparisons(found: list[Comparison], size: int) -> str:
    """The table and the verdicts."""

    def line(label: str, describe: Callable[[Comparison], str]) -> tuple[str, ...]:
        return label, *map(describe, found)

    rows = [
        line("printed demonstrations that can be read", lambda one: f"{len(one.printed)}, {one.in_pool} in this pool"),
        line("their cosines to the query", lambda one: f"{one.printed[0]:.2f} to {one.printed[-1]:.2f}"),
        line("pool questions nearer than the best of them", lambda one: f"{one.nearer:,} of {size:,}"),
        line("random draws at least as near to the query", lambda one: f"{one.as_near_at_random:.1%}"),
        line("mean cosine between two of them", lambda one: f"{one.together:.2f}"),
        line("random draws at least as near to each other", lambda one: f"{one.together_at_random:.1%}"),
        line(f"cosines of the {K} found here", lambda one: f"{one.found[0]:.2f} to {one.found[-1]:.2f}"),
        line("left out by the guard", lambda one: f"{one.left_out}"),
    ]
    headers = ["", *(f"prompt {number}" for number in range(1, len(found) + 1))]
    note = f"A random draw is of as many pool questions; there are {DRAWS:,}."
    return "\n\n".join([table(headers, rows), note, *(judge(number, one) for number, one in enumerate(found, 1))])


def judge(number: int, one: Comparison) -> str:
    """What the figures of one prompt say."""
    best, last = one.printed[0], one.found[-1]
    near = "are not the nearest" if one.nearer >= K else "may be the nearest"
    said = f"Prompt {number}: **the printed demonstrations {near}**: "
    if best < last:
        said += f"the best of them ({best:.2f}) is farther than the last of the {len(one.found)} here ({last:.2f})"
    else:
        better = sum(best >= cosine for cosine in one.found)
        said += f"the best of them ({best:.2f}) is as near as {better} of the {len(one.found)} here"
    nearer = one.as_near_at_random < LEVEL
    said += f"; together they are {'nearer' if nearer else 'no nearer'} to the query than random ones"
    alike = one.together_at_random < LEVEL
    return f"{said}, {'but' if alike and not nearer else 'and'} {'nearer' if alike else 'no nearer'} to each other."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--printed", type=Path, required=True, help="the file that the prompts stand in")
    flags = parser.parse_args()
    try:
        pool, printed = load_pool(flags.pool), read_printed(flags.printed.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        parser.error(str(error))
    encoder = load_encoder()
    retriever = Retriever(pool, encoder, embed_corpus(encoder, pool.questions))
    found = [compare_printed(retriever, encoder, one) for one in printed]
    note = f"The retrieval here: nearest, k = {K}, {encoder.name}, the leakage guard on, {pool.name}."
    command = f"python -m benchmarks.printed_prompts --pool {pool.name} --printed {flags.printed.name}"
    body = f"{note}\n\n{describe_comparisons(found, len(pool))}"
    write_section("printed-prompts", "Two printed prompts of nearest neighbours, read again", command, body)


if __name__ == "__main__":
    main()
