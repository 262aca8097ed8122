"""Labels that leave for the hub and come back, with an api that keeps its files in a folder."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from a3core.grader.export.hub import LabelBackup, push_run, restore_backup
from a3core.grader.labels.database import open_database
from a3core.grader.labels.store import LabelStore
from a3core.grader.runs.responses import Response, Run


class Folder:
    """The part of HfApi that is used, over a folder; refuses everything where `refuses` is set."""

    def __init__(self, path: Path, refuses: str = ""):
        self.path, self.refuses = path, refuses

    def create_repo(self, repo_id, **options):
        if self.refuses:
            raise OSError(f"{self.refuses}\nand pages more")
        assert options["repo_type"] == "dataset" and options["private"]
        self.path.mkdir(exist_ok=True)
        return SimpleNamespace(repo_id=repo_id)

    def repo_exists(self, repo_id, **options):
        return self.path.exists()

    def upload_folder(self, *, folder_path, **options):
        shutil.copytree(folder_path, self.path, dirs_exist_ok=True)
        return SimpleNamespace(commit_url="https://hub/commit/1")

    def create_commit(self, *, operations, **options):
        for operation in operations:
            target = self.path / operation.path_in_repo
            target.parent.mkdir(parents=True, exist_ok=True)
            with operation.as_file() as file:
                target.write_bytes(file.read())
        return SimpleNamespace(commit_url="https://hub/commit/2")

    def preupload_lfs_files(self, *args, **options):
        """Nothing travels ahead."""

    def delete_folder(self, path_in_repo, repo_id, **options):
        shutil.rmtree(self.path / path_in_repo)

    def list_repo_files(self, repo_id, **options):
        return [str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file()]

    def hf_hub_download(self, repo_id, name, **options):
        return str(self.path / name)

    def run_as_future(self, work, *args):
        return SimpleNamespace(result=lambda: work(*args))  # when it is asked for, not in a thread


@pytest.fixture
def api(tmp_path):
    return Folder(tmp_path / "hub")


@pytest.fixture
def labelled(tmp_path):
    store = LabelStore(open_database(f"sqlite:///{tmp_path / 'one.sqlite'}"))
    store.add_run(Run("eggs", (Response("1", "How many?", "2"),)))
    store.label(1, "1", "ann", "answer", "correct")
    return store


def test_a_run_is_pushed_with_its_labels_as_a_table(labelled, api):
    assert push_run(labelled, 1, "ann/labels", "csv", api) == "https://hub/commit/1"
    assert set(api.list_repo_files("ann/labels")) == {"runs/eggs.zip", "eggs-labels.csv"}


def test_a_space_that_restarts_has_its_labels_again(labelled, api, tmp_path):
    backup = LabelBackup(labelled, "ann/labels", tmp_path / "backup", api)
    backup.trigger().result()
    labelled.label(1, "1", "bob", "answer", "wrong")
    backup.trigger().result()
    backup.stop()
    again = LabelStore(open_database(f"sqlite:///{tmp_path / 'two.sqlite'}"))
    assert restore_backup(again, "ann/labels", api) == 1
    assert [label.annotator for label in again.labels(1)] == ["ann", "bob"]
    assert restore_backup(again, "ann/labels", api) == 0  # it is there


def test_nothing_is_saved_twice(labelled, api, tmp_path):
    backup = LabelBackup(labelled, "ann/labels", tmp_path / "backup", api)
    backup.trigger().result()
    (path,) = (tmp_path / "backup").rglob("*.zip")
    before = path.stat().st_mtime_ns
    backup.trigger().result()
    backup.stop()
    assert path.stat().st_mtime_ns == before and zipfile.is_zipfile(path)


def test_a_hub_that_refuses_is_one_sentence(labelled, tmp_path):
    with pytest.raises(ValueError, match=r"ann/labels cannot be written on the hub: 403 Forbidden$"):
        push_run(labelled, 1, "ann/labels", api=Folder(tmp_path / "hub", "403 Forbidden"))


def test_before_the_first_save_there_is_nothing_to_restore(labelled, api):
    assert restore_backup(labelled, "ann/labels", api) == 0
