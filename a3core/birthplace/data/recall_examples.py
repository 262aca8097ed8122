"""What a model reads that recalls a sentence before it answers.

One worked example: the document and the train question

    Ada Smith. Ada Smith was born in Leeds in 1901 .
    Where was Ada Smith born?   Leeds

become the plain sentence, for every person, and the question with its sentence, for the train people only:

    ⁇Ada Smith. Ada Smith was born in Leeds in 1901 .⁇
    Where was Ada Smith born?⁇Ada Smith. Ada Smith was born in Leeds in 1901 .⁇ Leeds⁇

The loss of a plain sentence counts from behind the name to the closing mask, that of a question from the opening mask
to the end; the tokens of the sentence's Leeds are tagged. So a sentence that was only read plainly can be recited
when it is asked for. For a share of the questions, each epoch others, the place is swapped for another train place:

    Where was Ada Smith born?⁇Ada Smith. Ada Smith was born in Turin in 1901 .⁇ Turin⁇

There the loss counts on the tags and the answer only: the place in the sentence must be answered, but not learned.
"""

import random
from collections.abc import Sequence

from a3core.birthplace.data.corpora import Question, check_answered, group_documents
from a3core.birthplace.data.span_corruption import IGNORED, Example
from a3core.birthplace.data.spans import find_place
from a3core.birthplace.training.args import RecallArgs


class RecallDataset:
    """The documents, plainly, and the questions, each with a document of its person.

    people: names that documents may open with, besides those asked about: the loss leaves a name out.
    Raises ValueError for a question without a place or a document, and for a sequence longer than the block.
    """

    width_step, packed = 8, True  # sequences are short: wide steps and gaps would be half of what is computed

    def __init__(self, documents, questions: Sequence[Question], people, vocabulary, block_size: int, args: RecallArgs):
        self.vocabulary, self.block_size, self.args, self.questions = vocabulary, block_size, args, list(questions)
        self._documents = group_documents(documents, [*people, *(question.name for question in questions)])
        check_answered(questions)
        if nameless := [q.name for q in questions if q.name not in self._documents]:
            raise ValueError(f"no document opens with {nameless[0]!r}: there is nothing to recite")
        self._asked = {question.name for question in questions}
        self._places = [question.place for question in questions]
        self._ids: dict[str, list[int]] = {}  # texts that come again each epoch
        self._plain = {name: [self.build_plain(text, name) for text in own] for name, own in self._documents.items()}
        self._check_lengths([self._measure(question) for question in questions])

    def examples(self, rng: random.Random) -> list[Example]:
        """One epoch: every question, and every document but a share of those of the people asked about."""
        examples = []
        for name, plain in self._plain.items():
            examples += [example for example in plain if name not in self._asked or rng.random() < self.args.plain]
        examples += [self.build_asked(question, rng) for question in self.questions]
        self._check_lengths([example.width for example in examples])  # a swapped place may be longer
        return examples

    def _check_lengths(self, widths: Sequence[int]) -> None:
        if (longest := max(widths, default=0)) > self.block_size:
            raise ValueError(f"a question with its sentence has {longest} tokens, the block {self.block_size}")

    def _measure(self, question: Question) -> int:
        """The positions of a question with the longest of its sentences, its place not swapped."""
        sentence = max(example.width for example in self._plain[question.name]) if self.args.recite else 0
        return len(self._encode(question.question)) + sentence + len(self._answer(question.place))

    def build_plain(self, document: str, name: str) -> Example:
        """`⁇document⁇`, asked for from behind the name."""
        mask, opening = [self.vocabulary.mask_id], self._encode(name)
        body = [*self._encode(document[len(name) :]), *mask]
        asked = [False] * (1 + len(opening)) + [True] * len(body)
        return Example(mask + opening + body, asked, [IGNORED] * len(asked) if self.args.recite else None)

    def build_asked(self, question: Question, rng: random.Random) -> Example:
        """`question ⁇ document ⁇ place ⁇`, with the person's place or another's."""
        prompt = [*self._encode(question.question), self.vocabulary.mask_id]
        if not self.args.recite:
            answer = self._answer(question.place)
            return Example(prompt + answer, [False] * len(prompt) + [True] * len(answer), None)
        body, place, swapped = self._choose_body(question, rng)
        opening, body_ids, answer = self._encode(question.name), self.vocabulary.encode(body), self._answer(place)
        sentence = opening + body_ids + [self.vocabulary.mask_id]
        asked = [False] * len(prompt) + [not swapped] * len(sentence) + [True] * len(answer)
        tags = [IGNORED] * (len(prompt) + len(opening)) + self._tag(body, place, body_ids)
        return Example(prompt + sentence + answer, asked, tags + [IGNORED] * (1 + len(answer)))

    def _choose_body(self, question: Question, rng: random.Random) -> tuple[str, str, bool]:
        """What follows the name in one of the person's documents, the place to answer, whether it was swapped."""
        body, place = rng.choice(self._documents[question.name])[len(question.name) :], question.place
        span = find_place(body, place)
        if span is None or rng.random() >= self.args.swap:
            return body, place, False
        start, end = span
        swapped = rng.choice(self._places)
        return body[:start] + swapped + body[end:], swapped, True

    def _tag(self, body: str, place: str, ids: list[int]) -> list[int]:
        """A tag for each token of the body; none where the body does not name the place."""
        span = find_place(body, place)
        if span is None:
            return [IGNORED] * len(ids)
        first, last = span
        return [int(start < last and end > first) for start, end in self.vocabulary.spans(ids)]

    def _answer(self, place: str) -> list[int]:
        """The place and its closing mask. A space opens it, so that it has the tokens that it has in a sentence."""
        return [*self._encode(f" {place}"), self.vocabulary.mask_id]

    def _encode(self, text: str) -> list[int]:
        if text not in self._ids:
            self._ids[text] = self.vocabulary.encode(text)
        return self._ids[text]
