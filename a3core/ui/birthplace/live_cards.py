"""A live training as HTML: its progress, and three recalled sentences beside the true ones."""

from __future__ import annotations

from difflib import SequenceMatcher
from html import escape
from typing import TYPE_CHECKING

from a3core.birthplace.training.live import FAILED, FINISHED, IDLE, PAUSED, PREPARING, RUNNING, STOPPED
from a3core.ui.birthplace.cards import VERDICTS, cut

if TYPE_CHECKING:
    from a3core.birthplace.training.live import TrainingSnapshot
    from a3core.birthplace.training.live_probe import Probe, Recited

LONGEST = 200  # characters of a recitation that are shown, more than any true sentence has: noise goes on and on
WATCHING = "Another page started it: you are watching."
ENDED = "It was another page's: press Start for one of your own."


def render_state(snapshot: TrainingSnapshot, page: str) -> str:
    """One line, a bar, and for the page that started it what will become of the model."""
    message = {
        IDLE: "Nothing is being trained: press Start.",
        PREPARING: f"Preparing to train on {snapshot.people:,} people …",
        RUNNING: f"Training. {_describe_progress(snapshot)}",
        PAUSED: f"Paused, when the epoch under way is done. {_describe_progress(snapshot)}",
        FINISHED: f"Finished after {_describe_time(snapshot.seconds)}. {_describe_progress(snapshot)}",
        STOPPED: f"Stopped. {_describe_progress(snapshot)}",
        FAILED: "The training failed.",
    }[snapshot.state]
    who = WATCHING if snapshot.active and snapshot.owner != page else _describe_result(snapshot, page)
    sentences = " ".join(escape(part) for part in (message, snapshot.error, who) if part)
    share = snapshot.epoch / snapshot.epochs if snapshot.epochs else 0
    bar = f'<div class="a3-meter" aria-hidden="true"><i style="width:{share:.1%}"></i></div>' if snapshot.epochs else ""
    return f'<div class="a3"><p role="status">{sentences}</p>{bar}</div>'


def _describe_progress(snapshot: TrainingSnapshot) -> str:
    """ "200 people, 1.0 M parameters: epoch 12 of 60, about 2 minutes left." """
    if not snapshot.epochs:
        return ""
    left = snapshot.seconds_left if snapshot.active else None
    rest = f", about {_describe_time(left)} left" if left else ""
    size = f"{snapshot.people:,} people, {snapshot.parameters / 1e6:.1f} M parameters"
    return f"{size}: epoch {snapshot.epoch} of {snapshot.epochs}{rest}."


def _describe_time(seconds: float) -> str:
    return f"{seconds / 60:.1f} minutes" if seconds >= 90 else f"{seconds:.0f} seconds"


def _describe_result(snapshot: TrainingSnapshot, page: str) -> str:
    """Where the page that trained the model finds it, and what others can do now."""
    if snapshot.owner != page:
        return ENDED if snapshot.state != IDLE else ""
    if not snapshot.name:
        return ""
    return f"The model is {snapshot.name} until you close or reload this page, or train another."


def render_recited(probe: Probe) -> str:
    """A card for each person: what is recited, what is true, the answer. All text is escaped: the model wrote it."""
    cards = "".join(map(_render_card, probe.recited))
    return (
        f'<section class="a3" aria-label="Recitations"><h3>What it recalls after epoch {probe.epoch}</h3>'
        f'<div class="a3-three">{cards}</div><p class="small muted">Words of the true sentence, in its order, are '
        '<mark class="a3-match">marked</mark>.</p></section>'
    )


def _render_card(recited: Recited) -> str:
    verdict = VERDICTS[recited.place == recited.gold_answer]
    exact = ' <span class="a3-tag right">✓ word for word</span>' if recited.exact else ""
    return (
        f'<article class="a3-card"><header><b>{escape(recited.name)}</b></header>'
        f"<p><strong>Recalled{exact}:</strong> {mark_matches(recited.sentence, recited.truth)}</p>"
        f"<p><strong>It read:</strong> {escape(recited.truth)}</p>"
        f"<p><strong>Answer:</strong> {escape(recited.place) or '(nothing)'} {verdict}</p></article>"
    )


def mark_matches(sentence: str, truth: str) -> str:
    """The sentence as HTML, cut where it is very long; words that stand in the truth, in its order, are marked."""
    words = cut_noise(sentence).split()
    recalled, true = ([word.strip(",.()") for word in text] for text in (words, truth.split()))
    blocks = SequenceMatcher(None, recalled, true, autojunk=False).get_matching_blocks()
    parts, position = [], 0
    for block in blocks:  # the last one is empty, at the end of the sentence
        parts += [escape(word) for word in words[position : block.a]]
        position = block.a + block.size
        if block.size:
            parts.append(f'<mark class="a3-match">{escape(" ".join(words[block.a : position]))}</mark>')
    return " ".join(parts)


def cut_noise(sentence: str) -> str:
    return cut(sentence, LONGEST, " …")


def describe_head(probe: Probe) -> str:
    """What the picture of the head shows, in words."""
    head, name = probe.head, probe.recited[0].name
    others = [share for layer in head.shares for share in layer]
    mean = sum(others) / len(others)
    return (
        f"**Layer {head.layer}, head {head.head}** looks at the name most while the model writes the sentence about "
        f"{name}: **{head.share:.0%}** of its weight lies there (framed), where the mean over all heads is {mean:.0%}. "
        "A row is a token being written, from the top down; a column is a token of the prompt."
    )
