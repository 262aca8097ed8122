"""The answers as HTML: a card per checkpoint, and one sentence above on what the models can know about the name.

A checkpoint that recites has a wider card: the recalled sentence with the answer marked in it, and how sure it is.
"""

from __future__ import annotations

from html import escape

from a3core.birthplace.data.people import HELD_OUT, TRAINED_ON, UNSEEN
from a3core.birthplace.prediction.confidence import describe_confidence
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.service import BASELINE, FAMILIAR, Reply

LONGEST = 600  # characters of a recitation on a card; the longest sentence of the course's corpus has 516
SPLITS = {
    TRAINED_ON: "The answer was shown in finetuning.",
    HELD_OUT: "The person stands in the pretraining text; the answer was never shown.",
    UNSEEN: "No model has read about this person.",
}


def render_reply(reply: Reply) -> str:
    """All text from outside is escaped: a name is never markup. The section is busy while a sentence grows."""
    direct = "".join(_render_card(answer, reply) for answer in reply.answers if answer.sentence is None)
    recalled = "".join(_render_card(answer, reply) for answer in reply.answers if answer.sentence is not None)
    cards = f'<div class="a3-cards">{direct}</div>'
    if recalled:
        cards = f'<div class="a3-beside"><div class="a3-cards">{recalled}</div>{cards}</div>'
    busy = "false" if reply.is_complete else "true"
    return f'<section aria-label="Answers" aria-busy="{busy}">{_render_head(reply)}{cards}</section>'


def _render_head(reply: Reply) -> str:
    """The question, what the models have read about the person, the true place, and whether the name is familiar."""
    person, probability = reply.person, reply.familiarity
    split = f'<span class="a3-badge">{person.split}</span> {SPLITS[person.split]}' if person else ""
    truth = f"The table says <strong>{escape(person.place)}</strong>." if person else "No table here knows the answer."
    asked = escape(reply.question or f"Where was {reply.name} born?")
    if probability is None:
        familiar = ""
    elif probability >= FAMILIAR:
        familiar = f"<p>Familiar name: the text that was read probably has it ({probability:.0%}).</p>"
    else:
        familiar = (
            '<p class="a3-warning" role="note">⚠ Unfamiliar name: the text that was read probably does not have it '
            f"({probability:.0%} that it does). What the models answer is made up.</p>"
        )
    return f'<h3>{asked}</h3><p class="a3-told">{split} {truth}</p>{familiar}'


def _render_card(answer: Prediction, reply: Reply) -> str:
    """The card of a checkpoint; of one that cannot read the name, why."""
    if answer.refusal:
        return (
            f'<article class="a3-card"><h4>{escape(answer.checkpoint)}</h4><p class="a3-place">(no answer)</p>'
            f"<p>It cannot read this name: {escape(answer.refusal)}.</p></article>"
        )
    return _render_direct(answer, reply) if answer.sentence is None else _render_recalled(answer, reply)


def _render_recalled(answer: Prediction, reply: Reply) -> str:
    """The sentence as it grows, then the answer in it, and how likely it is.

    Shares among the spans of a sentence say little where it may be wrong: they are for models without a confidence.
    """
    head = f'<article class="a3-card a3-recalled"><h4>{escape(answer.checkpoint)} · recites, then answers</h4>'
    sentence, doubt = _mark_span(answer), _render_doubt(answer, reply)
    if not answer.is_complete:
        return f'{head}<p class="a3-place">…</p><blockquote>{sentence} ▍</blockquote></article>'
    figures, share = {}, answer.confidence
    if share is None:
        share = answer.probability
        figures["Probability of the place, among those in the sentence"] = f"{share:.1%}"
    else:
        figures["Confidence that the place is right"] = f"<strong>{describe_confidence(share)}</strong>: {share:.0%}"
    figures["Probability of the sentence, word for word"] = f"{answer.sentence_probability:.2g}"
    if answer.familiarity is not None:
        figures["Has read the name"] = f"{answer.familiarity:.0%}"
    figures["Time"] = f"{1000 * answer.seconds:.0f} ms"
    rows = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in figures.items())
    guess = "" if answer.is_stated else "<p>The sentence does not state it; a guess:</p>"
    place = f"{guess}{_render_place(answer, reply)}{render_bar(share)}"
    return f"{head}{place}<blockquote>{sentence}</blockquote>{doubt}<dl>{rows}</dl></article>"


def _mark_span(answer: Prediction) -> str:
    """The recalled sentence with the answer's span marked; one that does not end is cut."""
    start, end = answer.span or (0, 0)
    sentence = cut(answer.sentence, max(LONGEST, end))
    before, place, after = map(escape, (sentence[:start], sentence[start:end], sentence[end:]))
    return f'{before}<mark class="a3-filled">{place}</mark>{after}' if answer.span else after


def cut(sentence: str, most: int = LONGEST, end: str = " … and on, without an end") -> str:
    """The beginning of a recitation: a model that has lost itself repeats a syllable up to its limit."""
    return sentence if len(sentence) <= most else f"{sentence[:most]}{end}"


def _render_doubt(answer: Prediction, reply: Reply) -> str:
    """Where the name was probably never read, by the same probability as in the head of the reply."""
    judged = answer.familiarity if reply.familiarity is None else reply.familiarity
    if judged is None or judged >= FAMILIAR:
        return ""
    return (
        '<p class="a3-warning" role="note">⚠ It has probably not read this name: '
        "the sentence is somebody else’s or made up.</p>"
    )


def _render_direct(answer: Prediction, reply: Reply) -> str:
    """The card of a checkpoint that answers at once, or of the baseline."""
    details, share = f"probability {answer.probability:.1%} · {1000 * answer.seconds:.0f} ms", answer.probability
    if answer.checkpoint == BASELINE:
        details, share = "always says the same", 0
    return (
        f'<article class="a3-card"><h4>{escape(answer.checkpoint)}</h4>{_render_place(answer, reply)}'
        f"{render_bar(share)}<p>{details}</p></article>"
    )


def _render_place(answer: Prediction, reply: Reply) -> str:
    """The answer, and whether it is right where a table has the true one."""
    verdict = render_verdict(answer.place == reply.person.place) if reply.person else ""
    return f'<p class="a3-place">{escape(answer.place) or "(nothing)"} {verdict}</p>'


def render_verdict(right: bool) -> str:
    """A sign and a word, so that the colour is not needed."""
    return '<span class="a3-right">✓ right</span>' if right else '<span class="a3-wrong">✗ wrong</span>'


def render_bar(share: float) -> str:
    """For the eye alone: the number stands beside it."""
    return f'<div class="a3-bar" aria-hidden="true"><div style="width:{share:.1%}"></div></div>'
