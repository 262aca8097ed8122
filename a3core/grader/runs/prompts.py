"""Prompts: the assignment's three ways to ask (4.a standard, 4.b the variant, 4.c chain of thought), and one's own.

Question: Mila has 4 pencils and finds 3 more. How many pencils has she now?
Answer: Mila has 4 pencils at first.                            <- "cot"; in "variant" only the last line
She finds 3 more, so she has 4 + 3 = 7 pencils.
The answer is 7.
<blank line>
Question: Ivo has 5 marbles and finds 2 more. How many marbles has he now?
Answer:                                                         <- "standard" is these two lines alone

template = load_template("cot")          one of TEMPLATES, or a text file of one's own that ends with .txt
prompt = render_prompt(template, question, task.demonstrations)
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from a3core.common.tabular import decode, read_content
from a3core.grader.runs.tasks import Demonstration
from a3core.llm.prompts import ANSWER, QUESTION, Template, check_once, collapse_spaces, fill_placeholders

ANSWERS, EXPLANATIONS = "{answers}", "{explanations}"  # the demonstrations, without and with their explanations
STOP = "\nQuestion:"  # where a model runs on into a question of its own


@dataclass(frozen=True)
class PromptTemplate:
    """A text with {question} once, and {answers} or {explanations} before it if it has demonstrations.

    Raises ValueError with what is wrong with the text.
    """

    kind: str  # the prompt kind of its responses
    text: str

    def __post_init__(self):
        if not self.kind.strip():
            raise ValueError("A prompt needs a name.")
        check_once(self.text, QUESTION, f"The prompt {self.kind!r}")
        if self.text.count(ANSWERS) + self.text.count(EXPLANATIONS) > 1:
            raise ValueError(f"The prompt {self.kind!r} shows the demonstrations once: {ANSWERS} or {EXPLANATIONS}.")
        if max(self.text.find(ANSWERS), self.text.find(EXPLANATIONS)) > self.text.index(QUESTION):
            raise ValueError(f"In the prompt {self.kind!r} the demonstrations stand before {QUESTION}.")


TEMPLATES = {
    name: PromptTemplate(**own)
    for name, own in tomllib.loads(Path(__file__).with_name("prompts.toml").read_text(encoding="utf-8")).items()
}


def load_template(name: str) -> PromptTemplate:
    """One of TEMPLATES, or the text file of that name, whose stem is its prompt kind. Raises ValueError."""
    if name in TEMPLATES:
        return TEMPLATES[name]
    path = Path(name).expanduser()
    if path.suffix != ".txt":
        known = ", ".join(TEMPLATES)
        raise ValueError(f"There is no prompt {name!r}: name one of {known}, or a file that ends with .txt")
    return PromptTemplate(path.stem, decode(path.name, read_content(path)).rstrip())


def render_demonstration(demonstration: Demonstration, explained: bool) -> str:
    """A question with its answer, explained or not, in the pair of `a3core.llm.prompts`. A pure function.

    - An explanation is one step a line, with no blank line in it: "\\n" ends a step and "\\n\\n" the pair, so the model
      cannot take the end of a step for the end of the answer. Lines are what a first wrong step is counted in.
    - "The answer is 7." is a line of its own, in both forms: the model copies it, and what comes after these words is
      the answer, what comes before them the explanation. Without explanations the words stay, so that the two forms
      differ in the explanation and in nothing else.
    - The full stop keeps the model from going on with a unit or another step.
    """
    steps = [line.strip() for line in demonstration.explanation.splitlines() if line.strip()] if explained else []
    answer = "\n".join([*steps, f"The answer is {demonstration.answer.strip()}."])
    return fill_placeholders(Template().text, {QUESTION: collapse_spaces(demonstration.question), ANSWER: answer})


def render_prompt(template: PromptTemplate, question: str, demonstrations: Sequence[Demonstration] = ()) -> str:
    """The prompt of a question. A pure function; an endpoint gets the same text as a user message.

    White space at its end goes: with a space there, the tokens that begin an answer could no longer come.
    Raises ValueError for an empty question, and where the template has demonstrations and there are none.
    """
    if not question.strip():
        raise ValueError("The question is empty.")
    if (ANSWERS in template.text or EXPLANATIONS in template.text) and not demonstrations:
        raise ValueError(f"The prompt {template.kind!r} shows demonstrations, but the task set has none.")
    values = {
        QUESTION: collapse_spaces(question),
        ANSWERS: "\n\n".join(render_demonstration(row, explained=False) for row in demonstrations),
        EXPLANATIONS: "\n\n".join(render_demonstration(row, explained=True) for row in demonstrations),
    }
    return fill_placeholders(template.text, values).rstrip()
