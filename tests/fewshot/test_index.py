"""Indexes against brute force: ids and order, ties, what is excluded, fusion and diversity by their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3core.fewshot import index as index_module
from a3core.fewshot.index import BM25Index, DenseIndex, Hit, mmr_select, reciprocal_rank_fusion


def unit_rows(n: int, d: int, seed: int, copies: int = 1) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((n, d))
    rows = np.repeat(rows / np.linalg.norm(rows, axis=1, keepdims=True), copies, axis=0)
    return rows.astype(np.float32)


def brute_force(rows: np.ndarray, query: np.ndarray, top_k: int, exclude=()) -> list[int]:
    scores = rows.astype(np.float64) @ query.astype(np.float64)
    order = sorted(range(len(rows)), key=lambda i: (-round(scores[i], 12), i))
    return [i for i in order if i not in exclude][:top_k]


@given(
    n=st.integers(1, 80),
    copies=st.integers(1, 40),
    top_k=st.integers(1, 40),
    seed=st.integers(0, 99),
    left_out=st.sets(st.integers(0, 79), max_size=20),
)
def test_ids_are_those_of_brute_force(n, copies, top_k, seed, left_out):
    rows, query = unit_rows(n, 16, seed, copies), unit_rows(1, 16, seed + 100)[0]
    exclude = {i for i in left_out if i < len(rows)}
    hits = DenseIndex(rows).search(query, top_k, exclude)
    assert [hit.corpus_id for hit in hits] == brute_force(rows, query, top_k, exclude)
    assert [hit.score for hit in hits] == pytest.approx([float(rows[hit.corpus_id] @ query) for hit in hits], abs=1e-6)


def test_exact_up_to_its_limit_and_a_graph_beyond(monkeypatch, tmp_path):
    monkeypatch.setattr("a3core.fewshot.index.EXACT_ROWS", 500)
    assert DenseIndex(unit_rows(500, 8, 0)).exact and not DenseIndex(unit_rows(501, 8, 0), folder=tmp_path).exact


@pytest.mark.slow
def test_the_graph_finds_nearly_all(tmp_path):
    rows, queries = unit_rows(2000, 16, 1), unit_rows(50, 16, 2)
    graph = DenseIndex(rows, exact=False, folder=tmp_path)
    found = [{hit.corpus_id for hit in graph.search(query, 8)} for query in queries]
    expected = [set(brute_force(rows, query, 8)) for query in queries]
    assert sum(len(a & b) for a, b in zip(found, expected, strict=True)) / (8 * 50) > 0.99
    assert not {hit.corpus_id for hit in graph.search(queries[0], 8, expected[0])} & expected[0]


def test_the_graph_is_built_once(tmp_path, monkeypatch):
    rows, query = unit_rows(600, 8, 3), unit_rows(1, 8, 4)[0]
    first = DenseIndex(rows, False, folder=tmp_path)
    monkeypatch.setattr("faiss.IndexHNSWFlat", None)  # what is kept is not built again
    again = DenseIndex(rows, False, folder=tmp_path)
    assert again.search(query, 5) == first.search(query, 5)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_graph_is_built_again(tmp_path):
    rows, query = unit_rows(300, 8, 3), unit_rows(1, 8, 4)[0]
    hits = DenseIndex(rows, False, folder=tmp_path).search(query, 5)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:500])
    assert DenseIndex(rows, False, folder=tmp_path).search(query, 5) == hits


def test_nothing_asked_nothing_found():
    index = DenseIndex(unit_rows(3, 4, 0))
    assert index.search(unit_rows(1, 4, 1)[0], 0) == []
    assert index.search(unit_rows(1, 4, 1)[0], 5, {0, 1, 2}) == []


QUESTIONS = ["Who wrote the owl song?", "Which owl is white?", "Where is the sea?", "What does the letter E mean?"]


def test_bm25_finds_the_telling_words():
    index = BM25Index(QUESTIONS)
    assert [hit.corpus_id for hit in index.search("A white OWL", 4)] == [1, 0]
    assert index.search("the letter E?", 1)[0].corpus_id == 3
    assert [hit.corpus_id for hit in index.search("A white owl", 4, {1})] == [0]
    assert index.search("zebra", 4) == index.search("?!", 4) == index.search("owl", 0) == []


def test_bm25_is_its_formula():
    """Lucene's: idf = ln(1 + (N - n + 0.5) / (n + 0.5)), tf = f / (f + k1 (1 - b + b L / mean L)), k1 1.5, b 0.75."""
    hits = {hit.corpus_id: hit.score for hit in BM25Index(QUESTIONS).search("owl", 4)}
    lengths = [len(q.split()) for q in QUESTIONS]
    idf = np.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    for i in (0, 1):
        assert hits[i] == pytest.approx(idf / (1 + 1.5 * (0.25 + 0.75 * lengths[i] / np.mean(lengths))), abs=1e-5)


def test_bm25_ties_go_by_row():
    index = BM25Index(["same words"] * 50)
    assert [hit.corpus_id for hit in index.search("words", 7)] == list(range(7))


def test_bm25_without_a_word():
    assert BM25Index(["?!", "..."]).search("owl", 3) == []


def test_fusion_is_the_sum_of_reciprocal_ranks():
    a, b = [Hit(5, 0.9), Hit(7, 0.8)], [Hit(7, 12.0), Hit(1, 3.0)]
    fused = reciprocal_rank_fusion([a, b], 3)
    assert [hit.corpus_id for hit in fused] == [7, 5, 1]
    assert [hit.score for hit in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert reciprocal_rank_fusion([a, b], 0) == reciprocal_rank_fusion([[], []], 3) == []


def naive_mmr(rows, query, top_k, weight, exclude) -> list[int]:
    taken: list[int] = []
    while len(taken) < top_k:
        rest = [i for i in range(len(rows)) if i not in taken and i not in exclude]
        if not rest:
            break
        margins = [
            weight * float(rows[i] @ query) - (1 - weight) * max((float(rows[i] @ rows[j]) for j in taken), default=0)
            for i in rest
        ]
        taken.append(rest[int(np.argmax(margins))])
    return taken


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("exclude", [set(), {0, 3, 11}])
@pytest.mark.parametrize("considered", [256, 2])
def test_mmr_is_its_definition(weight, exclude, considered, monkeypatch):
    monkeypatch.setattr(index_module, "CONSIDERED", considered)  # two at first: more are looked at where they may win
    rows, query = unit_rows(40, 12, 4), unit_rows(1, 12, 5)[0]
    index = DenseIndex(rows)
    hits = mmr_select(index, query, 9, weight, exclude)
    assert [hit.corpus_id for hit in hits] == naive_mmr(rows, query, 9, weight, exclude)
    if weight == 1:
        assert [h.corpus_id for h in hits] == [h.corpus_id for h in index.search(query, 9, exclude)]
    assert len(mmr_select(index, query, 99, weight, exclude)) == 40 - len(exclude)
