"""Checkpoint folders: what is saved comes back, what is broken says so, a failed save harms nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256

import pytest
import torch

from a3core.birthplace.checkpoints import (
    TRAINING_FILE,
    WEIGHTS_FILE,
    Measurement,
    Training,
    find_folders,
    load_checkpoint,
    load_training,
    save_checkpoint,
    write_training,
)
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model_card import WHAT, render_card
from a3core.birthplace.prediction.familiarity import Calibration
from a3core.common.paths import CHECKPOINTS


@pytest.fixture
def saved(build_gpt, training, tmp_path):
    """A checkpoint folder on disk."""
    folder = tmp_path / "checkpoints" / "finetuned"
    save_checkpoint(build_gpt(), folder, training)
    return folder


def test_a_checkpoint_comes_back(saved, build_gpt):
    original, loaded = build_gpt(), load_checkpoint(saved)
    assert loaded.vocabulary.characters == original.vocabulary.characters and not loaded.training
    for name, tensor in original.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.bfloat16().float()), name
    idx = torch.tensor([original.vocabulary.encode("Where was Ada born?")])
    assert torch.equal(load_checkpoint(str(saved))(idx), GPT.from_pretrained(saved)(idx))


def test_the_facts_of_the_training_come_back(saved, training):
    assert load_training(saved) == training
    full = replace(training, base="pretrained", notes=("one", "two"), measurements=(Measurement("dev", "ab", 1, 2),))
    write_training(saved, full)
    assert load_training(saved) == full


def test_the_folder_holds_its_files_and_nothing_lies_beside_it(saved):
    files = {file.name for file in saved.iterdir()}
    assert files == {"config.json", WEIGHTS_FILE, TRAINING_FILE, "README.md"}
    assert [entry.name for entry in saved.parent.iterdir()] == ["finetuned"]


def test_saving_again_replaces(saved, build_gpt, training):
    save_checkpoint(build_gpt(seed=1), saved, replace(training, seconds=1.0))
    expected = build_gpt(seed=1).head.weight.data.bfloat16().float()
    assert torch.equal(load_checkpoint(saved).head.weight.data, expected) and load_training(saved).seconds == 1.0


def test_a_save_that_fails_leaves_the_checkpoint_as_it_was(saved, build_gpt, training, monkeypatch):
    before = {file.name: file.read_bytes() for file in saved.iterdir()}

    def fail(self, save_directory):
        (save_directory / WEIGHTS_FILE).write_bytes(b"half of it")
        raise OSError("no space left on device")

    monkeypatch.setattr(GPT, "_save_pretrained", fail)
    with pytest.raises(ValueError, match=r"cannot write .*finetuned: no space left"):
        save_checkpoint(build_gpt(seed=1), saved, training)
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
    assert [entry.name for entry in saved.parent.iterdir()] == ["finetuned"]


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (["config.json"], "no config.json"),
        ([WEIGHTS_FILE], "no model.safetensors"),
        (["config.json", WEIGHTS_FILE], "no config.json and no model.safetensors"),
    ],
)
def test_missing_files_are_named(saved, missing, message):
    for name in missing:
        (saved / name).unlink()
    with pytest.raises(ValueError, match=re.escape(f"finetuned is not a checkpoint: it has {message}")):
        load_checkpoint(saved)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="none is not a checkpoint"):
        load_checkpoint(tmp_path / "none")
    with pytest.raises(ValueError, match="none is not a checkpoint"):
        load_training(tmp_path / "none")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["config.json", WEIGHTS_FILE])
@pytest.mark.parametrize("content", [b"", b"not this", b"[1, 2]", b"{}", b"\xff\xfe\x00", b'{"vocabulary": "ab"}'])
def test_a_broken_file_is_one_error_that_names_the_folder(saved, name, content):
    (saved / name).write_bytes(content)
    with pytest.raises(ValueError, match="finetuned cannot be loaded"):
        load_checkpoint(saved)


@pytest.mark.parametrize("change", [{"n_layer": 1}, {"n_layer": 3}, {"n_embd": 32}, {"vocabulary": "\u25a1\u2047ab"}])
def test_weights_of_another_model_are_refused(saved, build_gpt, tmp_path, change):
    build_gpt(**change).save_pretrained(tmp_path / "other")
    (tmp_path / "other" / "config.json").replace(saved / "config.json")
    with pytest.raises(ValueError, match=r"its weights do not fit its config\.json"):
        load_checkpoint(saved)


def test_a_swapped_file_of_weights_is_one_error_that_names_it(saved, build_gpt, tmp_path):
    """Of the same shape, so that nothing else would notice; a checkpoint of before has no hash, and loads."""
    assert load_training(saved).weights_sha256 == sha256((saved / WEIGHTS_FILE).read_bytes()).hexdigest()
    build_gpt(seed=1).save_pretrained(tmp_path / "other")
    (tmp_path / "other" / WEIGHTS_FILE).replace(saved / WEIGHTS_FILE)
    with pytest.raises(ValueError, match=r"finetuned cannot be loaded, its model\.safetensors is not the one"):
        load_checkpoint(saved)
    write_training(saved, replace(load_training(saved), weights_sha256=""))
    load_checkpoint(saved)


def test_every_shipped_checkpoint_names_its_weights():
    for folder in find_folders(CHECKPOINTS).values():
        assert load_training(folder).weights_sha256 == sha256((folder / WEIGHTS_FILE).read_bytes()).hexdigest(), folder


@pytest.mark.parametrize("content", [b"", b"not this", b"[1, 2]", b"{}", b'{"stage": "finetuned"}', b"\xff\xfe\x00"])
def test_a_broken_training_file_is_one_error_that_names_the_folder(saved, content):
    (saved / TRAINING_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=r"finetuned is not a checkpoint: it has no readable training\.json"):
        load_training(saved)


def copy_checkpoint(saved, name: str):
    """Another checkpoint folder with the same files."""
    (folder := saved.parent / name).mkdir()
    for file in saved.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_checkpoints_are_listed_by_name(saved, training):
    copy_checkpoint(saved, "a-pretrained")
    (saved.parent / "notes.txt").write_text("no folder")
    assert list(find_folders(saved.parent)) == ["a-pretrained", "finetuned"]
    assert load_training(find_folders(saved.parent)["finetuned"]).command == training.command


def test_no_checkpoints(tmp_path):
    assert find_folders(tmp_path) == find_folders(tmp_path / "none") == {}


@pytest.mark.parametrize("name", ["config.json", WEIGHTS_FILE, TRAINING_FILE])
def test_unfinished_checkpoints_are_left_out(saved, name):
    (copy_checkpoint(saved, "unfinished") / name).unlink()
    assert list(find_folders(saved.parent)) == ["finetuned"]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"stage"'])
def test_checkpoints_with_unreadable_facts_are_left_out(saved, content):
    (copy_checkpoint(saved, "broken") / TRAINING_FILE).write_text(content)
    assert list(find_folders(saved.parent)) == ["finetuned"]


def test_the_card_says_how_it_was_trained_and_what_it_scores(saved, training):
    runs = (Measurement("birth_dev.tsv", "ab" * 32, 115, 500),)
    write_training(saved, replace(training, base="pretrained", notes=("Chosen on 200.",), measurements=runs))
    Calibration(3.0, 1.0, auroc=0.9876, names=40).save(saved)
    write_training(saved, load_training(saved))
    card = (saved / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlicense: ") and "\n---\n\n# finetuned\n" in card
    for fact in (
        training.command,
        "Starts from: `pretrained`",
        training.sha256,
        "12,345 parameters",
        "6,789 characters in 1.5 minutes on 2 CPU cores",
        "| birth_dev.tsv | `abababababab` | 115 of 500: 23.0% | [19.5, 26.9] |",
        "AUROC 0.988 on 40 names",
        "- Chosen on 200.",
    ):
        assert fact in card, fact


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CHECKPOINTS.glob("*/training.json")))
def test_a_shipped_card_is_of_its_files(name):
    folder = CHECKPOINTS / name
    assert (folder / "README.md").read_text(encoding="utf-8") == render_card(folder, load_training(folder))


@pytest.mark.slow
@pytest.mark.parametrize("stage", WHAT)
def test_every_stage_has_a_card(saved, training, stage):
    write_training(saved, replace(training, stage=stage))
    assert "## Training" in (saved / "README.md").read_text(encoding="utf-8")


def test_json_of_the_training_is_plain(saved):
    facts = json.loads((saved / TRAINING_FILE).read_text(encoding="utf-8"))
    assert set(facts) == set(Training.__dataclass_fields__)
