"""Choosing demonstrations: every method and order, the guard in the way, and requests that cannot be met."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.index import reciprocal_rank_fusion
from a3core.fewshot.prompt import PromptPair, fit_prompt
from a3core.fewshot.retrieval import LONGEST_QUESTION, METHODS, ORDERS, Retriever, Selection

QUERY = "Which river flows through Zarn?"


@pytest.fixture
def retriever(pool, encoder):
    return Retriever(pool, encoder, embed_texts(encoder, pool.questions))


def ids(chosen) -> list[int]:
    return [neighbour.corpus_id for neighbour in chosen.neighbours]


def test_nearest_is_brute_force(retriever, encoder, pool):
    cosines = embed_texts(encoder, pool.questions) @ encoder.encode([QUERY])[0]
    chosen = retriever.select(QUERY, Selection("nearest", k=8, order="nearest first"))
    assert ids(chosen) == np.argsort(-cosines, kind="stable")[:8].tolist()
    assert {neighbour.demonstration.subject for neighbour in chosen.neighbours} == {"rivers"}
    assert [n.similarity for n in chosen.neighbours] == pytest.approx(sorted(cosines, reverse=True)[:8], abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_orders_hold_the_same_demonstrations(retriever, method):
    last, first, shuffled = (retriever.select(QUERY, Selection(method, 6, order)) for order in ORDERS)
    assert ids(last) == ids(first)[::-1] and sorted(ids(shuffled)) == sorted(ids(first))
    assert ids(shuffled) == ids(retriever.select(QUERY, Selection(method, 6, "shuffled")))
    assert [n.rank for n in first.neighbours] == list(range(6)) == [n.rank for n in last.neighbours][::-1]


@pytest.mark.parametrize("method", METHODS)
def test_fewer_are_the_first_of_more(retriever, method):
    few, many = (retriever.select(QUERY, Selection(method, k, "nearest first")) for k in (3, 9))
    assert ids(few) == ids(many)[:3]
    assert ids(retriever.select(QUERY, Selection(method, 0))) == []


def test_random_depends_on_seed_and_question(retriever):
    def draw(question, seed):
        return ids(retriever.select(question, Selection("random", 8, seed=seed)))

    assert draw(QUERY, 1) == draw(QUERY, 1) != draw(QUERY, 2) and draw(QUERY, 1) != draw("Who?", 1)
    assert len(set(draw(QUERY, 1))) == 8


def test_hybrid_is_the_fusion_of_both(retriever, encoder):
    embedding = encoder.encode([QUERY])[0]
    fused = reciprocal_rank_fusion([retriever.dense.search(embedding, 100), retriever.words.search(QUERY, 100)], 5)
    assert ids(retriever.select(QUERY, Selection("hybrid", 5, "nearest first"))) == [hit.corpus_id for hit in fused]


@pytest.mark.parametrize("method", METHODS)
def test_the_query_itself_is_left_out_and_said(retriever, pool, method):
    query = pool[30].question.upper()
    chosen = retriever.select(query, Selection(method, 32))
    assert 30 not in ids(chosen) and len(ids(chosen)) == (23 if method == "bm25" else 32)  # 23 share a word
    assert [leak.corpus_id for leak in chosen.left_out] == [30]
    assert "1 of the pool left out" in chosen.notes[-1] and "the same question" in chosen.notes[-1]


def test_the_guard_can_be_switched_off(retriever, pool):
    chosen = retriever.select(pool[30].question, Selection("nearest", 4, guard=False))
    assert ids(chosen)[-1] == 30 and "allowed with the leakage guard off" in chosen.notes[0]


def test_k_larger_than_the_pool_is_said(pool, encoder):
    small = replace(pool, rows=pool.rows[:5])
    retriever = Retriever(small, encoder, embed_texts(encoder, small.questions))
    for method in ("random", "nearest", "mmr"):
        chosen = retriever.select(QUERY, Selection(method, 8))
        assert sorted(ids(chosen)) == [0, 1, 2, 3, 4]
        assert chosen.notes == ("5 demonstrations instead of k = 8: no more are in the pool of 5.",)
    assert "no more share a word" in retriever.select("Zebra?", Selection("bm25", 8)).notes[0]


def test_the_prompt_drops_by_rank(retriever):
    chosen = retriever.select(QUERY, Selection("nearest", 6, "shuffled"))
    rows = [neighbour.demonstration for neighbour in chosen.neighbours]
    pairs = [PromptPair(row.question, row.answer) for row in rows]
    ranks = [neighbour.rank for neighbour in chosen.neighbours]
    prompt = fit_prompt(pairs, QUERY, len, 400, ranks=ranks)
    assert prompt.dropped and sorted(ranks[i] for i in prompt.included) == list(range(len(prompt.included)))


@pytest.mark.parametrize(
    ("question", "message"),
    [("", "empty"), (" \n", "empty"), ("x" * (LONGEST_QUESTION + 1), "10,001 characters"), ("\ud83d", "surrogate")],
)
def test_questions_that_cannot_be_asked(retriever, question, message):
    with pytest.raises(ValueError, match=message):
        retriever.select(question)


def test_white_space_does_not_change_the_choice(retriever):
    assert ids(retriever.select(f"  {QUERY.replace(' ', chr(10))} ")) == ids(retriever.select(QUERY))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "best"}, "selection is one of random, nearest"),
        ({"order": "up"}, "order is one of"),
        ({"k": 33}, "k goes from 0 to 32, not 33"),
        ({"k": -1}, "k goes from 0 to 32"),
        ({"mmr_weight": 1.5}, "from 0 to 1"),
    ],
)
def test_selections_that_contradict_themselves(wrong, message):
    with pytest.raises(ValueError, match=message):
        Selection(**wrong)


def test_embeddings_of_another_pool_are_refused(pool, encoder):
    with pytest.raises(ValueError, match="3 embeddings do not belong to the 60 questions of towns"):
        Retriever(pool, encoder, np.eye(3, dtype=np.float32))


def test_the_map_keeps_what_varies_most(pool, encoder):
    from a3core.fewshot.index import PoolMap

    embeddings = embed_texts(encoder, pool.questions)
    pool_map = PoolMap(embeddings)
    assert pool_map.points.shape == (60, 2) and 0 < pool_map.explained < 1
    assert pool_map.project(embeddings[:5]) == pytest.approx(pool_map.points[:5], abs=1e-5)
    singular = np.linalg.svd(embeddings - embeddings.mean(axis=0), compute_uv=False)
    assert (pool_map.points**2).sum() == pytest.approx((singular[:2] ** 2).sum(), rel=1e-4)


@pytest.mark.slow
def test_the_assignments_neighbours_were_not_near(triviaqa, real_encoder):
    """The solution's two printed prompts had cosines of at most 0.34 and 0.21; the pool has far better ones."""
    from a3core.fewshot.encoder import embed_corpus
    from a3core.fewshot.pools import load_pool

    pool = load_pool(triviaqa / "train_pool.jsonl")
    retriever = Retriever(pool, real_encoder, embed_corpus(real_encoder, pool.questions))
    figures = (triviaqa.parents[1] / "assignment_figures.md").read_text(encoding="utf-8")
    queries = re.findall(r"^- Query: (.+)$", figures, re.MULTILINE)
    assert len(queries) == 2
    for query in queries:
        assert min(n.similarity for n in retriever.select(query, Selection("nearest", 8)).neighbours) > 0.34
