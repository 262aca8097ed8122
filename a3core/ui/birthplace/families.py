"""The families of checkpoints, each trained on one corpus, as the page offers them: the assignment's first.

The finished examples that the sections open on were made once by the shipped checkpoints, so that none is loaded:

python -m assets.make_birthplace_examples           makes them anew
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import gradio as gr
from pydantic import TypeAdapter

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data import corpora, loading
from a3core.birthplace.service import BASELINE, Reply
from a3core.birthplace.training.snapshot import TrainingSnapshot
from a3core.common.paths import ASSETS
from a3core.ui.shared.html import read_template

FILE, SECTIONS = ASSETS / "birthplace_example.json", ASSETS / "birthplace_sections.json"
TRAINING, FACTS = ASSETS / "training_example.json", ASSETS / "own_facts_example.csv"
FACTS_QUESTION = "Where did {name} die?"  # of FACTS
FAMILY, PERSON = "builtin:1000", "Albert Pujols"  # held out: no training has seen the answer
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
    spec = corpora.CorpusSpec.parse(corpus)
    if loading.is_facts_file(spec.source):
        return f"Your own facts: {spec.source}"
    people = "all" if spec.size == "all" else f"the {spec.size} best-known"
    name = NAMES.get(spec.source, spec.source).format(people)
    return f"{name}, shuffled" if spec.shuffled else name


def build_family(checkpoints: CheckpointStore, value: str | None = None) -> gr.Radio:
    """Whose checkpoints a section asks, the course's first; the first family, unless `value` names another."""
    ordered = sorted(checkpoints.families, key=lambda corpus: corpora.CorpusSpec.parse(corpus).source != COURSE)
    choices = [(name_family(corpus), corpus) for corpus in ordered]
    return gr.Radio(choices, value=value or ordered[0], label="They read about", elem_classes=["a3-list", "a3-second"])


def list_examples(checkpoints: CheckpointStore, corpus: str) -> Sequence[str]:
    """Four names of a family: people of each split, drawn alike every time."""
    if own := EXAMPLES.get(corpora.CorpusSpec.parse(corpus).source):
        return own
    people = list(checkpoints.people(corpus).values())
    first = []
    for split, count in ((loading.HELD_OUT, 2), (loading.TRAINED_ON, 1), (loading.UNSEEN, 1)):
        first += [person.name for person in people if person.split == split][:count]
    return [*first, *(person.name for person in people if person.name not in first)][:4]


def list_choices(known: dict[str, loading.KnownPerson]) -> list[tuple[str, str]]:
    """Names of a corpus, each with what the models have read about the person; of those never read, the first few."""
    people = list(known.values())
    unseen = [person for person in people if person.split == loading.UNSEEN]
    listed = [person for person in people if person.split != loading.UNSEEN] + unseen[:UNSEEN_LISTED]
    return [(f"{person.name} · {person.split}", person.name) for person in listed]


def choose_best(checkpoints: CheckpointStore, corpus: str) -> str:
    """The checkpoint of a family whose attention answers at once from what it has read, or the first one."""
    names = checkpoints.names(corpus)
    return next((name for name in names if checkpoints.trainings[name].stage == BEST), names[0])


def load_example(checkpoints: CheckpointStore) -> Reply | None:
    """The shipped reply; None unless it is of all checkpoints of the family. Raises ValueError for a broken file."""
    reply = TypeAdapter(Reply).validate_json(FILE.read_bytes())
    answered = {answer.checkpoint for answer in reply.answers} - {BASELINE}
    return reply if answered == set(checkpoints.names(FAMILY)) else None


def load_section(checkpoints: CheckpointStore, name: str) -> dict[str, str]:
    """What a section shows at first: its fields and its markup, by name; empty unless these checkpoints made it."""
    sections = json.loads(SECTIONS.read_text(encoding="utf-8"))
    return sections[name] if sections["models"] == sorted(checkpoints.of(FAMILY)) else {}


def load_training_example(checkpoints: CheckpointStore) -> TrainingSnapshot | None:
    """A training that was watched to its end; None on a page without the shipped checkpoints."""
    is_shipped = load_section(checkpoints, "memory")
    return TypeAdapter(TrainingSnapshot).validate_json(TRAINING.read_bytes()) if is_shipped else None
