"""The finished examples that the sections open on: made once by the shipped checkpoints, so that none is loaded.

python -m assets.make_birthplace_examples           makes them anew
"""

from __future__ import annotations

import json

from pydantic import TypeAdapter

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.service import BASELINE, Reply
from a3core.birthplace.training.snapshot import TrainingSnapshot
from a3core.common.paths import ASSETS

FILE, SECTIONS = ASSETS / "birthplace_example.json", ASSETS / "birthplace_sections.json"
TRAINING, FACTS = ASSETS / "training_example.json", ASSETS / "own_facts_example.csv"
FACTS_QUESTION = "Where did {name} die?"  # of FACTS
FAMILY, PERSON = "builtin:1000", "Albert Pujols"  # held out: no training has seen the answer


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
