"""What a live training says, as HTML: where it stands, and three recitations beside the true sentences."""

from __future__ import annotations

from difflib import SequenceMatcher
from html import escape
from typing import TYPE_CHECKING

from a3core.birthplace.training.live import FAILED, FINISHED, IDLE, PAUSED, PREPARING, RUNNING, STOPPED, Snapshot
from a3core.ui.birthplace.cards import cut, render_bar, render_verdict

if TYPE_CHECKING:
    from a3core.birthplace.training.live_probe import Look, Recited

LONGEST = 200  # characters of a recitation that are shown, more than any true sentence has: noise goes on and on
WATCHING = "Another page started it: you are watching."
ENDED = "It was another page's: press Start for one of your own."


def render_state(seen: Snapshot, page: str) -> str:
    """One line, a bar, and for the page that started it what will become of the model."""
    message = {
        IDLE: "Nothing is being trained: press Start.",
        PREPARING: f"Preparing to train on {seen.people:,} people …",
        RUNNING: f"Training. {_describe_progress(seen)}",
        PAUSED: f"Paused, when the epoch under way is done. {_describe_progress(seen)}",
        FINISHED: f"Finished after {_describe_time(seen.seconds)}. {_describe_progress(seen)}",
        STOPPED: f"Stopped. {_describe_progress(seen)}",
        FAILED: "The training failed.",
    }[seen.state]
    who = WATCHING if seen.active and seen.owner != page else _describe_result(seen, page)
    sentences = " ".join(escape(part) for part in (message, seen.error, who) if part)
    share = seen.epoch / seen.epochs if seen.epochs else 0
    return f"<p>{sentences}</p>{render_bar(share) if seen.epochs else ''}"


def _describe_progress(seen: Snapshot) -> str:
    """ "200 people, 1.0 M parameters: epoch 12 of 60, about 2 minutes left." """
    if not seen.epochs:
        return ""
    left = seen.seconds_left if seen.active else None
    rest = f", about {_describe_time(left)} left" if left else ""
    size = f"{seen.people:,} people, {seen.parameters / 1e6:.1f} M parameters"
    return f"{size}: epoch {seen.epoch} of {seen.epochs}{rest}."


def _describe_time(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def _describe_result(seen: Snapshot, page: str) -> str:
    """Where the page that trained the model finds it, and what others can do now."""
    if seen.owner != page:
        return ENDED if seen.state != IDLE else ""
    if not seen.name:
        return ""
    return f"The model is {seen.name} until you close or reload this page, or train another."


def render_recited(look: Look) -> str:
    """A card for each person: what is recited, what is true, the answer. All text is escaped: the model wrote it."""
    cards = "".join(map(_render_card, look.recited))
    return (
        f'<section aria-label="Recitations"><h4>What it recites after epoch {look.epoch}</h4>'
        f'<div class="a3-cards">{cards}</div><p>Words that stand in the true sentence, in its order, are '
        '<mark class="a3-match">marked</mark>.</p></section>'
    )


def _render_card(recited: Recited) -> str:
    verdict = render_verdict(recited.place == recited.gold_answer)
    exact = ' <span class="a3-right">✓ word for word</span>' if recited.exact else ""
    return (
        f'<article class="a3-card"><h4>{escape(recited.name)}</h4>'
        f"<p><strong>Recited{exact}:</strong> {mark_matches(recited.sentence, recited.truth)}</p>"
        f"<p><strong>It read:</strong> {escape(recited.truth)}</p>"
        f"<p><strong>Answer:</strong> {escape(recited.place) or '(nothing)'} {verdict}</p></article>"
    )


def mark_matches(sentence: str, truth: str) -> str:
    """The sentence as HTML, cut where it is very long; words that stand in the truth, in its order, are marked."""
    words = cut_noise(sentence).split()
    written, true = ([word.strip(",.()") for word in text] for text in (words, truth.split()))
    blocks = SequenceMatcher(None, written, true, autojunk=False).get_matching_blocks()
    starts = {block.a: block.size for block in blocks if block.size}
    parts, at = [], 0
    while at < len(words):
        size = starts.get(at, 0)
        text = escape(" ".join(words[at : at + max(1, size)]))
        parts.append(f'<mark class="a3-match">{text}</mark>' if size else text)
        at += max(1, size)
    return " ".join(parts)


def cut_noise(sentence: str) -> str:
    return cut(sentence, LONGEST, " …")


def describe_head(look: Look) -> str:
    """What the picture of the head shows, in words."""
    head, name = look.head, look.recited[0].name
    others = [share for layer in head.shares for share in layer]
    mean = sum(others) / len(others)
    return (
        f"**Layer {head.layer}, head {head.head}** looks at the name most while the model writes the sentence about "
        f"{name}: **{head.share:.0%}** of its weight lies there (framed), where the mean over all heads is {mean:.0%}. "
        "A row is a token being written, from the top down; a column is a token of the prompt."
    )
