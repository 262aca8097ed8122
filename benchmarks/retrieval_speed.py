"""The nearest 8 of 100,000 questions: the flat index against numpy, and the graph against the flat index.

    python -m benchmarks.retrieval_speed [--pool train_pool.jsonl --validation validation_1000.jsonl]
        [--rows 100000] [--n 200] [--rounds 5]

The rows are the embeddings of a pool (the built-in bank by default) and, up to 100,000, of questions that nobody
asked: each a question of the pool mixed with a random other one, so that they lie in clusters around real questions
and vary in the directions in which real ones do. The n queries are embeddings of real questions that are not in the
pool. One query at a time is what a prompt needs; a batch is FAISS's own search of all queries in one call. A choice is
all that a prompt of the page needs of an index that is ready, with the leakage guard, which reads the questions' words.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from a3core.fewshot.encoder import embed_corpus, load_encoder
from a3core.fewshot.index import EXACT_ROWS, DenseIndex
from a3core.fewshot.pools import BUILTIN, BUILTIN_VALIDATION, Pool, load_pool
from a3core.fewshot.retrieval import Retriever, Selection
from benchmarks.fewshot_speed import describe_aim, describe_ratio, take_turns
from benchmarks.grading_speed import describe as describe_seconds
from benchmarks.report import table, write_section

TOP_K = 8
MIXED = 0.75  # weight of the other question: cosines of real questions to their nearest are kept, see the table
RATIO, RECALL = 5, 0.99  # aims of the graph
CHOICE = 0.05  # aim of a choice, in seconds
CHOICES = {
    "nearest": Selection(),
    "nearest, without the guard": Selection(guard=False),
    "MMR": Selection("mmr"),
    "BM25": Selection("bm25"),
    "nearest and BM25, fused": Selection("hybrid"),
}


def draw_pairs(questions: int, rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """For each row the question that it is like, and a random other one that is mixed in: (rows,) each."""
    near = np.arange(rows) % questions
    return near, (near + np.random.default_rng(seed).integers(1, questions, size=rows)) % questions  # never itself


def multiply(embeddings: np.ndarray, rows: int) -> np.ndarray:
    """`rows` unit vectors (rows, D) float32: `embeddings` (N, D), then mixtures of each with a random other."""
    near, far = draw_pairs(len(embeddings), rows)
    mixed = embeddings[near] + MIXED * embeddings[far]
    mixed[: len(embeddings)] = embeddings[:rows]
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)


def multiply_questions(pool: Pool, rows: int) -> Pool:
    """The pool, then questions of the first half of one's words and the second half of another's, as `multiply`."""
    mixed = list(pool.rows[:rows])
    for i, (near, far) in enumerate(zip(*draw_pairs(len(pool), rows), strict=True)):
        if i >= len(pool):
            begin, end = pool[near].question.split(), pool[far].question.split()
            question = " ".join(begin[: len(begin) // 2] + end[len(end) // 2 :])
            mixed.append(replace(pool[near], id=f"mixed {i}", question=question))
    return replace(pool, rows=tuple(mixed))


# By brute force


def find_exactly(corpus_embeddings: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Ids of the nearest 8 (n, 8) in float64: cosines equal to twelve digits go by id."""
    corpus = corpus_embeddings.astype(np.float64)
    scores = (np.round(corpus @ query, 12) for query in queries.astype(np.float64))
    return np.array([np.argsort(-one, kind="stable")[:TOP_K] for one in scores])


def find_by_numpy(corpus_embeddings: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Ids of the nearest 8 (n, 8) as one would write it for speed, in float32."""
    scores = queries @ corpus_embeddings.T  # (n, N)
    top = np.argpartition(-scores, TOP_K - 1, axis=1)[:, :TOP_K]
    order = np.argsort(-np.take_along_axis(scores, top, axis=1), axis=1)
    return np.take_along_axis(top, order, axis=1)


def find_by_index(index: DenseIndex, queries: np.ndarray) -> np.ndarray:
    """Ids of the nearest 8 (n, 8), query by query."""
    return np.array([[hit.corpus_id for hit in index.search(query, TOP_K)] for query in queries])


def recall(found: np.ndarray, exact: np.ndarray) -> float:
    """Share of the exact nearest that was found, over all queries."""
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), exact.tolist(), strict=True)]))


# Measurements


def measure_times(
    corpus_embeddings: np.ndarray, flat: DenseIndex, graph: DenseIndex, queries: np.ndarray, rounds: int
) -> dict[str, list[float]]:
    """Seconds of all queries, one at a time and as a batch (FAISS's flat index), of numpy, ours and the graph."""
    import faiss

    batched = faiss.IndexFlatIP(corpus_embeddings.shape[1])
    batched.add(corpus_embeddings)
    works: dict[str, Callable] = {
        "numpy, one": lambda: [find_by_numpy(corpus_embeddings, query[None]) for query in queries],
        "flat, one": lambda: find_by_index(flat, queries),
        "graph, one": lambda: find_by_index(graph, queries),
        "numpy, batch": lambda: find_by_numpy(corpus_embeddings, queries),
        "flat, batch": lambda: batched.search(queries, TOP_K),
        "graph, batch": lambda: graph.graph.search(queries, TOP_K),
    }
    seconds = take_turns(works, rounds + 1)
    return {name: times[1:] for name, times in seconds.items()}  # the first round warms the caches and does not count


def describe_times(seconds: dict[str, list[float]], n: int) -> str:
    """The table of numpy, the flat index and the graph."""

    def each(name: str) -> str:
        return f"{1000 * statistics.median(seconds[name]) / n:.2f} ms"

    rows = [
        (
            {"one": "one query at a time", "batch": f"a batch of {n}"}[how],
            each(f"numpy, {how}"),
            each(f"flat, {how}"),
            each(f"graph, {how}"),
            describe_ratio(seconds[f"numpy, {how}"], seconds[f"flat, {how}"]),
            describe_ratio(seconds[f"flat, {how}"], seconds[f"graph, {how}"]),
        )
        for how in ("one", "batch")
    ]
    headers = ["queries", "numpy, each", "flat index, each", "graph, each", "numpy / flat", "flat / graph"]
    return table(headers, rows)


def describe_rows(corpus_embeddings: np.ndarray, exact: np.ndarray, queries: np.ndarray, real: int) -> str:
    """How far the nearest are, among the real rows and among all: whether the mixtures are like questions."""
    cosines = [float(queries[i] @ corpus_embeddings[ids[0]]) for i, ids in enumerate(exact)]
    last = [float(queries[i] @ corpus_embeddings[ids[-1]]) for i, ids in enumerate(exact)]
    own = np.sort(queries @ corpus_embeddings[:real].T, axis=1)  # (n, real)
    return (
        f"A query's nearest row is at a cosine of {statistics.median(cosines):.2f} and its 8th at "
        f"{statistics.median(last):.2f} (medians); among the {real:,} real questions alone these are "
        f"{np.median(own[:, -1]):.2f} and {np.median(own[:, -TOP_K]):.2f}."
    )


def measure_choices(retriever: Retriever, questions: Sequence[str]) -> str:
    """The table of choosing TOP_K demonstrations, one question at a time, once the indexes are there."""
    seconds: dict[str, list[float]] = {}
    for words, selection in CHOICES.items():
        retriever.select(questions[0], selection)
        seconds[words] = []
        for question, embedding in zip(questions, retriever.embed(questions), strict=True):
            start = time.perf_counter()
            retriever.select(question, selection, embedding)
            seconds[words].append(time.perf_counter() - start)
    rows = [(words, *describe_seconds(own)) for words, own in seconds.items()]
    met = all(statistics.median(seconds[words]) <= CHOICE for words in ("nearest", "MMR"))
    aim = describe_aim(met, f"{1000 * CHOICE:.0f} ms for the nearest with the guard, and for MMR,")
    return f"{table([f'{TOP_K} demonstrations, with the guard', 'p50', 'p95'], rows)}\n\n{aim}"


def measure_retrieval(embeddings: np.ndarray, queries: np.ndarray, rows: int, rounds: int) -> str:
    """The body of the section, but for what the rows are."""
    corpus_embeddings = multiply(embeddings, rows)
    exact, flat = find_exactly(corpus_embeddings, queries), DenseIndex(corpus_embeddings, exact=True)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        graph = DenseIndex(corpus_embeddings, exact=False, folder=Path(folder))
    built = time.perf_counter() - start
    same = int((find_by_index(flat, queries) == exact).all(axis=1).sum())
    share, n = recall(find_by_index(graph, queries), exact), len(queries)
    seconds = measure_times(corpus_embeddings, flat, graph, queries, rounds)
    faster = statistics.median(a / b for a, b in zip(seconds["flat, one"], seconds["graph, one"], strict=True))
    said = [
        f"Flat index: the ids are numpy's, in float64 and in order, for {same} of {n} queries. "
        f"**{'All' if same == n else 'Not all'} are equal.**",
        f"Graph: recall@{TOP_K} {share:.4f} over {n} queries, built in {built:.0f} s. "
        f"{describe_aim(faster >= RATIO, f'{RATIO}x, one query at a time,')} "
        f"{describe_aim(share >= RECALL, f'a recall of {RECALL}')}",
        describe_rows(corpus_embeddings, exact, queries, min(len(embeddings), rows)),
    ]
    return "\n\n".join([describe_times(seconds, n), *said])


def write_command(pool: str, validation: str, flags: Sequence[tuple[str, int]]) -> str:
    named = "" if pool == BUILTIN else f" --pool {Path(pool).name} --validation {Path(validation).name}"
    return f"python -m benchmarks.retrieval_speed{named} " + " ".join(f"--{name} {value}" for name, value in flags)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", default=BUILTIN)
    parser.add_argument("--validation", default=BUILTIN_VALIDATION, help="questions that are queries")
    parser.add_argument("--rows", type=int, default=EXACT_ROWS)
    parser.add_argument("--n", type=int, default=200, help="queries")
    parser.add_argument("--rounds", type=int, default=5)
    flags = parser.parse_args()
    try:
        pool, asked = load_pool(flags.pool), load_pool(flags.validation)
    except ValueError as error:
        parser.error(str(error))
    encoder = load_encoder()
    embeddings = embed_corpus(encoder, pool.questions)
    queries = encoder.encode(asked.questions[: flags.n])
    body = measure_retrieval(embeddings, queries, flags.rows, flags.rounds)
    retriever = Retriever(multiply_questions(pool, flags.rows), encoder, multiply(embeddings, flags.rows))
    body += "\n\n" + measure_choices(retriever, asked.questions[: flags.n])
    about = f"The rows are {min(flags.rows, len(pool)):,} questions of {pool.name} by {encoder.name} and "
    about += f"{max(0, flags.rows - len(pool)):,} mixtures of two of them; the queries are questions of {asked.name}. "
    about += f"{flags.rounds} rounds, median ratios with least and greatest."
    options = [("rows", flags.rows), ("n", len(queries)), ("rounds", flags.rounds)]
    command = write_command(flags.pool, flags.validation, options)
    name = f"retrieval-{'builtin' if pool.name == BUILTIN else Path(pool.name).stem}"
    write_section(name, f"The nearest {TOP_K} of {flags.rows:,} ({pool.name})", command, f"{about}\n\n{body}")


if __name__ == "__main__":
    main()
