"""One question to every checkpoint of a family: what the Birthplace tab and the API show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data import corpora, loading
from a3core.birthplace.prediction.predictor import TOP_K, Candidate, Prediction, Predictor
from a3core.common.batching import MicroBatcher, use_single_thread

if TYPE_CHECKING:  # PyTorch takes a second to import
    from a3core.birthplace.prediction.changed_sentence import ChangedAnswer

BASELINE = "London baseline"
LONDON = Prediction("London", 1.0, top=(Candidate("London", 1.0),), checkpoint=BASELINE)
FAMILIAR = 0.5  # P(read) below which the answer is called made up


@dataclass(frozen=True)
class Reply:
    """What a family answers about one name."""

    name: str
    person: loading.KnownPerson | None  # in the table, to check the answers
    familiarity: float | None = None  # P(the text has this name), by the checkpoint with the best AUROC, if one has any
    answers: tuple[Prediction, ...] = ()
    is_complete: bool = False  # whether all have answered: the baseline, of birthplaces, comes last
    question: str = ""  # as the checkpoints were asked


class BirthplaceService:
    """Asks the checkpoints of a store. Simultaneous questions to one of them share its batches."""

    def __init__(self, checkpoints: CheckpointStore):
        self.checkpoints, self._lock = checkpoints, Lock()
        self._batches: dict[tuple[str, str], MicroBatcher] = {}  # by checkpoint and what is asked of it
        self._calibrations = {}  # by folder, each read once

    def ask(self, text: str, corpus: str) -> Reply:
        """Every answer about the person named in `text`, a name or a question.

        A model that cannot read the name says so in its own answer. Raises ValueError if there is no name, or if no
        model can read it.
        """
        *_, reply = self.stream(text, corpus, watched=False)
        return reply

    def stream(self, text: str, corpus: str, watched: bool = True) -> Iterator[Reply]:
        """`ask`, to be watched: direct answers, then recalled sentences word by word, and last the complete reply."""
        if not (checkpoints := self.checkpoints.names(corpus)):
            raise ValueError("no model of this family answers questions, or it was a live one whose page has closed")
        predictors = {checkpoint: self.checkpoints.predictor(checkpoint) for checkpoint in checkpoints}
        question, people = self.checkpoints.question(corpus), self.checkpoints.people(corpus)
        known = people.get(loading.fold_name(text, question))
        name = known.name if known else corpora.parse_name(text, question)
        if not name:
            example = loading.choose_person(people) if question != corpora.BIRTHPLACE else "Babe Ruth"
            raise ValueError(f"type a name, such as {example}, or a question about one")
        reply = Reply(name, known, question=corpora.build_question(name, question))
        refusals = {checkpoint: p.explain_unreadable(reply.question) for checkpoint, p in predictors.items()}
        if all(refusals.values()):
            raise ValueError(next(iter(refusals.values())))
        for checkpoint, predictor in sorted(predictors.items(), key=lambda item: item[1].recalls):
            if refusal := refusals[checkpoint]:
                steps = iter([replace(predictor.no_answer, checkpoint=checkpoint, refusal=refusal)])
            else:
                steps = self._ask_checkpoint(checkpoint, reply.question, watched)
            for answer in steps:
                yield (grown := replace(reply, answers=(*reply.answers, answer)))
            reply = grown
        familiarity = self._find_familiarity(name, corpus, reply.answers)
        answers = tuple(self._judge(answer, familiarity) for answer in reply.answers)
        answers += (LONDON,) if question == corpora.BIRTHPLACE else ()  # London is no guess at a capital
        yield replace(reply, familiarity=familiarity, answers=answers, is_complete=True)

    def ask_all(self, text: str) -> list[Reply]:
        """A reply from every family that can read the name. Raises ValueError if none can."""
        replies = []
        refusal = ValueError(f"there is no checkpoint in {', '.join(map(str, self.checkpoints.roots))}")
        for corpus in self.checkpoints.families:
            try:
                replies.append(self.ask(text, corpus))
            except ValueError as error:
                refusal = error
        if not replies:
            raise refusal
        return replies

    def predict(self, checkpoint: str, question: str) -> Prediction:
        """One checkpoint's answer to one question, in a batch with simultaneous ones. Raises ValueError for one that it
        cannot read.
        """
        return self._batch(checkpoint, "answers", lambda asked, texts: asked.predict(texts, top_k=TOP_K))(question)

    def answer_changed(self, checkpoint: str, name: str, sentence: str) -> ChangedAnswer:
        """What a checkpoint that recalls answers from another sentence; raises as `changed_sentence.answer_changed`."""
        from a3core.birthplace.prediction.changed_sentence import answer_changed

        def answer_all(predictor: Predictor, changed: list[tuple[str, str]]) -> list[ChangedAnswer]:
            return [answer_changed(predictor, name, sentence) for name, sentence in changed]

        return self._batch(checkpoint, "changed answers", answer_all)((name, sentence))

    def _ask_checkpoint(self, checkpoint: str, question: str, watched: bool) -> Iterator[Prediction]:
        """The answer as it grows where it is watched and recalled, else in one batch with simultaneous questions.

        Its seconds are the model's, not the watcher's.
        """
        start, predictor = time.perf_counter(), self.checkpoints.predictor(checkpoint)
        if not (watched and predictor.recalls):
            yield replace(self.predict(checkpoint, question), seconds=time.perf_counter() - start)
            return
        for answer in predictor.stream(question, top_k=TOP_K):
            seconds = time.perf_counter() - start
            yield replace(answer, seconds=seconds)
            start = time.perf_counter() - seconds

    def _batch(self, checkpoint: str, what: str, work: Callable[[Predictor, list], list]) -> MicroBatcher:
        """Does this work with a checkpoint's predictor, in one batch for all visitors who wait for it."""
        with self._lock:
            if (checkpoint, what) not in self._batches:
                there = self.checkpoints.trainings  # without the live ones whose page has closed
                self._batches = {key: batch for key, batch in self._batches.items() if key[0] in there}
                self._batches[checkpoint, what] = MicroBatcher(
                    lambda items: work(self.checkpoints.predictor(checkpoint), items), start=use_single_thread
                )
            return self._batches[checkpoint, what]

    def _find_familiarity(self, name: str, corpus: str, answers: tuple[Prediction, ...]) -> float | None:
        """P(the text has this name), by the checkpoint on the corpus whose calibration has the best AUROC.

        One that is only pretrained judges the name, one that recalls a sentence has judged it (`answers`).
        """
        from a3core.birthplace.prediction.familiarity import load_calibration, score_names

        judged = {answer.checkpoint: answer.familiarity for answer in answers if answer.familiarity is not None}
        able = [*self.checkpoints.names(corpus, answering=False), *judged]
        folders = {checkpoint: self.checkpoints.folders[checkpoint] for checkpoint in able}
        unread = {*folders.values()} - self._calibrations.keys()
        self._calibrations |= {folder: load_calibration(folder) for folder in unread}
        found = {checkpoint: known for checkpoint, path in folders.items() if (known := self._calibrations[path])}
        for checkpoint, calibration in sorted(found.items(), key=lambda item: -item[1].auroc):
            if checkpoint in judged:
                return judged[checkpoint]
            if not self.checkpoints.predictor(checkpoint).explain_unreadable(name):
                batch = self._batch(checkpoint, "scores", lambda asked, names: score_names(asked.model, names))
                return calibration.probability(batch(name))
        return None

    def _judge(self, answer: Prediction, familiarity: float | None) -> Prediction:
        """The answer with the family's judgement of the name in place of its own, so that head and card agree."""
        if familiarity is None or answer.confidence is None:
            return answer
        answer = replace(answer, familiarity=familiarity)
        confidence = self.checkpoints.predictor(answer.checkpoint).confidence
        return replace(answer, confidence=confidence.probability(answer))


def to_json(replies: list[Reply]) -> list[dict]:
    """One row per checkpoint, the baseline once and last.

    {checkpoint, place, probability, top, familiar, recalled_sentence, confidence}; the sentence is None for one that
    recalls none, the confidence for one that has none.
    """
    rows = {}
    for reply in replies:
        familiar = None if reply.familiarity is None else reply.familiarity >= FAMILIAR
        for answer in reply.answers:
            row = {"checkpoint": answer.checkpoint, "place": answer.place, "probability": answer.probability}
            row |= {"top": [asdict(candidate) for candidate in answer.top], "familiar": familiar}
            rows[answer.checkpoint] = {**row, "recalled_sentence": answer.sentence, "confidence": answer.confidence}
    return sorted(rows.values(), key=lambda row: row["checkpoint"] == BASELINE)
