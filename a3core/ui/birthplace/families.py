"""The families of checkpoints, each trained on one corpus, as the page offers them: the assignment's first."""

from __future__ import annotations

import json
from collections.abc import Sequence

import gradio as gr

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.corpora import CorpusSpec
from a3core.birthplace.data.loading import is_facts_file
from a3core.birthplace.data.people import HELD_OUT, TRAINED_ON, UNSEEN, KnownPerson
from a3core.ui.shared.html import read_template

COURSE = "course"
NAMES = {"builtin": "Baseball people: {}", COURSE: "Wikipedia people: the course's corpus"}
# one held out, one trained on, one held out, one that no model has read about
EXAMPLES = {"builtin": ("Albert Pujols", "Babe Ruth", "Mickey Mantle", "Grace Hopper")}
BEST = "pretrained-finetuned"  # the stage that answers at once, and from what it has read
UNSEEN_LISTED = 500  # the page need not carry twenty thousand names


def load_texts(section: str) -> dict:
    """The texts of a section of the tab, by name."""
    return json.loads(read_template(__file__, "texts.json"))[section]


def name_family(corpus: str) -> str:
    """What the page calls a corpus: "builtin:1000:shuffled" is "Baseball people: the 1000 best-known, shuffled"."""
    spec = CorpusSpec.parse(corpus)
    if is_facts_file(spec.source):
        return f"Your own facts: {spec.source}"
    people = "all" if spec.size == "all" else f"the {spec.size} best-known"
    name = NAMES.get(spec.source, spec.source).format(people)
    return f"{name}, shuffled" if spec.shuffled else name


def build_family(checkpoints: CheckpointStore, value: str | None = None) -> gr.Radio:
    """Whose checkpoints a section asks, the course's first; the first family, unless `value` names another."""
    ordered = sorted(checkpoints.families, key=lambda corpus: CorpusSpec.parse(corpus).source != COURSE)
    choices = [(name_family(corpus), corpus) for corpus in ordered]
    return gr.Radio(choices, value=value or ordered[0], label="They read about", elem_classes=["a3-list", "a3-second"])


def list_examples(checkpoints: CheckpointStore, corpus: str) -> Sequence[str]:
    """Four names of a family: people of each split, drawn alike every time."""
    if own := EXAMPLES.get(CorpusSpec.parse(corpus).source):
        return own
    people = list(checkpoints.people(corpus).values())
    first = []
    for split, count in ((HELD_OUT, 2), (TRAINED_ON, 1), (UNSEEN, 1)):
        first += [person.name for person in people if person.split == split][:count]
    return [*first, *(person.name for person in people if person.name not in first)][:4]


def list_choices(known: dict[str, KnownPerson]) -> list[tuple[str, str]]:
    """Names of a corpus, each with what the models have read about the person; of those never read, the first few."""
    people = list(known.values())
    unseen = [person for person in people if person.split == UNSEEN]
    listed = [person for person in people if person.split != UNSEEN] + unseen[:UNSEEN_LISTED]
    return [(f"{person.name} · {person.split}", person.name) for person in listed]


def choose_best(checkpoints: CheckpointStore, corpus: str) -> str:
    """The checkpoint of a family whose attention answers at once from what it has read, or the first one."""
    names = checkpoints.names(corpus)
    return next((name for name in names if checkpoints.trainings[name].stage == BEST), names[0])
