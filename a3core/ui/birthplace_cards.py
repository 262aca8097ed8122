"""The answers as HTML: a card per checkpoint, and one sentence above on what the models can know about the name."""

from __future__ import annotations

from html import escape

from a3core.birthplace.asking import BASELINE, FAMILIAR, Answer, Reply
from a3core.birthplace.people import HELD_OUT, NEVER_READ, TRAINED_ON

SIDES = {
    TRAINED_ON: "The answer was shown in finetuning.",
    HELD_OUT: "The person stands in the pretraining text; the answer was never shown.",
    NEVER_READ: "No model has read about this person.",
}


def render_reply(reply: Reply) -> str:
    """All text from outside is escaped: a name is never markup."""
    cards = "".join(_render_card(answer, reply) for answer in reply.answers)
    return f'<section aria-label="Answers">{_render_head(reply)}<div class="a3-cards">{cards}</div></section>'


def _render_head(reply: Reply) -> str:
    name, person = escape(reply.name), reply.person
    told = f'<span class="a3-badge">{person.side}</span> {SIDES[person.side]}' if person else ""
    truth = f"The table says <strong>{escape(person.place)}</strong>." if person else "No table here knows the answer."
    return f'<h3>Where was {name} born?</h3><p class="a3-told">{told} {truth}</p>{_render_familiarity(reply)}'


def _render_familiarity(reply: Reply) -> str:
    if reply.familiar is None:
        return ""
    if reply.familiar >= FAMILIAR:
        return f"<p>Familiar name: the pretrained model has probably read it ({reply.familiar:.0%}).</p>"
    return (
        '<p class="a3-warning" role="note">⚠ Unfamiliar name: the pretraining text probably does not have it '
        f"({reply.familiar:.0%} that it does). What the models answer is made up.</p>"
    )


def _render_card(answer: Answer, reply: Reply) -> str:
    if answer.checkpoint == BASELINE:
        details = "always says the same"
    else:
        details = f"probability {answer.probability:.1%} · {1000 * answer.seconds:.0f} ms"
    share = 0 if answer.checkpoint == BASELINE else answer.probability
    return (
        f'<article class="a3-card"><h4>{escape(answer.checkpoint)}</h4>'
        f'<p class="a3-place">{escape(answer.place) or "(nothing)"} {_render_mark(answer, reply)}</p>'
        f'<div class="a3-bar" aria-hidden="true"><div style="width:{share:.1%}"></div></div><p>{details}</p></article>'
    )


def _render_mark(answer: Answer, reply: Reply) -> str:
    if not reply.person:
        return ""
    right = answer.place == reply.person.place
    return '<span class="a3-right">✓ right</span>' if right else '<span class="a3-wrong">✗ wrong</span>'
