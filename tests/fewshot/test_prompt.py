"""The prompt to the character, templates that are refused, and the budget that drops the farthest first."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3core.fewshot.prompt import PromptPair, fit_prompt, render_prompt
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
