"""Labels on the Hugging Face hub: a run pushed to a dataset by hand, and a Space's labels saved while it runs.

    push_run(store, run, "ann/my-labels")               the export and its tables, as one commit
    restore_backup(store, "ann/my-labels")              after a restart: the runs and events that are not there
    backup = LabelBackup(store, "ann/my-labels", folder)    twice a minute what has changed, and at the end

A Space's own disk is emptied when it restarts. The token is that of HF_TOKEN.
"""

import json
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from huggingface_hub import CommitScheduler, HfApi
from huggingface_hub.errors import EntryNotFoundError

from a3core.grader.export.archive import add_archive, export_labels, export_run, find_same, read_archive
from a3core.grader.export.restore import Archive, add_events
from a3core.grader.labels.changes import Change
from a3core.grader.labels.schema import HIDE, RUN
from a3core.grader.labels.store import LabelStore

MINUTES = 0.5  # between two saves
LONGEST_PAUSE = 60  # saves between two attempts to restore
RUNS = "runs"  # the dataset's folder of exports
DELETED = "deleted"  # and of files that name the runs which were deleted for good


def push_run(store: LabelStore, run: int, repo_id: str, format: str = "jsonl", api: HfApi | None = None) -> str:
    """Uploads a run's export, and its labels as a table of their own; returns the address of the commit.

    Raises ValueError where the dataset cannot be written.
    """
    api = api or HfApi()
    with tempfile.TemporaryDirectory() as folder:
        export_run(store, run, format, Path(folder) / RUNS)
        if store.labels(run):
            export_labels(store, run, format, Path(folder))
        try:
            api.create_repo(repo_id, repo_type="dataset", private=True, exist_ok=True)
            done = api.upload_folder(repo_id=repo_id, repo_type="dataset", folder_path=folder)
        except Exception as error:  # no network, no such name, no right to write, in their many forms
            raise ValueError(f"{repo_id} cannot be written on the hub: {first_line(error)}") from error
    return done.commit_url


def restore_backup(store: LabelStore, repo_id: str, api: HfApi | None = None) -> int:
    """Puts back all runs and events of a dataset that the store lacks; returns of how many runs.

    Archives of any number and layout are merged, in any order. Raises ValueError, one sentence, that names what could
    not be restored; all else then is.
    """
    api, archives, restored, failures = api or HfApi(), [], set(), []
    try:
        if not api.repo_exists(repo_id, repo_type="dataset"):
            return 0
        files = sorted(api.list_repo_files(repo_id, repo_type="dataset"))
        for name in files:
            if name.startswith(f"{DELETED}/"):  # the runs that another start deleted are deleted, and stay so
                path = Path(api.hf_hub_download(repo_id, name, repo_type="dataset"))
                for key, row in json.loads(path.read_text(encoding="utf-8")).items():
                    store.add_deletion(key, Change(**row))
    except Exception as error:
        raise ValueError(f"The labels in {repo_id} cannot be read from the hub: {first_line(error)}") from error
    for name in (name for name in files if name.endswith(".zip")):
        try:
            archives.append(read_archive(Path(api.hf_hub_download(repo_id, name, repo_type="dataset"))))
        except Exception as error:  # of the network, or of a damaged archive
            failures.append(f"{name}: {first_line(error)}")
    # the newest copy of a run says what it is called and asked, the others have further events
    for archive in sorted(archives, key=find_age)[::-1]:
        try:
            if _restore(store, archive):
                restored.add(archive.info.key)
        except ValueError as error:
            failures.append(f"{archive.run.name}: {error}")
    if failures:
        raise ValueError(f"Of {repo_id} this could not be restored: {'; '.join(failures)}")
    return len(restored)


def find_age(archive: Archive) -> tuple:
    """What copies of a run are sorted by: the newest has all changes, and most events but for what they deleted."""
    return len(archive.changes), len(archive.history.events), len(archive.schemas), archive.run.name


def _restore(store: LabelStore, archive: Archive) -> bool:
    """Whether the store lacked anything of it."""
    if archive.info.key in store.deletions():
        return False
    same = find_same(store, archive)
    if same is None:
        add_archive(store, archive)
        return True
    if archive.info.removed and not store.run_info(same).removed:
        store.change(same, RUN, HIDE)
    return add_events(store, same, archive) > 0


def first_line(error: Exception) -> str:
    """The hub's errors are pages; no line of theirs holds the token."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


class LabelBackup(CommitScheduler):
    """Saves every run whose labels changed to a dataset, in the background; `folder` is emptied first.

    `problem`: what could not be restored or saved, which is tried again. `saved_at`: of the last upload, UTC.
    """

    def __init__(self, store: LabelStore, repo_id: str, folder: Path, api: HfApi | None = None):
        self.store, self._saved, self._deleted, self._start = store, {}, {}, uuid4().hex
        self.problem, self.saved_at, self._restored, self._pause, self._left = "", None, False, 1, 0
        shutil.rmtree(folder, ignore_errors=True)  # an old copy could be uploaded over a newer one
        super().__init__(
            repo_id=repo_id, folder_path=folder, every=MINUTES, repo_type="dataset", private=True, hf_api=api
        )

    def push_to_hub(self):
        """Restores what is missing, exports what has changed, then lets the scheduler upload it."""
        try:
            with self.lock:
                self._restore()
                # until all is restored, into a folder of this start alone: what the dataset holds is not written over
                for run, newest in self.store.newest().items():
                    if self._saved.get(run) != (newest := (*newest, self._restored)):
                        folder = self.folder_path / RUNS / self.store.run_info(run).key
                        export_run(self.store, run, "jsonl", folder if self._restored else folder / self._start)
                        self._saved[run] = newest
                self._write_deletions()
            if done := super().push_to_hub():
                self.saved_at = self.store.read_clock()
        except Exception as error:
            self.problem = f"The labels could not be saved to {self.repo_id}: {first_line(error)}"
            raise
        return done

    def _restore(self) -> None:
        """Once without a failure; after each failure the pause is doubled, to half an hour at most."""
        self._left -= 1
        if self._restored or self._left > 0:
            self.problem = "" if self._restored else self.problem
            return
        try:
            restore_backup(self.store, self.repo_id, self.api)
            self._restored, self.problem = True, ""
        except ValueError as error:
            self.problem, self._left = str(error), self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _write_deletions(self) -> None:
        """What was deleted leaves the dataset, too; a file of this start alone says so to copies that come back."""
        if (deletions := self.store.deletions()) != self._deleted:
            for key in deletions.keys() - self._deleted.keys():
                shutil.rmtree(self.folder_path / RUNS / key, ignore_errors=True)
                with suppress(EntryNotFoundError):
                    self.api.delete_folder(f"{RUNS}/{key}", self.repo_id, repo_type="dataset")
            path = self.folder_path / DELETED / f"{self._start}.json"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({key: row._asdict() for key, row in deletions.items()}), encoding="utf-8")
            self._deleted = deletions
