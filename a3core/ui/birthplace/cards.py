"""The answers as HTML: a card per checkpoint, and one sentence above on what the models can know about the name.

A checkpoint that recites has a wider card: the recalled sentence with the answer marked in it, and how sure it is.
"""

from __future__ import annotations

from html import escape

from a3core.birthplace.data.people import HELD_OUT, TRAINED_ON, UNSEEN
from a3core.birthplace.prediction.confidence import describe_confidence
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.service import BASELINE, FAMILIAR, Reply

LONGEST = 600  # characters that are shown of a recitation; the longest sentence of the course's corpus has 516
SPLITS = {
    TRAINED_ON: "The answer was shown in finetuning.",
    HELD_OUT: "The person stands in the pretraining text; the answer was never shown.",
    UNSEEN: "No model has read about this person.",
}


def render_reply(reply: Reply) -> str:
    """All text from outside is escaped: a name is never markup. The section is busy while a sentence grows."""
    recalled = [answer for answer in reply.answers if answer.sentence is not None]
    direct = [answer for answer in reply.answers if answer.sentence is None]
    cards = f'<div class="a3-cards">{"".join(_render_card(answer, reply) for answer in direct)}</div>'
    if recalled:
        wide = "".join(_render_recalled(answer, reply) for answer in recalled)
        cards = f'<div class="a3-beside"><div class="a3-cards">{wide}</div>{cards}</div>'
    busy = "false" if reply.is_complete else "true"
    return f'<section aria-label="Answers" aria-busy="{busy}">{_render_head(reply)}{cards}</section>'


def _render_head(reply: Reply) -> str:
    name, person = escape(reply.name), reply.person
    split = f'<span class="a3-badge">{person.split}</span> {SPLITS[person.split]}' if person else ""
    truth = f"The table says <strong>{escape(person.place)}</strong>." if person else "No table here knows the answer."
    asked = escape(reply.question) or f"Where was {name} born?"
    return f'<h3>{asked}</h3><p class="a3-told">{split} {truth}</p>{_render_familiarity(reply)}'


def _render_familiarity(reply: Reply) -> str:
    if reply.familiarity is None:
        return ""
    if reply.familiarity >= FAMILIAR:
        return f"<p>Familiar name: the text that was read probably has it ({reply.familiarity:.0%}).</p>"
    return (
        '<p class="a3-warning" role="note">⚠ Unfamiliar name: the text that was read probably does not have it '
        f"({reply.familiarity:.0%} that it does). What the models answer is made up.</p>"
    )


def _render_refusal(answer: Prediction) -> str:
    """The card of a model that cannot read the name, beside those that can."""
    return (
        f'<article class="a3-card"><h4>{escape(answer.checkpoint)}</h4><p class="a3-place">(no answer)</p>'
        f"<p>It cannot read this name: {escape(answer.refusal)}.</p></article>"
    )


def _render_recalled(answer: Prediction, reply: Reply) -> str:
    """The sentence as it grows, then the answer in it."""
    if answer.refusal:
        return _render_refusal(answer)
    head = f'<article class="a3-card a3-recalled"><h4>{escape(answer.checkpoint)} · recites, then answers</h4>'
    if not answer.is_complete:
        growing = escape(cut(answer.sentence))
        return f'{head}<p class="a3-place">…</p><blockquote>{growing} ▍</blockquote></article>'
    guess = "" if answer.is_stated else "<p>The sentence does not state it; a guess:</p>"
    place = f'<p class="a3-place">{escape(answer.place) or "(nothing)"} {_render_mark(answer, reply)}</p>'
    share = answer.probability if answer.confidence is None else answer.confidence
    rows = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in _list_figures(answer))
    bar, doubt = render_bar(share), _render_doubt(answer, reply)
    return f"{head}{guess}{place}{bar}<blockquote>{_mark_span(answer)}</blockquote>{doubt}<dl>{rows}</dl></article>"


def _mark_span(answer: Prediction) -> str:
    """The recalled sentence with the answer's span marked; one that does not end is cut."""
    start, end = answer.span or (0, 0)
    sentence = cut(answer.sentence, max(LONGEST, end))
    before, place, after = map(escape, (sentence[:start], sentence[start:end], sentence[end:]))
    return f'{before}<mark class="a3-filled">{place}</mark>{after}' if answer.span else after


def cut(sentence: str, most: int = LONGEST, end: str = " … and on, without an end") -> str:
    """What is shown of a recitation: a model that has lost itself repeats a syllable until its room is used up."""
    return sentence if len(sentence) <= most else f"{sentence[:most]}{end}"


def _list_figures(answer: Prediction) -> list[tuple[str, str]]:
    """(what, how much) of a recalled answer. Shares among the spans of a sentence say little where it may be wrong."""
    rows = []
    if answer.confidence is not None:
        level = f"<strong>{describe_confidence(answer.confidence)}</strong>: {answer.confidence:.0%}"
        rows.append(("Confidence that the place is right", level))
    else:
        rows.append(("Probability of the place, among those in the sentence", f"{answer.probability:.1%}"))
    rows.append(("Probability of the sentence, word for word", f"{answer.sentence_probability:.2g}"))
    if answer.familiarity is not None:
        rows.append(("Has read the name, to judge by the sentence", f"{answer.familiarity:.0%}"))
    return [*rows, ("Time", f"{1000 * answer.seconds:.0f} ms")]


def _render_doubt(answer: Prediction, reply: Reply) -> str:
    """Where the name was probably never read, by the judgement that the head tells."""
    judged = answer.familiarity if reply.familiarity is None else reply.familiarity
    if judged is None or judged >= FAMILIAR:
        return ""
    why = "It has probably not read this name"
    return f'<p class="a3-warning" role="note">⚠ {why}: the sentence is somebody else’s or made up.</p>'


def _render_card(answer: Prediction, reply: Reply) -> str:
    if answer.refusal:
        return _render_refusal(answer)
    if answer.checkpoint == BASELINE:
        details = "always says the same"
    else:
        details = f"probability {answer.probability:.1%} · {1000 * answer.seconds:.0f} ms"
    share = 0 if answer.checkpoint == BASELINE else answer.probability
    return (
        f'<article class="a3-card"><h4>{escape(answer.checkpoint)}</h4>'
        f'<p class="a3-place">{escape(answer.place) or "(nothing)"} {_render_mark(answer, reply)}</p>'
        f"{render_bar(share)}<p>{details}</p></article>"
    )


def _render_mark(answer: Prediction, reply: Reply) -> str:
    return render_verdict(answer.place == reply.person.place) if reply.person else ""


def render_verdict(right: bool) -> str:
    """In a sign and a word, so that nobody needs the colour."""
    return '<span class="a3-right">✓ right</span>' if right else '<span class="a3-wrong">✗ wrong</span>'


def render_bar(share: float) -> str:
    """For the eye alone: the number stands beside it."""
    return f'<div class="a3-bar" aria-hidden="true"><div style="width:{share:.1%}"></div></div>'
