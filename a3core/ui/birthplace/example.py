"""The finished example that the tab opens on: a reply of the shipped checkpoints, made once, so that none is loaded.

python -m a3core.ui.birthplace.example      writes assets/birthplace_example.json anew
"""

from __future__ import annotations

import json
from dataclasses import asdict

from pydantic import TypeAdapter

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.service import BASELINE, BirthplaceService, Reply
from a3core.common.atomic_io import atomic_write
from a3core.common.paths import ASSETS, CHECKPOINTS

FILE = ASSETS / "birthplace_example.json"
FAMILY, PERSON = "builtin:1000", "Albert Pujols"  # held out: no training has seen the answer


def build_example() -> Reply:
    """The reply as the shipped checkpoints give it today."""
    service = BirthplaceService(CheckpointStore(CHECKPOINTS))
    service.ask(PERSON, FAMILY)  # the second time is as fast as a visitor's question: the models are loaded
    return service.ask(PERSON, FAMILY)


def load_example(checkpoints: CheckpointStore) -> Reply | None:
    """The shipped reply; None unless it is of all checkpoints of the family. Raises ValueError for a broken file."""
    reply = TypeAdapter(Reply).validate_python(json.loads(FILE.read_text(encoding="utf-8")))
    answered = {answer.checkpoint for answer in reply.answers} - {BASELINE}
    return reply if answered == set(checkpoints.names(FAMILY)) else None


def save_example(reply: Reply) -> None:
    """Writes what `load_example` reads."""
    with atomic_write(FILE) as partial:
        partial.write_text(json.dumps(asdict(reply), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    save_example(build_example())
