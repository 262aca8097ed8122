"""The built-in bank: enough questions of each subject, none twice, none whose twin is in the other split."""

from __future__ import annotations

from collections import Counter

import pytest

from a3core.fewshot.pools import load_pool
from a3core.fewshot.scoring import normalize_answer, score_answer


@pytest.fixture(scope="module")
def bank():
    return load_pool(), load_pool("builtin:validation")


def test_it_is_large_and_split(bank):
    pool, validation = bank
    assert len(pool) + len(validation) >= 1200 and len(validation) >= 200
    subjects = Counter(row.subject for row in pool.rows)
    assert len(subjects) >= 12 and min(subjects.values()) >= 60
    assert set(subjects) == {row.subject for row in validation.rows}


def test_no_question_stands_twice_in_it(bank):
    rows = [row for pool in bank for row in pool.rows]
    asked = Counter(normalize_answer(row.question) for row in rows)
    assert asked.most_common(1)[0][1] == 1
    assert len({row.id for row in rows}) == len(rows)


def test_every_answer_can_be_scored_and_shown(bank):
    for row in (row for pool in bank for row in pool.rows):
        assert row.value == row.answers[0] and row.answer == row.value
        assert score_answer(row.value, row.gold).exact_match
        assert row.value == " ".join(row.value.split())


def test_no_question_gives_its_answer_away(bank):
    for row in (row for pool in bank for row in pool.rows):
        assert f" {row.value.casefold()} " not in f" {' '.join(row.question.casefold().split()).rstrip('?')} "


@pytest.mark.slow
def test_the_leakage_guard_finds_no_twin_between_the_splits(bank, real_encoder):
    from a3core.fewshot.encoder import embed_corpus
    from a3core.fewshot.retrieval import Retriever, Selection

    pool, validation = bank
    retriever = Retriever(pool, real_encoder, embed_corpus(real_encoder, pool.questions))
    for row, embedding in zip(validation.rows, retriever.embed(validation.questions), strict=True):
        assert retriever.select(row.question, Selection(k=1), embedding).left_out == ()
