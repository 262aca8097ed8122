"""The template of a question with its answer, which the few-shot prompts and the Grader's prompts are made of.

Question: Which river flows through Vienna?
Answer: Danube
<blank line>
Question: Which river flows through Budapest?
Answer:                                          <- no space here; the model writes it

Every space of the default template, "Question: {question}\\nAnswer: {answer}" joined by "\\n\\n":
- "Question:" and "Answer:", a space behind each colon: base models read such pairs in their training text by the
  million, and their tokenizers keep the space with the word that follows ("▁Paris" is one token).
- The prompt ends with "Answer:" and no space. With one, the space would be a token of its own, after which the tokens
  that begin with a space, which are nearly all that begin an answer, can no longer come.
- One newline between question and answer: the two lines of a pair belong together. It is also the stop of an answer of
  one line: the text generated is cut at its first newline.
- A blank line between pairs, which makes the end of an answer "\\n\\n", different from the end of a question "\\n": the
  model cannot take "Answer: Danube" for the beginning of a pair that goes on.
- Runs of white space inside a question or an answer become one space each, and there is none around them: a newline in
  a question would end the pair, and a stray space would teach the model to write stray spaces.
- Nothing before the first pair: the tokenizer puts the start token there itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

QUESTION, ANSWER = "{question}", "{answer}"


def collapse_spaces(text: str) -> str:
    """`text` with every run of white space as one space, and none around it."""
    return " ".join(text.split())


def check_once(text: str, placeholder: str, owner: str) -> None:
    """Raises ValueError unless the text of `owner`, such as "The template", has the placeholder exactly once."""
    if (count := text.count(placeholder)) != 1:
        raise ValueError(f"{owner} needs {placeholder} exactly once; it has it {count or 'no'} times.")


def fill_placeholders(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced in one pass, so that a question which holds "{answer}" stays as it is."""
    return re.sub("|".join(map(re.escape, values)), lambda match: values[match[0]], text)


@dataclass(frozen=True)
class Template:
    """How a demonstration is written, and what is between two. Raises ValueError with the field that is wrong."""

    text: str = "Question: {question}\nAnswer: {answer}"
    separator: str = "\n\n"

    def __post_init__(self):
        for placeholder in (QUESTION, ANSWER):
            check_once(self.text, placeholder, "The template")
        if self.text.index(QUESTION) > self.text.index(ANSWER):
            raise ValueError(f"In the template {QUESTION} stands before {ANSWER}: the model is asked, then answers.")

    def render(self, question: str, answer: str | None) -> str:
        """A demonstration; with None for the answer the query, which ends where the model goes on."""
        values = {QUESTION: collapse_spaces(question), ANSWER: collapse_spaces(answer or "")}
        if answer is None:
            return fill_placeholders(self.text.partition(ANSWER)[0], values).rstrip(" \t")
        return fill_placeholders(self.text, values)
