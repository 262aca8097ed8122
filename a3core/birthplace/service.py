"""One question to every checkpoint of a family: what the Birthplace tab and the API show."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any

import pandas as pd

from a3core.birthplace.checkpoints import Training, list_checkpoints
from a3core.birthplace.data.corpora import build_question, parse_name
from a3core.birthplace.data.people import KnownPerson, fold_name, list_people
from a3core.common.batching import Together, take_one_core

BASELINE = "London baseline"
FAMILIAR = 0.5  # P(read) below which the answer is called made up


@dataclass(frozen=True)
class Answer:
    """What one checkpoint says."""

    checkpoint: str
    place: str
    probability: float  # of the whole place and its end; the baseline is always sure
    top: tuple  # of Candidate: the likeliest places, best first
    seconds: float
    recalled_sentence: str | None = None  # what the checkpoint recited before it answered; None: it answered at once
    recalled_probability: float | None = None  # of the recitation
    span: tuple[int, int] | None = None  # of the place in the recalled sentence, in characters
    confidence: float | None = None  # P(the place is right), where the checkpoint has a `confidence.Confidence`
    familiar: float | None = None  # P(it has read the name), judged by its recitation
    whole: bool = True  # False: it is still reciting


@dataclass(frozen=True)
class Reply:
    """What a family says about one name."""

    name: str
    person: KnownPerson | None  # what the table knows, to check the answers
    familiar: float | None  # P(the text has this name), by the checkpoint that can tell best; None if none can
    answers: tuple[Answer, ...]

    @property
    def whole(self) -> bool:
        """Whether all have answered: the baseline comes last."""
        return bool(self.answers) and self.answers[-1].checkpoint == BASELINE


class Checkpoints:
    """The checkpoints of one folder; each is loaded when it is first asked."""

    def __init__(self, root: Path):
        self.root, self._models, self._lock = Path(root), {}, RLock()
        self._shared: dict[tuple[str, Callable], Together] = {}
        self._live: dict[str, tuple[str, Sequence]] = {}  # name: whose page it is of, and its curve

    @cached_property
    def trainings(self) -> dict[str, Training]:
        """How each checkpoint was trained, by name."""
        return list_checkpoints(self.root)

    @property
    def families(self) -> list[str]:
        """The corpora whose checkpoints can be asked, as in their training.json."""
        return list(dict.fromkeys(t.corpus for name, t in self.trainings.items() if name not in self._live))

    def add_live(self, owner: str, name: str, model, training: Training, curve: Sequence) -> None:
        """A model that one page has trained, for as long as it is open; its corpus is its own, no family of all."""
        with self._lock:
            self._live[name] = owner, curve
            self._models[name] = model
            self.trainings = {**self.trainings, name: training}

    def drop_live(self, owner: str) -> None:
        """Forgets what this page has trained."""
        with self._lock:
            gone = set(self.live_of(owner))
            self.trainings = {name: training for name, training in self.trainings.items() if name not in gone}
            for name in gone:
                del self._live[name], self._models[name]
            self._shared = {key: shared for key, shared in self._shared.items() if key[0] not in gone}

    def live_of(self, owner: str) -> dict[str, str]:
        """The models that this page has trained: the corpus of each by its name."""
        with self._lock:
            return {name: self.trainings[name].corpus for name, (whose, _) in self._live.items() if whose == owner}

    def menu(self, owner: str) -> list[str]:
        """Names of the checkpoints that a page can look at: those of the folder, and what it has trained itself."""
        with self._lock:
            return [name for name in self.trainings if self._live.get(name, (owner,))[0] == owner]

    def names(self, corpus: str, answering: bool = True) -> list[str]:
        """Checkpoints on a corpus: those that answer questions, or the ones that are only pretrained."""
        return [
            name
            for name, training in self.trainings.items()
            if training.corpus == corpus and (training.stage != "pretrained") == answering
        ]

    def model(self, name: str):
        """The GPT of a checkpoint, loaded once. Raises ValueError if there is no such checkpoint."""
        if name not in self.trainings:
            raise ValueError(f"no checkpoint {name!r}: there are {', '.join(self.trainings) or 'none'}")
        with self._lock:
            if name not in self._models:
                from a3core.birthplace.checkpoints import load_checkpoint

                self._models[name] = load_checkpoint(self.root / name)
            return self._models[name]

    def curves(self, corpus: str) -> dict[str, list]:
        """The training curve of each checkpoint on a corpus."""
        from a3core.birthplace.training.trainer import read_curve

        with self._lock:
            names = [name for name, training in self.trainings.items() if training.corpus == corpus]
            live = {name: list(self._live[name][1]) for name in names if name in self._live}
        return {name: live[name] if name in live else read_curve(self.root / name) for name in names}

    def units(self, corpus: str) -> dict[str, str]:
        """What each checkpoint on a corpus counts as tokens: "characters" or "sub-words"."""
        return {name: training.unit for name, training in self.trainings.items() if training.corpus == corpus}

    def coverage(self, corpus: str) -> dict[str, list]:
        """Accuracy against coverage on held-out questions, of the checkpoints on a corpus that have a confidence."""
        from a3core.birthplace.prediction.confidence import load_confidence

        found = {name: load_confidence(self.root / name) for name in self.names(corpus)}
        return {name: confidence.coverage for name, confidence in found.items() if confidence}

    def table(self, corpus: str) -> pd.DataFrame:
        """One row per checkpoint on a corpus: how it was trained and what it scored."""
        rows = [
            (
                name,
                training.stage,
                training.base or "",
                training.tokens,
                training.unit,
                round(training.seconds / 60, 1),
                training.score,
            )
            for name, training in self.trainings.items()
            if training.corpus == corpus
        ]
        columns = ["checkpoint", "stage", "starts from", "tokens", "counted in", "minutes", "dev questions right"]
        return pd.DataFrame(rows, columns=columns)

    def ask(self, text: str, corpus: str) -> Reply:
        """Every answer about the person named in `text`, a name or a question.

        Raises ValueError if there is no name, or a character that the models never read.
        """
        *_, reply = self.stream(text, corpus, watched=False)
        return reply

    def stream(self, text: str, corpus: str, watched: bool = True) -> Iterator[Reply]:
        """`ask`, to be watched: the direct answers, then the recitations word by word, and last the whole reply."""
        if not (checkpoints := self.names(corpus)):
            raise ValueError("no model of this family answers questions, or it was a live one whose page has closed")
        known = list_people(corpus).get(fold_name(text))
        name = known.name if known else parse_name(text)
        if not name:
            raise ValueError("type a name, such as Babe Ruth, or a question about one")
        reply = Reply(name, known, None, ())
        for checkpoint in sorted(checkpoints, key=lambda checkpoint: self.model(checkpoint).recites):
            for answer in self._stream_checkpoint(checkpoint, name, watched):
                yield (grown := replace(reply, answers=(*reply.answers, answer)))
            reply = grown
        familiar = self.familiarity(name, corpus, reply.answers)
        yield replace(reply, familiar=familiar, answers=(*reply.answers, _answer_london()))

    def ask_all(self, text: str) -> list[Reply]:
        """A reply from every family that can read the name. Raises ValueError if none can."""
        replies, refusals = [], []
        for corpus in self.families:
            try:
                replies.append(self.ask(text, corpus))
            except ValueError as error:
                refusals.append(error)
        if not replies:
            raise refusals[0] if refusals else ValueError(f"there is no checkpoint in {self.root}")
        return replies

    def _stream_checkpoint(self, checkpoint: str, name: str, watched: bool) -> Iterator[Answer]:
        """The answer as it grows where it is watched and recited; else at once, together with those who ask now."""
        model, start = self.model(checkpoint), time.perf_counter()
        if model.recites and watched:
            yield from self._recite(checkpoint, name)
            return
        found, top = self._together(checkpoint, _answer_all)(build_question(name))
        answer = Answer(checkpoint, found.place, found.probability, tuple(top), time.perf_counter() - start)
        yield self._add_recitation(answer, found) if model.recites else answer

    def _together(self, checkpoint: str, work: Callable[[Any, Sequence[str]], list]) -> Together:
        """What this work with a checkpoint's model is done by, in one batch with that of other visitors."""
        with self._lock:
            if (checkpoint, work) not in self._shared:
                shared = Together(lambda items: work(self.model(checkpoint), items), start=take_one_core)
                self._shared[checkpoint, work] = shared
            return self._shared[checkpoint, work]

    def _recite(self, checkpoint: str, name: str) -> Iterator[Answer]:
        """A step for each whole word, so that nobody waits for letters; seconds are the model's, not the watcher's."""
        from a3core.birthplace.prediction.recall import stream_recalled

        seconds, start, shown = 0.0, time.perf_counter(), ""
        for recalled in stream_recalled(self.model(checkpoint), build_question(name)):
            told = recalled.sentence.rpartition(" ")[0]
            if told == shown and not recalled.whole:
                continue
            shown, seconds = told, seconds + time.perf_counter() - start
            answer = Answer(checkpoint, recalled.place, recalled.probability, recalled.top, seconds)
            if recalled.whole:
                yield self._add_recitation(answer, recalled)
            else:
                yield replace(answer, recalled_sentence=told, whole=False)
            start = time.perf_counter()

    def _add_recitation(self, answer: Answer, recalled) -> Answer:
        """The answer with what was recited before it."""
        return replace(
            answer,
            recalled_sentence=recalled.sentence,
            recalled_probability=recalled.sentence_probability,
            span=recalled.span,
            confidence=recalled.confidence,
            familiar=self._judge_recitation(answer.checkpoint, recalled.sentence_probability),
        )

    def _judge_recitation(self, checkpoint: str, probability: float) -> float | None:
        from a3core.birthplace.prediction.familiarity import score_recitation

        calibration = self._calibration(checkpoint)
        return calibration.probability(score_recitation(probability)) if calibration else None

    def _calibration(self, checkpoint: str):
        """How the checkpoint tells the names that it has read; None if it cannot."""
        from a3core.birthplace.prediction.familiarity import FILE, load_calibration

        return load_calibration(self.root / checkpoint) if (self.root / checkpoint / FILE).exists() else None

    def familiarity(self, name: str, corpus: str, answers: Sequence[Answer] = ()) -> float | None:
        """P(the text has this name), by the checkpoint on the corpus that has proved best at telling.

        One that is only pretrained judges the name, one that recites what it has recited (`answers`).
        """
        judged = {answer.checkpoint: answer.familiar for answer in answers if answer.familiar is not None}
        able = [*self.names(corpus, answering=False), *judged]
        calibrations = {n: found for n in able if (found := self._calibration(n))}
        if not calibrations:
            return None
        best = max(calibrations, key=lambda checkpoint: calibrations[checkpoint].auroc)
        if best in judged:
            return judged[best]
        return calibrations[best].probability(self._together(best, _score_all)(name))


def _answer_all(model, questions: Sequence[str]) -> list[tuple]:
    """(the greedy answer, the likeliest places) for each question."""
    from a3core.birthplace.prediction.direct import predict_places, search_together

    if model.recites:
        return [(answer, answer.top) for answer in predict_places(model, questions)]
    tops = search_together(model, questions)
    # A place of more than one half has each of its characters likelier than all others together: it is the greedy one.
    sure = [top[0] if top and top[0].probability > 0.5 else None for top in tops]
    unsure = iter(predict_places(model, [question for question, one in zip(questions, sure, strict=True) if not one]))
    return [(one or next(unsure), top) for one, top in zip(sure, tops, strict=True)]


def _score_all(model, names: Sequence[str]) -> list[float]:
    from a3core.birthplace.prediction.familiarity import score_names

    return score_names(model, names)


def _answer_london() -> Answer:
    from a3core.birthplace.prediction.direct import Candidate

    return Answer(BASELINE, "London", 1.0, (Candidate("London", 1.0),), 0.0)


def to_json(replies: list[Reply]) -> list[dict]:
    """One row per checkpoint, the baseline once and last.

    {checkpoint, place, probability, top, familiar, recalled_sentence, confidence}; the sentence is None for one that
    recites none, the confidence for one that has none.
    """
    rows = [row for reply in replies for row in _to_rows(reply)]
    return [row for row in rows if row["checkpoint"] != BASELINE] + rows[-1:]


def _to_rows(reply: Reply) -> list[dict]:
    return [
        {
            "checkpoint": answer.checkpoint,
            "place": answer.place,
            "probability": answer.probability,
            "top": [asdict(candidate) for candidate in answer.top],
            "familiar": None if reply.familiar is None else reply.familiar >= FAMILIAR,
            "recalled_sentence": answer.recalled_sentence,
            "confidence": answer.confidence,
        }
        for answer in reply.answers
    ]
