"""A live training as HTML: its progress, three recalled sentences beside the true ones, and all its numbers."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from markupsafe import Markup

from a3core.birthplace.figures import tabulate_head
from a3core.ui.birthplace.cards import VERDICTS, cut
from a3core.ui.shared.html import read_template, render

if TYPE_CHECKING:
    from a3core.birthplace.training.snapshot import Probe, Recited, TrainingSnapshot

LONGEST = 200  # characters of a recitation that are shown, more than any true sentence has: noise goes on and on
LONGEST_TRUTH = 4_000  # characters of a true sentence that are compared: those of one's own facts have half as many
RECITED = """<section class="a3" aria-label="Recitations"><h3>What it recalls after epoch {{ epoch }}</h3>
<div class="a3-three">{% for card in cards %}{{ card }}{% endfor %}</div><p class="small muted">Words of the true
sentence, in its order, are <mark class="a3-match">marked</mark>.</p></section>"""
MATCHES = """{% for is_match, text in parts %}{{ " " if not loop.first }}
{%- if is_match %}<mark class="a3-match">{{ text }}</mark>{% else %}{{ text }}{% endif %}{% endfor %}"""


def render_state(snapshot: TrainingSnapshot, page: str, example: TrainingSnapshot | None = None) -> Markup:
    """One line, a bar, and for the page that started it what will become of the model; what an example is of."""
    return render(read_template(__file__, "live_state.html"), snapshot=snapshot, page=page, example=example)


def render_recited(probe: Probe) -> Markup:
    """A card for each person: what is recited, what is true, the answer. All text is escaped: the model wrote it."""
    return render(RECITED, epoch=probe.epoch, cards=list(map(_render_card, probe.recited)))


def _render_card(recited: Recited) -> Markup:
    sentence, verdict = mark_matches(recited.sentence, recited.truth), VERDICTS[recited.place == recited.gold_answer]
    return render(read_template(__file__, "live_recited.html"), recited=recited, sentence=sentence, verdict=verdict)


def render_numbers(snapshot: TrainingSnapshot) -> Markup:
    """The tables behind the pictures: every probe, every recalled sentence, and the head of the last probe."""
    head = tabulate_head(snapshot.probes[-1].head)
    return render(read_template(__file__, "live_numbers.html"), snapshot=snapshot, head=head, cut=cut_noise)


def mark_matches(sentence: str, truth: str) -> Markup:
    """The sentence as HTML, cut where it is very long; words that stand in the truth, in its order, are marked."""
    words, true = cut_noise(sentence).split(), truth[:LONGEST_TRUTH].split()
    recalled, true = ([word.strip(",.()") for word in text] for text in (words, true))
    steps = SequenceMatcher(None, recalled, true, autojunk=False).get_opcodes()
    parts = [(kind == "equal", " ".join(words[start:end])) for kind, start, end, _, _ in steps if end > start]
    return render(MATCHES, parts=parts)


def cut_noise(sentence: str) -> str:
    """The beginning of a recitation."""
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
