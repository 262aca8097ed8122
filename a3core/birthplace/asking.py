"""One question to every checkpoint of a family: what the Birthplace tab and the API show."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock

import pandas as pd

from a3core.birthplace.checkpoints import Training, list_checkpoints
from a3core.birthplace.corpora import build_question, parse_name
from a3core.birthplace.people import KnownPerson, fold_name, list_people

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
    certainty: float | None = None  # to be calibrated: `recall_prediction.Recalled`


@dataclass(frozen=True)
class Reply:
    """What a family says about one name."""

    name: str
    person: KnownPerson | None  # what the table knows, to check the answers
    familiar: float | None  # P(the pretraining text has this name); None without a pretrained checkpoint
    answers: tuple[Answer, ...]


class Checkpoints:
    """The checkpoints of one folder; each is loaded when it is first asked."""

    def __init__(self, root: Path):
        self.root, self._models, self._lock = Path(root), {}, Lock()

    @cached_property
    def trainings(self) -> dict[str, Training]:
        """How each checkpoint was trained, by name."""
        return list_checkpoints(self.root)

    @property
    def families(self) -> list[str]:
        """The corpora whose checkpoints can be asked, as in their training.json."""
        return list(dict.fromkeys(training.corpus for training in self.trainings.values()))

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
        from a3core.birthplace.training import read_curve

        return {name: read_curve(self.root / name) for name, t in self.trainings.items() if t.corpus == corpus}

    def table(self, corpus: str) -> pd.DataFrame:
        """One row per checkpoint on a corpus: how it was trained and what it scored."""
        rows = [
            (
                name,
                training.stage,
                training.base or "",
                training.tokens,
                round(training.seconds / 60, 1),
                training.score,
            )
            for name, training in self.trainings.items()
            if training.corpus == corpus
        ]
        columns = ["checkpoint", "stage", "starts from", "characters", "minutes", "dev questions right"]
        return pd.DataFrame(rows, columns=columns)

    def ask(self, text: str, corpus: str) -> Reply:
        """Every answer about the person named in `text`, a name or a question.

        Raises ValueError if there is no name, or a character that the models never read.
        """
        known = list_people(corpus).get(fold_name(text))
        name = known.name if known else parse_name(text)
        if not name:
            raise ValueError("type a name, such as Babe Ruth, or a question about one")
        answers = [self._ask_checkpoint(checkpoint, name) for checkpoint in self.names(corpus)]
        return Reply(name, known, self.familiarity(name, corpus), (*answers, _answer_london()))

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

    def _ask_checkpoint(self, checkpoint: str, name: str) -> Answer:
        from a3core.birthplace.prediction import predict_places, search_places

        model, start = self.model(checkpoint), time.perf_counter()
        answer = predict_places(model, [build_question(name)])[0]
        top = answer.top if model.recites else search_places(model, build_question(name))
        seconds = time.perf_counter() - start
        found = Answer(checkpoint, answer.place, answer.probability, tuple(top), seconds)
        return _add_recitation(found, answer) if model.recites else found

    def familiarity(self, name: str, corpus: str) -> float | None:
        """P(the pretraining text has this name), from the corpus's pretrained checkpoint."""
        from a3core.birthplace.familiarity import FILE, load_calibration, score_name

        calibrated = [n for n in self.names(corpus, answering=False) if (self.root / n / FILE).exists()]
        if not calibrated:
            return None
        pretrained = calibrated[0]
        return load_calibration(self.root / pretrained).probability(score_name(self.model(pretrained), name))


def _add_recitation(answer: Answer, recalled) -> Answer:
    """The answer with what was recited before it."""
    return replace(
        answer,
        recalled_sentence=recalled.sentence,
        recalled_probability=recalled.sentence_probability,
        span=recalled.span,
        certainty=recalled.certainty,
    )


def _answer_london() -> Answer:
    from a3core.birthplace.prediction import Candidate

    return Answer(BASELINE, "London", 1.0, (Candidate("London", 1.0),), 0.0)


def to_json(replies: list[Reply]) -> list[dict]:
    """One row per checkpoint, the baseline once and last.

    {checkpoint, place, probability, top, familiar, recalled_sentence}; the sentence is None for one that recites none.
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
        }
        for answer in reply.answers
    ]
