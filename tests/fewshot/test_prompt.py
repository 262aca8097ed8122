"""The prompt to the character, templates that are refused, the budget, and a prompt built from a pool."""

from __future__ import annotations

import pytest
from fakes import build_language_model
from hypothesis import given
from hypothesis import strategies as st

from a3core.fewshot.answering import answer_decodings, answer_prompts, continue_with, parse_gold, score_text
from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.prompt import PromptPair, build_prompt, fit_prompt, render_prompt
from a3core.fewshot.retrieval import Retriever, Selection
from a3core.llm.decoding import Decoding
from a3core.llm.prompts import Template

DEMONSTRATIONS = [PromptPair(f"Who is number {i}?", f"Person {i}") for i in range(4)]


def count_words(text: str) -> int:
    return len(text.split())


def test_the_default_prompt_to_the_character():
    prompt = render_prompt([PromptPair("Which river flows through Vienna?", "Danube")], "Which flows through Rome?")
    assert prompt == (
        "Question: Which river flows through Vienna?\nAnswer: Danube\n\nQuestion: Which flows through Rome?\nAnswer:"
    )


def test_zero_shot_is_the_query_alone():
    assert render_prompt([], "Why?") == "Question: Why?\nAnswer:"


def test_white_space_inside_becomes_one_space():
    prompt = render_prompt([PromptPair(" Who\n\nis \tit? ", " A  B\n")], " And\r\nnow? ")
    assert prompt == "Question: Who is it?\nAnswer: A B\n\nQuestion: And now?\nAnswer:"


def test_braces_in_questions_and_templates_are_only_text():
    template = Template("{x} {question} => {answer};", separator="\n")
    prompt = render_prompt([PromptPair("What is {answer}?", "{question}")], "{}?", template)
    assert prompt == "{x} What is {answer}? => {question};\n{x} {}? =>"


def test_what_follows_the_answer_belongs_to_demonstrations_only():
    assert render_prompt([PromptPair("a", "b")], "c", Template("Q {question}\nA {answer}.")) == "Q a\nA b.\n\nQ c\nA"


def test_within_the_budget_nothing_is_dropped():
    prompt = fit_prompt(DEMONSTRATIONS, "Who now?", count_words)
    assert prompt.included == (0, 1, 2, 3) and prompt.dropped == prompt.notes == ()
    assert prompt.tokens == count_words(prompt.text)


def test_the_budget_drops_the_farthest_first_and_says_so():
    whole = fit_prompt(DEMONSTRATIONS, "Who now?", count_words)
    cut = fit_prompt(DEMONSTRATIONS, "Who now?", count_words, budget=whole.tokens - 1)
    assert cut.dropped == (0,) and cut.included == (1, 2, 3)  # the nearest stands last
    assert cut.text == render_prompt(DEMONSTRATIONS[1:], "Who now?")
    assert "The 1 farthest of 4 demonstrations" in cut.notes[0] and str(whole.tokens - 1) in cut.notes[0]


def test_ranks_say_which_is_the_farthest():
    cut = fit_prompt(DEMONSTRATIONS, "Who now?", count_words, budget=16, ranks=[1, 3, 0, 2])
    assert cut.dropped[:2] == (1, 3) and cut.included == (2,)


@given(budget=st.integers(4, 40), ranks=st.permutations(range(4)))
def test_a_prompt_is_within_its_budget_and_as_long_as_it_may_be(budget, ranks):
    prompt = fit_prompt(DEMONSTRATIONS, "Who now?", count_words, budget, ranks=ranks)
    assert prompt.tokens <= budget
    assert sorted(prompt.included + prompt.dropped) == [0, 1, 2, 3]
    assert [ranks[i] for i in prompt.dropped] == [3, 2, 1, 0][: len(prompt.dropped)]
    if prompt.dropped:
        longer = sorted([*prompt.included, prompt.dropped[-1]])
        assert count_words(render_prompt([DEMONSTRATIONS[i] for i in longer], "Who now?")) > budget


def test_a_question_over_the_budget_cannot_be_asked():
    with pytest.raises(ValueError, match=r"alone takes 20,002 tokens, more than the budget of 100"):
        fit_prompt(DEMONSTRATIONS, "x " * 20_000, count_words, budget=100)


def test_bad_prompts():
    with pytest.raises(ValueError, match="empty"):
        fit_prompt([], " \n", count_words)
    with pytest.raises(ValueError, match="33 demonstrations are too many"):
        fit_prompt([PromptPair("a", "b")] * 33, "c", count_words)


# A prompt built from a pool, and answers to it

QUESTION = "Which river flows through Corva?"


@pytest.fixture
def retriever(pool, encoder):
    return Retriever(pool, encoder, embed_texts(encoder, pool.questions))


@pytest.fixture(scope="module")
def model():
    return build_language_model()


def test_the_prompt_is_the_chosen_demonstrations_rendered(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=3))
    chosen = retriever.select(QUESTION, Selection(k=3))
    rows = [neighbour.demonstration for neighbour in chosen.neighbours]
    assert built.prompt.text == render_prompt([PromptPair(row.question, row.answer) for row in rows], QUESTION)
    nearest_first = [row.question for row in reversed(rows)]
    assert [row["question"] for row in built.to_json()["demonstrations"]] == nearest_first
    assert built.prompt.tokens == model.count_tokens(built.prompt.text)
    assert sum(built.tokens) < built.prompt.tokens + 3


def test_what_is_dropped_is_told_row_by_row(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=32), budget=300, new_tokens=24)
    facts = built.to_json()
    assert facts["tokens"] <= 300 and "farthest of 32" in facts["notes"][0]
    inside = [row["in_prompt"] for row in facts["demonstrations"]]
    assert inside == sorted(inside, reverse=True) and not all(inside)  # the farthest went
    similarities = [row["similarity"] for row in facts["demonstrations"]]
    assert similarities == sorted(similarities, reverse=True)


def test_the_answer_keeps_its_room_in_the_window(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=32), new_tokens=100, budget=10_000)
    assert built.prompt.tokens <= model.window - 100


def test_an_answer_changed_by_hand_is_shown(retriever, model):
    first = retriever.select(QUESTION, Selection(k=1)).neighbours[0].demonstration
    built = build_prompt(retriever, QUESTION, model, Selection(k=1), answers={first.id: "Moldau", "other": "x"})
    assert "Answer: Moldau\n" in built.prompt.text


def test_another_template(retriever, model):
    built = build_prompt(retriever, QUESTION, model, Selection(k=1), Template("{question} = {answer}", "; "))
    assert built.prompt.text.endswith(f"; {QUESTION} =")


def test_answers_to_several_prompts_are_those_of_each(model):
    prompts = {"one": "Question: who\nAnswer:", "two": "a"}
    answered = answer_prompts(model, prompts, Decoding(), ["Ann", "Anne"])
    assert [one.name for one in answered] == ["one", "two"]
    for one, prompt in zip(answered, prompts.values(), strict=True):
        assert one.answer == model.generate([prompt])[0][0].strip()
        assert one.log_probability == pytest.approx(model.log_probability([prompt], [" Ann"])[0], abs=1e-4)
        assert one.score is not None and one.seconds > 0


def test_without_gold_nothing_is_scored(model):
    (answered,) = answer_decodings(model, "a", [Decoding("beam", 4)])
    assert answered.name == "beam" and answered.score is None and answered.log_probability is None


def test_gold_answers_as_they_are_written():
    assert parse_gold("Danube | Donau\n  the  Danube |\n") == ["Danube", "Donau", "the Danube"]
    assert parse_gold(" | \n") == []
    assert score_text("x", " Danube ", ["donau", "danube"]).score.exact_match
    assert continue_with("Answer:", "x") == " x" and continue_with("Answer: ", "x") == "x"
