"""Labels on the Hugging Face hub: a run pushed to a dataset by hand, and a Space's labels saved while it runs.

    push_run(store, run, "ann/my-labels")               the export and its tables, as one commit
    restore_backup(store, "ann/my-labels")              after a restart: the runs that are not there
    backup = LabelBackup(store, "ann/my-labels", folder)    every five minutes what has changed, and at the end

A Space's own disk is emptied when it restarts. The token is that of HF_TOKEN.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from huggingface_hub import CommitScheduler, HfApi

from a3core.grader.export.archive import export_labels, export_run, read_name, restore_export
from a3core.grader.labels.store import LabelStore

MINUTES = 5  # between two saves
RUNS = "runs"  # the dataset's folder of exports


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
    """Puts back the runs of a dataset that the store does not have; returns how many. Raises ValueError."""
    api, known = api or HfApi(), {info.name for info in store.runs()}
    try:
        if not api.repo_exists(repo_id, repo_type="dataset"):
            return 0
        names = [name for name in api.list_repo_files(repo_id, repo_type="dataset") if name.endswith(".zip")]
        paths = [Path(api.hf_hub_download(repo_id, name, repo_type="dataset")) for name in names]
    except Exception as error:
        raise ValueError(f"The labels in {repo_id} cannot be read from the hub: {first_line(error)}") from error
    missing = [path for path in paths if read_name(path) not in known]
    for path in missing:
        restore_export(store, path)
    return len(missing)


def first_line(error: Exception) -> str:
    """The hub's errors are pages; no line of theirs holds the token."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


class LabelBackup(CommitScheduler):
    """Saves every run whose labels changed to a dataset, in the background."""

    def __init__(self, store: LabelStore, repo_id: str, folder: Path, api: HfApi | None = None):
        self.store, self._saved = store, {}
        super().__init__(
            repo_id=repo_id, folder_path=folder, every=MINUTES, repo_type="dataset", private=True, hf_api=api
        )

    def push_to_hub(self):
        """Exports what has changed, then lets the scheduler upload it."""
        with self.lock:
            for info in self.store.runs():
                self._export(info.id)
        return super().push_to_hub()

    def _export(self, run: int) -> None:
        with self.store.snapshot(run) as snapshot:
            newest = snapshot.newest, snapshot.settings.schema.version
        if self._saved.get(run) != newest:
            export_run(self.store, run, "jsonl", self.folder_path / RUNS / str(run))
            self._saved[run] = newest
