"""The finished example that the tab opens on: a reply of the shipped checkpoints, made once, so that none is loaded.

python -m a3core.ui.birthplace.example      writes assets/birthplace_example.json anew
"""

from __future__ import annotations

from dataclasses import asdict

from pydantic import TypeAdapter

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.json_files import save_json
from a3core.birthplace.service import BASELINE, BirthplaceService, Reply
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
    reply = TypeAdapter(Reply).validate_json(FILE.read_bytes())
    answered = {answer.checkpoint for answer in reply.answers} - {BASELINE}
    return reply if answered == set(checkpoints.names(FAMILY)) else None


def save_example(reply: Reply) -> None:
    """Writes what `load_example` reads."""
    save_json(asdict(reply), FILE, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    save_example(build_example())
