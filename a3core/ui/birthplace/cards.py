"""The answers as HTML: what is asked and known, the recalled sentence, a card per checkpoint, and the dev people.

render_reply(reply, checkpoints.trainings)      one section, busy while a sentence grows
"""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from a3core.birthplace.checkpoints import Training
from a3core.birthplace.prediction.confidence import describe_confidence
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.service import BASELINE, FAMILIAR, Reply
from a3core.ui.birthplace.families import load_texts
from a3core.ui.shared.html import load_macros
from a3core.ui.shared.screen import render_status, render_title

TEXTS = load_texts("cards")
LONGEST = 600  # characters of a recalled sentence on a card; the longest one of the course's corpus has 516
CARDS = load_macros(__file__, "cards.html")


def render_reply(reply: Reply, trainings: Mapping[str, Training] | None = None) -> Markup:
    """One section; all text from outside is escaped. `trainings` give the stage of each checkpoint."""
    trainings = trainings or {}
    seconds = sum(answer.seconds for answer in reply.answers)
    details = CARDS.facts(reply.person, reply.person and TEXTS["splits"][reply.person.split])
    title = reply.question or f"Where was {reply.name} born?"
    cards = [build_card(answer, reply, trainings) for answer in reply.answers]
    title = render_title(title, details=details, status=render_status(f"answered in {seconds:.1f} s"))
    return CARDS.reply(reply, title, cards, is_familiar(reply.familiarity), BASELINE)


def is_familiar(probability: float | None) -> bool:
    """Whether a name was probably read; True where that is not known."""
    return probability is None or probability >= FAMILIAR


def build_card(answer: Prediction, reply: Reply, trainings: Mapping[str, Training]) -> dict:
    """What the template writes of one checkpoint."""
    judged = answer.familiarity if reply.familiarity is None else reply.familiarity
    recalls = answer.sentence is not None and not answer.refusal
    verdict = "" if is_familiar(judged) else "guess"
    if reply.person:
        verdict = "right" if answer.place == reply.person.place else "wrong"
    share = answer.probability if answer.confidence is None else answer.confidence
    training = trainings.get(answer.checkpoint)
    label = "Answers at once" if answer.sentence is None else "Recalls first"
    if answer.checkpoint == BASELINE or training:
        label = TEXTS["stages"].get(training.stage if training else BASELINE, label)
    start, end = answer.span or (0, 0)
    sentence = cut(answer.sentence or "", max(LONGEST, end))  # one that does not end
    return {
        "answer": answer,
        "label": label,  # what it has read
        "verdict": verdict,
        "measured": training and next(iter(training.measurements[-1:]), None),
        "is_familiar": is_familiar(judged),
        "truth": reply.person.place if reply.person else None,
        "share": share,
        "level": None if answer.confidence is None else describe_confidence(share).capitalize(),
        "sentence": (sentence[:start], sentence[start:end], sentence[end:]) if recalls else None,
    }


def cut(sentence: str, most: int = LONGEST, end: str = " … and on, without an end") -> str:
    """The beginning of a sentence: a model that has lost itself repeats a syllable up to its limit."""
    return sentence if len(sentence) <= most else f"{sentence[:most]}{end}"
