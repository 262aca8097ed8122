"""The template of a question with its answer: every space counts, and a text that is none is refused."""

from __future__ import annotations

import re

import pytest

from a3core.llm.prompts import ANSWER, QUESTION, Template, fill_placeholders


def test_a_newline_before_the_answer_is_kept():
    assert Template("{question}\n{answer}").render("a", None) == "a\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Question: {question}", "needs {answer} exactly once; it has it no times"),
        ("Answer: {answer}", "needs {question} exactly once; it has it no times"),
        ("", "needs {question}"),
        ("{question} {question} {answer}", "it has it 2 times"),
        ("{answer} {question}", "{question} stands before {answer}"),
        ("{Question} {answer}", "needs {question}"),
    ],
)
def test_a_template_without_a_field_is_refused_with_the_reason(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        Template(text)


def test_placeholders_are_filled_in_one_pass():
    values = {QUESTION: "What is {answer}, \\1?", ANSWER: "{question}"}
    assert fill_placeholders("{x} {question} {answer}", values) == "{x} What is {answer}, \\1? {question}"
    assert Template().render(" a  b ", "c\nd") == "Question: a b\nAnswer: c d"
