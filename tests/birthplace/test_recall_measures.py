"""Counting word-for-word recitations, and right answers with and without one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from a3core.birthplace import evaluation
from a3core.birthplace.data.corpora import Corpus, Question, build_question
from a3core.birthplace.evaluation import Accuracy, count_recall, judge_exact, measure_recall


@dataclass
class Told:
    """The parts of an answer that are measured."""

    place: str
    sentence: str


QUESTIONS = [Question(build_question(name), place) for name, place in [("Ada", "Leeds"), ("Bo Ek", "Rio")]]
DOCUMENTS = ("Ada was born in Leeds .", "Ada. Born in Leeds .", "Bo Ek was born in Rio .")
CORPUS = Corpus("builtin:10", DOCUMENTS, tuple(QUESTIONS), (), (), "a table", "0")


@pytest.mark.parametrize(
    ("sentences", "exact"),
    [
        (["Ada was born in Leeds .", "Bo Ek was born in Rio ."], [True, True]),
        (["Ada. Born in Leeds .", "Bo Ek was born in Rio . "], [True, True]),
        (["Ada was born in Leeds", "bo Ek was born in Rio ."], [False, False]),
        (["Bo Ek was born in Rio .", "Ada was born in Leeds ."], [False, False]),
        (["", "Bo Ek was born in Rio . And"], [False, False]),
    ],
)
def test_a_recitation_is_exact_if_it_is_a_document_of_that_person(sentences, exact):
    assert judge_exact([Told("", sentence) for sentence in sentences], QUESTIONS, CORPUS) == exact


def test_somebody_whom_the_corpus_does_not_know_is_recited_wrongly():
    assert judge_exact([Told("", "Eve sang .")], [Question("Where was Eve born?", "Rio")], CORPUS) == [False]


def test_the_three_shares():
    measures = count_recall(right=[True, True, False, False, True], exact=[True, True, True, False, False])
    assert measures.exact == Accuracy(3, 5)
    assert measures.given_exact == Accuracy(2, 3) and measures.given_wrong == Accuracy(1, 2)


def test_right_is_what_the_file_says():
    answers = [Told("Leeds", DOCUMENTS[0]), Told("Ek", "Bo Ek sang .")]
    measures = measure_recall(answers, QUESTIONS, CORPUS)
    assert (measures.given_exact, measures.given_wrong) == (Accuracy(1, 1), Accuracy(0, 1))
    with pytest.raises(ValueError, match="no answers to measure against"):
        measure_recall(answers, [*QUESTIONS[:1], Question("Where was Bo Ek born?", None)], CORPUS)


def test_the_lines_of_the_module_come_out():
    measures = count_recall(
        right=[True] * 448 + [False] * 37 + [True] * 3 + [False] * 12, exact=[True] * 485 + [False] * 15
    )
    assert str(measures) == evaluation.__doc__.strip().split("\n\n", 1)[1]


def test_a_share_of_nothing():
    lines = str(count_recall([True], [True])).splitlines()
    assert lines[1].startswith("Right after a word-for-word recitation: 1 out of 1: 100.0%, 95% CI [")
    assert lines[2] == "Right after a wrong recitation: there was none"
