"""A copy of a run from another computer: what it would add to the one that is here, and that it is added.

copy = compare_copy(store, Path("pilot.zip"))    # nothing is stored: copy.added events, copy.conflicts
merge_copy(store, copy)                          # each event once, however often and in whatever order copies come
"""

from pathlib import Path
from typing import NamedTuple

from a3core.grader.export.archive import add_archive, read_archive
from a3core.grader.export.restore import Archive, add_events
from a3core.grader.labels.changes import Change, sort_changes
from a3core.grader.labels.history import Conflict, change_history, find_conflicts, merge_histories
from a3core.grader.labels.store import LabelStore


class Copy(NamedTuple):
    """An export, and what merging it changes."""

    archive: Archive
    run: int | None  # the run that it is a copy of; None: it is new here
    added: int  # events and changes that are not here
    changes: list[Change]  # that are not here: what merging renames, hides or deletes for good
    conflicts: list[Conflict]  # labels that somebody gave differently here and there, beside those that are known


def compare_copy(store: LabelStore, path: Path) -> Copy:
    """What merging an export would change; nothing is stored.

    Raises ValueError for a file that is no export, and where another run has its name.
    """
    archive = read_archive(path)
    run = find_same(store, archive)
    if run is None:
        return Copy(archive, None, len(archive.history.events), [], [])
    stored = store.changes(run)
    changes = sort_changes([*stored, *archive.changes])
    own, copy = (change_history(history, changes) for history in (store.history(run), archive.history))
    merged, known = merge_histories([own, copy]), find_conflicts(own)
    found = [conflict for conflict in find_conflicts(merged) if conflict not in known]
    new = [change for change in changes if change not in stored]
    return Copy(archive, run, len(merged.events) - len(own.events) + len(new), new, found)


def merge_copy(store: LabelStore, copy: Copy) -> int:
    """Adds the events that are not here, or the whole run; returns its id. Conflicts are kept for their annotators."""
    if copy.run is None:
        return add_archive(store, copy.archive)
    add_events(store, copy.run, copy.archive)
    return copy.run


def find_same(store: LabelStore, archive: Archive) -> int | None:
    """The stored run that an archive is a copy of: by its key, else by its name and responses.

    Raises ValueError where the name is another run's.
    """
    infos = store.runs(removed=True)
    if found := [info.id for info in infos if info.key == archive.info.key]:
        return found[0]
    named = [info for info in infos if info.name == archive.run.name]
    if found := [info.id for info in named if store.responses(info.id) == archive.run.responses]:
        return found[0]
    if not all(info.removed for info in named):
        raise ValueError(f"There is another run {archive.run.name!r}, with other responses.")
    return None


def describe_conflict(conflict: Conflict) -> str:
    """In one line: "ann: explanation of r1 is correct or flawed"."""
    values = " or ".join(value or "(taken back)" for value in conflict.values)
    return f"{conflict.annotator or 'adjudicators'}: {conflict.field} of {conflict.response_id} is {values}"
