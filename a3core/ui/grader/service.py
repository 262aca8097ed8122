"""What the Grader tab works on: the label store, opened when it is first needed, and who is labelling."""

from __future__ import annotations

import os
from functools import cached_property
from threading import Lock, Timer
from typing import NamedTuple

import gradio as gr

from a3core.common.hosting import is_space
from a3core.common.paths import ASSETS
from a3core.grader.labels.schema import check_annotator, fold_annotator, is_proposed

SHIPPED_RUNS = (ASSETS / "recall_run", ASSETS / "cot_run")  # the last one is on top of the list
RETRY_AFTER = 30  # seconds
READ_ONLY = (
    "Labels are read-only on this public page: sign in with Hugging Face, or run the app yourself, to give your own."
)


class GraderService:
    """The store of one app. `url` names its database; by default DATABASE_URL, else a file of the user's."""

    def __init__(self, url: str | None = None):
        self.url, self._lock, self.backup, self.problem, self._shipped = url, Lock(), None, "", set()
        self._spellings: dict[str, str] = {}  # of annotators: folded name -> the one that is stored

    @cached_property
    def _opened(self):
        from a3core.grader.labels.database import open_database
        from a3core.grader.labels.store import LabelStore
        from a3core.grader.runs.generation import load_run
        from a3core.grader.runs.responses import build_run_key

        store = LabelStore(open_database(self.url))
        if self.backs_up:
            self._start_backup(store)
        runs = store.runs(removed=True)
        known = {name for info in runs for name in (info.name, info.key)} | set(store.deletions())
        for shipped in [load_run(folder) for folder in SHIPPED_RUNS if (folder / "run.json").is_file()]:
            key = build_run_key(shipped.name, shipped.responses)  # so that copies on all machines are one run
            self._shipped.add(key)
            if not {shipped.name, key} & known:
                try:
                    store.add_run(shipped, key=key)
                except ValueError:  # another app on the same database may have added it this moment
                    if shipped.name not in {info.name for info in store.runs()}:
                        raise
        return store

    @property
    def backs_up(self) -> bool:
        """Whether labels are saved to a dataset: on a Space without a database of its own, that was given one."""
        has_database = self.url or os.environ.get("DATABASE_URL")
        return is_space() and not has_database and bool(labels_repo() and os.environ.get("HF_TOKEN"))

    def _start_backup(self, store) -> None:
        """The page opens whatever fails here: it is tried again."""
        from a3core.common.paths import data_folder
        from a3core.grader.export.hub import LabelBackup, first_line, restore_backup

        try:
            restore_backup(store, labels_repo())
        except ValueError as error:
            self.problem = str(error)
        try:
            self.backup = LabelBackup(store, labels_repo(), data_folder() / "backup")
        except Exception as error:  # of the hub, in many forms
            self.problem = f"The labels cannot be saved to {labels_repo()}: {first_line(error)}"
            again = Timer(RETRY_AFTER, self._start_backup, [store])
            again.daemon = True
            again.start()

    @property
    def store(self):
        """Raises ValueError where the database cannot be opened; it is tried again the next time."""
        with self._lock:
            return self._opened

    def is_shipped(self, run: int) -> bool:
        """Whether it is one of this project's own, whose questions are the same on all machines."""
        return self.store.run_info(run).key in self._shipped

    def list_runs(self) -> list[tuple[str, int]]:
        """(name with its size, id), the youngest first."""
        return [(f"{info.name} ({info.total:,})", info.id) for info in reversed(self.store.runs())]

    def list_annotators(self) -> list[str]:
        """Names that have labelled here, in any run. Raises ValueError where the database cannot be opened."""
        names = self.store.list_annotators()
        self._spellings = {fold_annotator(name): name for name in reversed(names)}
        return [name for name in names if not is_proposed(name)]

    def spell(self, name: str) -> str:
        """The name as it is stored already: "Ann" and "ann " are "ann"."""
        if fold_annotator(name) not in self._spellings:
            self.list_annotators()
        return self._spellings.setdefault(fold_annotator(name), name)

    def describe_location(self) -> str:
        """Where labels are kept, and whether they survive: a Space's own disk does not."""
        url = self.store.engine.url
        if url.get_backend_name() != "sqlite":
            return f"Labels are stored in the PostgreSQL database {url.database!r} on {url.host}."
        message = f"Labels are stored in {url.database}."
        if self.backs_up:
            message += f" Within a minute they are saved to the dataset {labels_repo()}."
            saved_at = getattr(self.backup, "saved_at", None)  # when the last label reached the dataset
            problem = self.backup.problem if saved_at else self.problem
            message += f" The last labels reached it at {saved_at[:16].replace('T', ' ')} UTC." if saved_at else ""
            message += f" **{problem}** It is tried again." if problem else ""
        elif is_space():
            message += " **They are lost when this Space restarts**: set DATABASE_URL, or A3_LABELS_REPO and HF_TOKEN."
        return message


class GraderLinks(NamedTuple):
    """What another tab needs to open the Grader at a run of its own."""

    run: gr.Dropdown
    annotator: gr.Textbox
    remembered: gr.BrowserState  # [annotator, run]
    panels: gr.Tabs  # the Grader's own, of which "label" is one
    showing: dict  # the event that shows the item where the annotator stopped


def show_runs(grading: GraderService, chosen: int) -> gr.Dropdown:
    """The list with a new run chosen."""
    return gr.Dropdown(grading.list_runs(), value=chosen)


def describe_accuracy(rows) -> str:
    """What the rule suggests of a finished run, before anybody has labelled it."""
    lines = [
        f"| {row.task} | {row.prompt_kind} | {row.correct} of {row.n} | [{row.low:.2f}, {row.high:.2f}] |"
        for row in rows
    ]
    return "\n".join(["| task set | prompt | right by rule | 95 % interval |", "| --- | --- | --- | --- |", *lines])


def labels_repo() -> str | None:
    """The dataset on the hub that labels are pushed to."""
    return os.environ.get("A3_LABELS_REPO")


def find_annotator(typed: str | None, request: gr.Request | None) -> str:
    """Who labels: the signed-in user, who cannot choose another name; locally, what was typed. Raises ValueError."""
    if user := find_user(request):
        if is_space() and (allowed := list_names("A3_ANNOTATORS")) and user not in allowed | list_admins():
            raise ValueError(
                f"Labels here are given by those whom the owner of this page named: {user} is not on the list."
            )
        return user
    if is_space():
        raise ValueError(READ_ONLY)
    return check_annotator(typed or "")


def check_may_write(request: gr.Request | None) -> None:
    """Raises ValueError on a page that is read-only to this visitor."""
    find_annotator("somebody", request)


def check_owner(grading: GraderService, run: int, request: gr.Request | None) -> None:
    """Raises ValueError on a Space for whoever neither made the run nor may do everything (`check_admin`)."""
    if is_space() and find_annotator("", request) not in {grading.store.run_info(run).owner, *list_admins()} - {""}:
        raise ValueError("Only who made this run, the owner of this public page, or whom A3_ADMINS names, may do this.")


def check_admin(request: gr.Request | None) -> None:
    """Raises ValueError on a Space for whoever is neither its owner nor named in A3_ADMINS."""
    if is_space() and find_annotator("", request) not in list_admins():
        raise ValueError("Only the owner of this public page, or whom A3_ADMINS names, may do this.")


def list_admins() -> set[str]:
    """On a Space: its owner, and the names in A3_ADMINS."""
    return {os.environ.get("SPACE_ID", "").split("/")[0], *list_names("A3_ADMINS")}


def list_names(variable: str) -> set[str]:
    """The user names of a setting, with commas between them."""
    return {name.strip() for name in os.environ.get(variable, "").split(",") if name.strip()}


def find_user(request: gr.Request | None) -> str | None:
    """The user that Hugging Face's sign-in, or this app's own, vouches for."""
    try:
        sign_in = request.request.session.get("oauth_info", {})
    except (AttributeError, AssertionError):  # no request, or no sign-in on this page
        sign_in = {}
    return sign_in.get("userinfo", {}).get("preferred_username") or getattr(request, "username", None)


def check_run(run: int | str | None) -> int:
    """Raises ValueError where no run is chosen."""
    if run is None or not str(run).isdecimal():
        raise ValueError("Choose a run of the list first.")
    return int(run)
