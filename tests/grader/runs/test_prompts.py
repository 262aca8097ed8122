"""Prompts to the letter: every space counts."""

from __future__ import annotations

import pytest

from a3core.grader.runs.prompts import TEMPLATES, PromptTemplate, load_template, render_demonstration, render_prompt
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT
from a3core.grader.runs.tasks import Demonstration

SHOWN = (
    Demonstration("Ada has 2 eggs\nand eats 1. How many are left?", " She eats 1. \n\n 2 - 1 = 1.\n", "1"),
    Demonstration("Bo has  3 eggs.  How many?", "Bo has 3.", " 3 "),
)
ASKED = "Dora has 4 eggs. How many?"


def test_standard_is_the_question_alone():
    assert render_prompt(TEMPLATES["standard"], ASKED, SHOWN) == "Question: Dora has 4 eggs. How many?\nAnswer:"


def test_the_variant_shows_answers_without_explanations():
    assert render_prompt(TEMPLATES["variant"], f"  {ASKED}\n", SHOWN) == (
        "Question: Ada has 2 eggs and eats 1. How many are left?\nAnswer: The answer is 1.\n\n"
        "Question: Bo has 3 eggs. How many?\nAnswer: The answer is 3.\n\n"
        "Question: Dora has 4 eggs. How many?\nAnswer:"
    )


def test_chain_of_thought_shows_a_step_a_line():
    assert render_prompt(TEMPLATES["cot"], ASKED, SHOWN) == (
        "Question: Ada has 2 eggs and eats 1. How many are left?\n"
        "Answer: She eats 1.\n2 - 1 = 1.\nThe answer is 1.\n\n"
        "Question: Bo has 3 eggs. How many?\nAnswer: Bo has 3.\nThe answer is 3.\n\n"
        "Question: Dora has 4 eggs. How many?\nAnswer:"
    )


def test_the_two_forms_differ_in_the_explanation_and_in_nothing_else():
    for shown in SHOWN:
        steps = render_demonstration(shown, explained=True).splitlines()
        short = render_demonstration(shown, explained=False).splitlines()
        assert short == [steps[0], f"Answer: {steps[-1]}"]


def test_the_kinds_are_those_of_the_assignment():
    kinds = {name: form.kind for name, form in TEMPLATES.items()}
    assert (kinds["standard"], kinds["variant"], kinds["cot"]) == (STANDARD, VARIANT, CHAIN_OF_THOUGHT)
    assert len(set(kinds.values())) == len(kinds)


def test_the_instruction_asks_for_the_words_that_are_looked_for():
    prompt = render_prompt(TEMPLATES["instruction"], ASKED)
    assert "The answer is" in prompt and prompt.endswith(f"\n\nQuestion: {ASKED}\nAnswer:")


def test_what_looks_like_a_place_stays_as_it_is():
    strange = "What are {answers}, {question} and {x}, ${1+1}, \\1?"
    shown = [Demonstration("{explanations}?", "{question}", "{answers}")]
    prompt = render_prompt(TEMPLATES["cot"], strange, shown)
    assert prompt == (
        f"Question: {{explanations}}?\nAnswer: {{question}}\nThe answer is {{answers}}.\n\nQuestion: {strange}\nAnswer:"
    )


def test_a_form_of_ones_own(tmp_path):
    (tmp_path / "pirate.txt").write_text(
        "\ufeffAnswer as a pirate.\n{answers}\n\nQ: {question}\nA: \n", encoding="utf-8"
    )
    form = load_template(str(tmp_path / "pirate.txt"))
    assert form.kind == "pirate"
    assert render_prompt(form, ASKED, SHOWN[1:]) == (
        f"Answer as a pirate.\nQuestion: Bo has 3 eggs. How many?\nAnswer: The answer is 3.\n\nQ: {ASKED}\nA:"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("What?", r"needs \{question\} exactly once; it has it no times"),
        ("{question} {question}", "it has it 2 times"),
        ("{answers} {explanations} {question}", "shows the demonstrations once"),
        ("{answers}{answers} {question}", "shows the demonstrations once"),
        ("{x} {question} {explanations}", r"stand before \{question\}"),
    ],
)
def test_texts_that_are_no_prompt(text, message):
    with pytest.raises(ValueError, match=message):
        PromptTemplate("own", text)


def test_no_prompt(tmp_path):
    with pytest.raises(ValueError, match="no prompt 'loud': name one of standard, variant, cot"):
        load_template("loud")
    with pytest.raises(ValueError, match=r"cannot read .*No such file"):
        load_template(str(tmp_path / "none.txt"))
    (tmp_path / "latin.txt").write_bytes(b"\xe9 {question}")
    with pytest.raises(ValueError, match=r"latin\.txt, line 1: this is not UTF-8"):
        load_template(str(tmp_path / "latin.txt"))
    with pytest.raises(ValueError, match="needs a name"):
        PromptTemplate(" ", "{question}")
    with pytest.raises(ValueError, match="question is empty"):
        render_prompt(TEMPLATES["standard"], " \n")
