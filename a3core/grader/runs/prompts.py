"""Prompts: the assignment's three ways to ask (4.a standard, 4.b the variant, 4.c chain of thought), and one's own.

Question: Mila has 4 pencils and finds 3 more. How many pencils has she now?
Answer: Mila has 4 pencils at first.                            <- "cot"; in "variant" only the last line
She finds 3 more, so she has 4 + 3 = 7 pencils.
The answer is 7.
<blank line>
Question: Ivo has 5 marbles and finds 2 more. How many marbles has he now?
Answer:                                                         <- "standard" is these two lines alone

form = load_form("cot")                  one of FORMS, or a text file of one's own that ends with .txt
prompt = render_prompt(form, question, task.demonstrations)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT
from a3core.grader.runs.tasks import Demonstration

QUESTION = "{question}"
ANSWERS, EXPLANATIONS = "{answers}", "{explanations}"  # the demonstrations, without and with their explanations
STOP = "\nQuestion:"  # where a model runs on into a question of its own
PLACES = re.compile("|".join(map(re.escape, (QUESTION, ANSWERS, EXPLANATIONS))))


@dataclass(frozen=True)
class PromptForm:
    """A way to ask: a text with {question} once, and {answers} or {explanations} where demonstrations are shown.

    Raises ValueError that says what is wrong with the text.
    """

    kind: str  # the prompt kind that its responses are told apart by
    text: str

    def __post_init__(self):
        if not self.kind.strip():
            raise ValueError("A prompt needs a name.")
        if (count := self.text.count(QUESTION)) != 1:
            raise ValueError(
                f"The prompt {self.kind!r} needs {QUESTION} exactly once; it has it {count or 'no'} times."
            )
        if self.text.count(ANSWERS) + self.text.count(EXPLANATIONS) > 1:
            raise ValueError(f"The prompt {self.kind!r} shows the demonstrations once: {ANSWERS} or {EXPLANATIONS}.")
        if max(self.text.find(ANSWERS), self.text.find(EXPLANATIONS)) > self.text.index(QUESTION):
            raise ValueError(f"In the prompt {self.kind!r} the demonstrations stand before {QUESTION}.")

    @property
    def shows_demonstrations(self) -> bool:
        return ANSWERS in self.text or EXPLANATIONS in self.text


ASKED = f"Question: {QUESTION}\nAnswer:"
STEPS = "Write down the steps of your reasoning, one on each line. End with a line that says: The answer is ..."
FORMS = {
    "standard": PromptForm(STANDARD, ASKED),
    "variant": PromptForm(VARIANT, f"{ANSWERS}\n\n{ASKED}"),
    "cot": PromptForm(CHAIN_OF_THOUGHT, f"{EXPLANATIONS}\n\n{ASKED}"),
    "instruction": PromptForm("instruction", f"Answer the question. {STEPS}\n\n{ASKED}"),
}


def load_form(name: str) -> PromptForm:
    """One of FORMS, or the text file of that name, whose stem is its prompt kind. Raises ValueError."""
    if name in FORMS:
        return FORMS[name]
    path = Path(name).expanduser()
    if path.suffix != ".txt":
        raise ValueError(f"There is no prompt {name!r}: name one of {', '.join(FORMS)}, or a file that ends with .txt")
    try:
        return PromptForm(path.stem, path.read_text(encoding="utf-8-sig").rstrip())
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not UTF-8 text: save the file as UTF-8 and try again") from error


def render_demonstration(demonstration: Demonstration, explained: bool) -> str:
    """A question with its answer, explained or not. A pure function; every space of it is meant.

    - "Question:" and "Answer:", a space behind each colon: the pairs that base models have read by the million.
    - An explanation is one step a line, with no blank line in it: "\\n" ends a step and "\\n\\n" the whole pair, so the
      model cannot take the end of a step for the end of the answer. Lines are what a first wrong step is counted in.
    - "The answer is 7." is a line of its own, in both forms: the model copies it, and what comes after these words is
      the answer, what comes before them the explanation. Without explanations the words stay, so that the two forms
      differ in the explanation and in nothing else.
    - The full stop keeps the model from going on with a unit or another step.
    - Runs of white space in a question become one space: a newline in it would look like the end of the question.
    """
    steps = [line.strip() for line in demonstration.explanation.splitlines() if line.strip()] if explained else []
    answer = "\n".join([*steps, f"The answer is {demonstration.answer.strip()}."])
    return f"Question: {' '.join(demonstration.question.split())}\nAnswer: {answer}"


def render_prompt(form: PromptForm, question: str, demonstrations: Sequence[Demonstration] = ()) -> str:
    """The prompt of a question in this form. A pure function; an endpoint gets the same text as a user message.

    - A blank line between two pairs and before the question that is asked.
    - The prompt ends with "Answer:" and no space: with one, the tokens that begin with a space, which are nearly all
      that begin an answer, could no longer come. White space at the end of a form of one's own goes for that reason.
    - Nothing before the first pair: the tokenizer puts the start token there itself.
    - The three places are filled in one pass, so that a question which holds "{answers}" stays as it is.
    Raises ValueError for an empty question, and where the form shows demonstrations and there are none.
    """
    if not question.strip():
        raise ValueError("The question is empty.")
    if form.shows_demonstrations and not demonstrations:
        raise ValueError(f"The prompt {form.kind!r} shows demonstrations, but the task set has none.")
    filled = {
        QUESTION: " ".join(question.split()),
        ANSWERS: "\n\n".join(render_demonstration(shown, explained=False) for shown in demonstrations),
        EXPLANATIONS: "\n\n".join(render_demonstration(shown, explained=True) for shown in demonstrations),
    }
    return PLACES.sub(lambda place: filled[place[0]], form.text).rstrip()
