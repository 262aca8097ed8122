"""One interface for both ways to answer: at once (`DirectPredictor`), and from a recalled sentence (`RecallPredictor`).

>>> predictor = load_predictor("checkpoints/builtin-recall")       # of `a3core.birthplace.checkpoints`
>>> predictor.predict(["Where was Ada Smith born?"])[0].place
'Leeds'

The Birthplace tab, the Attention tab, runs of the Grader, the evaluation of a file and the commands all ask a
predictor, so all of them get the same answer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # PyTorch takes a second to import
    from a3core.birthplace.model.gpt import GPT

TOP_K = 5  # likeliest places on a card


@dataclass(frozen=True)
class Candidate:
    """A place and its probability."""

    place: str
    probability: float


@dataclass(frozen=True)
class Prediction:
    """The answer to one question, and what it was taken from."""

    place: str
    probability: float  # of the place and its end; where a sentence was recalled, its share among the sentence's spans
    sentence: str | None = None  # recalled before the answer; None: it was answered at once
    sentence_probability: float | None = None  # that the model writes all of it behind the name, and its end
    span: tuple[int, int] | None = None  # of the place in the sentence, in characters; None where it has no span
    top: tuple[Candidate, ...] = field(default=(), repr=False)  # the likeliest places, best first
    confidence: float | None = None  # P(the place is right), where the checkpoint has a `confidence.Confidence`
    familiarity: float | None = None  # P(the name was read), judged by the recalled sentence
    written_probability: float = 0.0  # that the model writes the place behind the sentence
    lead: float = 0.0  # log-probability of writing it less that of the next place, in nats; infinite without a next
    prefix_probability: float = 0.0  # that the model writes the sentence up to the place, or all of it without a span
    tag_score: float = 0.0  # by how much the place makes the tags of the sentence likelier than none, in nats
    is_stated: bool = True  # False: the sentence states no place, and the answer is a guess
    checkpoint: str = ""
    seconds: float = 0.0
    refusal: str = ""  # why the question cannot be read; then nothing is answered
    is_complete: bool = True  # False: the sentence is still being recalled, and nothing is answered yet


class Continuation(NamedTuple):
    """A text in tokens: what is read, the sentence that is recalled behind it, and the answer."""

    prompt: list[int]
    sentence: list[int]
    answer: list[int]


class Predictor(ABC):
    """A checkpoint that answers questions. All raise ValueError for a question that the model cannot read."""

    recalls: bool  # whether a sentence is recalled before the answer

    def __init__(self, model: GPT, checkpoint: str = ""):
        self.model, self.checkpoint = model, checkpoint
        self.no_answer = Prediction("", 0.0, checkpoint=checkpoint)  # to a question that cannot be read

    @abstractmethod
    def encode(self, question: str) -> list[list[int]]:
        """The ids of what is read of a question, in each spelling of its name."""

    @abstractmethod
    def predict(self, questions: Sequence[str], *, top_k: int = 0) -> list[Prediction]:
        """An answer to each question, with its `top_k` likeliest places."""

    @abstractmethod
    def continue_text(self, text: str, limit: int, answer: str | None = None) -> Continuation:
        """What the model writes behind any text, at most `limit` tokens in all; `answer` takes the place of its own."""

    def stream(self, question: str, *, top_k: int = 0) -> Iterator[Prediction]:
        """The recalled sentence as it grows, if there is one, and last the answer of `predict`."""
        yield from self.predict([question], top_k=top_k)

    def explain_unreadable(self, question: str) -> str:
        """Why the model cannot read a question: its characters, its length; "" where it can."""
        try:
            self.encode(question)
        except ValueError as error:
            return str(error)
        return ""

    def predict_readable(self, questions: Sequence[str]) -> list[Prediction]:
        """An answer to each question; one that the model cannot read has a `refusal` and no place."""
        refusals = {question: self.explain_unreadable(question) for question in questions}
        answers = iter(self.predict([question for question in questions if not refusals[question]]))
        no_answers = {question: replace(self.no_answer, refusal=refusal) for question, refusal in refusals.items()}
        return [no_answers[question] if refusals[question] else next(answers) for question in questions]
