"""A question asked in three ways, and what each demonstration changes, with made-up models."""

from __future__ import annotations

from dataclasses import replace

import pytest

from a3core.fewshot.answering import (
    MOST_LEFT_OUT,
    Answered,
    Asked,
    PromptRow,
    ask_in_steps,
    leave_each_out,
    measure_each,
    render_without,
    score_gold,
    score_text,
)
from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.llm.prompts import Template


def ask(*values, **options):
    """What the steps end with."""
    *_, asked = ask_in_steps(*values, **options)
    return asked


class LastAnswer:
    """Says the last demonstration's answer; a text is as likely as its prompt is long."""

    name, window, tells_log_probability = "last", None, True

    def __init__(self):
        self.batches = []

    def count_tokens(self, text):
        return len(text.split())

    def generate(self, prompts, decoding, cancel=None):
        self.batches.append(len(prompts))
        return [[(prompt.split("Answer: ")[1:] or [""])[-1].split("\n")[0]] for prompt in prompts]

    def log_probability(self, prompts, continuations, cancel=None):
        return [
            -float(len(continuation)) + prompt.count("Answer: ")
            for prompt, continuation in zip(prompts, continuations, strict=True)
        ]


def build_asked(n: int) -> Asked:
    rows = tuple(PromptRow(str(i), f"Q{i}?", f"A{i}", 0.5) for i in range(n))
    answered = Answered("nearest", f"A{n - 1}", None, -1.0, 0.1)
    texts = {"question": "Who?", "gold": ("Ann",), "model": "last", "prompt": ""}
    return Asked(
        **texts, template=Template(), rows=rows, tokens=1, window=None, notes=(), answers=(answered,), seconds=0
    )


def test_the_canonical_answer_and_the_likeliest_alias_are_both_scored():
    (scores,) = score_gold(LastAnswer(), ["Question: Who?\nAnswer:"], ["Transgender", "T"])
    answered = score_text("zero-shot", "T", ["Transgender", "T"], scores)
    assert answered.log_probability == scores["Transgender"] == -12.0
    assert (answered.best_alias, answered.best_log_probability) == ("T", -2.0)
    assert score_gold(LastAnswer(), ["a"], []) == [{}]


def test_gold_begins_with_the_canonical_answer_wherever_it_is_asked_for():
    row = Demonstration("1", "T?", ("Hegirl", "Transgender"), value="Transgender")
    assert row.gold == ("Transgender", "Hegirl") and row.gold[0] == row.answer
    ruled = Demonstration("2", "Q?", ("DZ (disambiguation)", "DZ", "Dz"))
    assert ruled.gold[0] == ruled.answer


def test_without_each_one_marks_the_answers_that_differ():
    model, asked = LastAnswer(), build_asked(3)
    left_out = leave_each_out(model, asked)
    assert left_out.with_all == "A2" and left_out.answers == ("A2", "A2", "A1") and left_out.n_changed == 1
    swapped = leave_each_out(model, asked, swap=True)
    assert swapped.answers == ("A2", "A2", "A0")  # the last row has the first one's answer
    assert render_without(asked, 0, swap=True).startswith("Question: Q0?\nAnswer: A1\n\nQuestion: Q1?\nAnswer: A1")


def test_it_costs_ten_answers_at_most():
    model = LastAnswer()
    left_out = leave_each_out(model, build_asked(12))
    assert model.batches == [MOST_LEFT_OUT + 1 == 10 and 10]
    assert left_out.answers[:3] == (None,) * 3 and None not in left_out.answers[3:]


def test_each_effect_is_a_difference_of_log_probabilities():
    effects = measure_each(LastAnswer(), build_asked(3))
    assert (effects.with_all, effects.without_any, effects.each) == (-1.0, -4.0, (1.0, 1.0, 1.0))
    assert effects.noise == 0.0


@pytest.mark.parametrize("change", [{"gold": ()}, {"rows": ()}])
def test_nothing_to_measure_is_one_sentence(change):
    with pytest.raises(ValueError, match="Type a right answer"):
        measure_each(LastAnswer(), replace(build_asked(2), **change))
    with pytest.raises(ValueError, match="too few demonstrations"):
        leave_each_out(LastAnswer(), build_asked(1), swap=True)


@pytest.fixture
def build_retriever(encoder):
    def build(*rows: tuple[str, str]) -> Retriever:
        pool = Pool("made up", tuple(Demonstration(f"q{i}", q, (a,)) for i, (q, a) in enumerate(rows)))
        return Retriever(pool, encoder, embed_texts(encoder, pool.questions))

    return build


QUESTION = "Which band sang the song about rain?"
NEAR = ("Which band wrote that other song about rain?", "The Rainers!")


def test_an_answer_in_sight_is_found_in_any_spelling_and_left_out_on_request(build_retriever):
    retriever = build_retriever(NEAR, ("Which band sang of snow?", "Flake"), ("Who painted it?", "Kim"))
    model, gold = LastAnswer(), ["Wet", "rainers"]
    asked = ask(retriever, model, QUESTION, gold, Selection(k=2))
    assert [row.in_sight for row in asked.rows] == [False, True]
    assert any("it is in sight" in note for note in asked.notes)
    hidden = ask(retriever, model, QUESTION, gold, Selection(k=2, hide_answer=True))
    assert [row.answer for row in hidden.rows] == ["Kim", "Flake"] and not any(row.in_sight for row in hidden.rows)
    assert any("1 of the pool left out: their answer" in note for note in hidden.notes)


@pytest.mark.parametrize("method", ["random", "nearest", "mmr", "bm25", "hybrid"])
def test_the_same_question_is_shown_once_with_a_sentence(build_retriever, method):
    repeated = ("Which band wrote the rain song?", "Wet")
    retriever = build_retriever(repeated, repeated, repeated, ("Which band sang of snow?", "Flake"))
    chosen = retriever.select("Who wrote of the rain and sang it?", Selection(method, k=4))
    questions = [neighbour.demonstration.question for neighbour in chosen.neighbours]
    assert sorted(set(questions)) == sorted(questions) and len(questions) == 2
    assert any("word for word" in note for note in chosen.notes)


def test_a_server_without_log_probabilities_is_named_where_a_right_answer_is_known(pool, encoder):
    model, retriever = LastAnswer(), Retriever(pool, encoder, embed_texts(encoder, pool.questions))
    assert not any("Log-probabilities" in note for note in ask(retriever, model, "Who?", ["Ann"]).notes)
    model.tells_log_probability = False
    asked = ask(retriever, model, "Who?", ["Ann"])
    assert "Log-probabilities are left out: the server gives none of a given text." in asked.notes
    assert asked.answers[-1].log_probability is None
    assert not any("Log-probabilities" in note for note in ask(retriever, model, "Who?").notes)
