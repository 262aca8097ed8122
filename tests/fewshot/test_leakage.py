"""The guard: what it holds back and says, and the questions that differ in the one word that matters."""

from __future__ import annotations

import json

import numpy as np
import pytest

from a3core.fewshot.index import DenseIndex
from a3core.fewshot.leakage import LeakageGuard, differ_in_name, find_difference

SEAT = "Which city has been the seat of the government of {} since independence?"
STAR = "To the nearest thousand miles, how far is the planet {} from the Sun?"


def leaks(query: str, *pool: str) -> list[int]:
    return [leak.corpus_id for leak in LeakageGuard(pool).find(query)]


@pytest.mark.parametrize(
    ("query", "other"),
    [
        ("Who painted the ceiling of the Sistine Chapel ?", 'Who painted the ceiling of "The Sistine Chapel"?'),
        ("Who wrote Faust?", "who wrote FAUST"),
        ("In which year did the very first man walk on the Moon?", "In which year did the first man walk on the Moon?"),
        (STAR.format("Mars"), STAR.format("Venus")),  # a lone look-alike is taken for a rewording
    ],
)
def test_the_same_question_in_other_clothes(query, other):
    assert leaks(query, "Who sings?", other) == [1]


@pytest.mark.parametrize(
    ("query", "other"),
    [
        (SEAT.format("Algeria"), SEAT.format("Belize")),
        (SEAT.format("the Bahamas"), SEAT.format("New Zealand")),
        ("Who wrote Faust?", "Who wrote Hamlet?"),
        ("What is the capital of Peru?", "What is the capital of Chad?"),
    ],
)
def test_the_one_word_that_matters(query, other):
    assert leaks(query, other) == []


def test_another_name_of_the_same_country_is_no_evidence():
    assert leaks(SEAT.format("Burma"), SEAT.format("Myanmar")) == [0]


def test_a_series_shows_that_the_word_matters():
    series = [STAR.format(name) for name in ("Venus", "Saturn", "Neptune")]
    assert leaks(STAR.format("Mars"), *series) == []
    assert leaks(STAR.format("Mars"), *series[:2]) == [0, 1]
    assert leaks(STAR.format("Saturn"), *series) == [1]  # itself, and not its neighbours


def test_the_reason_is_said():
    same, words = LeakageGuard(["Who sings?", STAR.format("Venus")]), STAR.format("Mars")
    assert same.find("who SINGS")[0].reason == "the same question"
    leak = same.find(words)[0]
    assert leak.reason == "85% of the words are the same" and leak.question == STAR.format("Venus")
    assert leak.jaccard == pytest.approx(11 / 13) and leak.cosine is None


class Scripted:
    """Embeddings by hand: question -> angle in degrees."""

    def __init__(self, **angles):
        self.angles = angles

    def encode(self, *texts) -> np.ndarray:
        radians = np.radians([self.angles[text.split()[0].rstrip("?")] for text in texts])
        return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_meaning_alone_is_enough_unless_names_differ():
    angles = Scripted(Whence=0, Where=10, Who=90)
    pool = ["Where does the wind come from?", "Who sings?", "Where is radio 98 from?"]
    guard = LeakageGuard(pool, DenseIndex(angles.encode(*pool)))
    found = guard.find("Whence blows it?", angles.encode("Whence blows it?")[0])
    assert [leak.corpus_id for leak in found] == [0, 2]
    assert "cosine 0.98" in found[0].reason
    assert [leak.corpus_id for leak in guard.find("Whence is 97?", angles.encode("Whence is 97?")[0])] == [0]


def test_the_threshold_of_words(monkeypatch):
    assert LeakageGuard(["a b c d"]).find("a b c e") == []
    monkeypatch.setattr("a3core.fewshot.leakage.JACCARD", 0.5)
    assert LeakageGuard(["a b c d"]).find("a b c e")[0].jaccard == pytest.approx(0.6)


def test_jaccard_against_sets():
    pool = ["one two three", "one one four", "five", "??"]
    assert LeakageGuard(pool).jaccard("One, two and five").tolist() == pytest.approx([2 / 5, 1 / 5, 1 / 4, 0])
    assert LeakageGuard(["??"]).find("??") == LeakageGuard(["??"]).find("!")  # nothing to compare: alike


@pytest.mark.parametrize(
    ("a", "b", "difference"),
    [
        ("Where is the Nile?", "Where is Mount Fuji?", ("nile", "mount fuji")),
        ("Who is it?", "Who is it now?", None),
        ("Who is it?", "who is IT", None),
        ("one two", "three four", ("one two", "three four")),
        ("a b c d e f g", "x y z u v w t", None),
    ],
)
def test_the_place_where_questions_differ(a, b, difference):
    assert find_difference(a, b) == difference


def test_names_are_capitals_and_digits():
    assert differ_in_name("Is it Ann or Bo?", "Is it Cy or Bo?")
    assert differ_in_name("In 1300?", "In 1400?")
    assert not differ_in_name("Who killed Gandhi?", "Who killed Gandhi in Delhi?")
    assert not differ_in_name("Who is it?", "What was it?")


@pytest.mark.slow
def test_near_duplicates_are_caught_and_hardly_anything_else(triviaqa, real_encoder, capsys):
    from a3core.fewshot.encoder import embed_corpus
    from a3core.fewshot.pools import load_pool

    pool, asked = load_pool(triviaqa / "train_pool.jsonl"), load_pool(triviaqa / "validation_1000.jsonl")
    pairs = [json.loads(line) for line in (triviaqa / "near_duplicate_pairs.jsonl").read_text().splitlines()]
    guard = LeakageGuard(pool.questions, DenseIndex(embed_corpus(real_encoder, pool.questions)))
    embeddings = embed_corpus(real_encoder, asked.questions)
    found = {
        row.id: {pool[leak.corpus_id].id for leak in guard.find(row.question, embedding)}
        for row, embedding in zip(asked.rows, embeddings, strict=True)
    }
    expected = {pair["validation_id"] for pair in pairs}
    assert len(pairs) == 38 and all(pair["train_id"] in found[pair["validation_id"]] for pair in pairs)
    assert sum(bool(ids) for row_id, ids in found.items() if row_id not in expected) <= 10
