"""What the shipped checkpoints say of forty people, asked once in a process: several tests hold it to something."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.loading import HELD_OUT, KnownPerson, list_people
from a3core.birthplace.service import BirthplaceService, Reply
from a3core.common.paths import CHECKPOINTS

PEOPLE = 40


@cache
def open_service() -> BirthplaceService:
    return BirthplaceService(CheckpointStore(CHECKPOINTS))


def list_asked(corpus: str) -> list[KnownPerson]:
    """The held-out people of a corpus first: the course has only twenty of them, and others follow."""
    return sorted(list_people(corpus).values(), key=lambda person: person.split != HELD_OUT)[:PEOPLE]


@cache
def ask_forty(corpus: str) -> dict[str, Reply]:
    """Name -> what every checkpoint on a corpus answers."""
    names = [person.name for person in list_asked(corpus)]
    with ThreadPoolExecutor(PEOPLE) as visitors:  # at once, as on the page: questions share a pass through the model
        return dict(zip(names, visitors.map(lambda name: open_service().ask(name, corpus), names), strict=True))
