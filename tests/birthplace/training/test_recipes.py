"""From a corpus to a checkpoint: the recorded command is the one that was run, and what is resumed is the same run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import typer
from fakes import Stop, stop_after
from tiny_training import build_tiny

from a3core.__main__ import app
from a3core.birthplace.checkpoints import load_checkpoint, load_training
from a3core.birthplace.data.corpora import Question, build_question
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.vocabulary import MASK, PAD
from a3core.birthplace.prediction.familiarity import load_calibration
from a3core.birthplace.training import recipes
from a3core.birthplace.training import trainer as training
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.recipes import Finetuning, Pretraining, build_command, run_recipe
from a3core.birthplace.training.trainer import CURVE_FILE, STATE_FILE, read_curve
from a3core.common.device import find_process

ARGS = TrainingArgs(epochs=4, tokens=1024, save_every=1)
FILES = {"config.json", "model.safetensors", "training.json", "training.csv", "README.md"}


@pytest.fixture(scope="module", autouse=True)
def tiny_models():
    """Recipes build models of two narrow layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "GPT", build_tiny)
        yield


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("builtin:10")


@pytest.fixture(scope="module")
def read(corpus, tmp_path_factory):
    """(the folder of a pretraining that nothing disturbed, its model, its epochs)"""
    folder, seen = tmp_path_factory.mktemp("runs") / "pretrained", []
    model, _ = run_recipe(Pretraining(), corpus, ARGS, folder, seen.append)
    return folder, model, seen


def assert_equal_weights(a: Path, b: Path) -> None:
    assert (a / "model.safetensors").read_bytes() == (b / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_pretraining_leaves_a_checkpoint_that_knows_its_names(corpus, read):
    folder, model, seen = read
    assert {file.name for file in folder.iterdir()} == {*FILES, "familiarity.json"}
    facts = load_training(folder)
    assert (facts.stage, facts.corpus, facts.sha256, facts.base) == ("pretrained", "builtin:10", corpus.sha256, None)
    assert facts.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert [epoch.epoch for epoch in seen] == [row.epoch for row in read_curve(folder)] == [1, 2, 3, 4]
    assert facts.tokens == seen[-1].tokens
    assert load_calibration(folder).names == 10
    assert "AUROC" in (folder / "README.md").read_text(encoding="utf-8")
    torch.testing.assert_close(load_checkpoint(folder).head.weight, model.head.weight, atol=0.01, rtol=0.01)


@pytest.mark.parametrize(
    "content", [None, b"", b"epoch,loss\n1,2.0\n", b"epoch,loss,rate,tokens,seconds\n1,x\n", b"\xff"]
)
def test_a_broken_curve_is_one_error_that_names_the_file(tmp_path, content):
    if content is not None:
        (tmp_path / CURVE_FILE).write_bytes(content)
    with pytest.raises(ValueError, match=r"training\.csv is missing or broken"):
        read_curve(tmp_path)


def test_a_gpu_that_is_lent_for_a_call_is_not_trained_on(corpus, tmp_path, monkeypatch):
    """On ZeroGPU, torch only says that there is one."""
    asked, model = [], Pretraining().build_model(corpus, 0)

    def note(cpu: bool):
        asked.append(cpu)
        raise KeyboardInterrupt

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(training, "Accelerator", note)
    monkeypatch.setattr("accelerate.PartialState", note)
    for lent in ("1", "0"):
        monkeypatch.setenv("SPACES_ZERO_GPU", lent)
        for ask in (find_process, lambda: next(training.train(model, (), ARGS, tmp_path))):
            with pytest.raises(KeyboardInterrupt):
                ask()
    assert asked == [True, True, False, False]


def test_a_gpu_that_is_lent_for_a_call_is_not_what_it_was_trained_on(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "H200")
    assert recipes.describe_machine().startswith("H200, torch ")
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    assert "CPU cores, torch " in recipes.describe_machine()


def test_the_notes_stand_in_the_card(corpus, tmp_path):
    run_recipe(Finetuning(notes=("Chosen on 200 held out.",)), corpus, ARGS, tmp_path / "finetuned")
    assert load_training(tmp_path / "finetuned").notes == ("Chosen on 200 held out.",)
    assert "- Chosen on 200 held out." in (tmp_path / "finetuned" / "README.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_names_that_cannot_be_read_do_not_cost_a_finished_pretraining(corpus, tmp_path):
    dev = (Question(build_question("Žofia Nowak"), "Brno"), Question(build_question("Ada " + "Long" * 50), "Rome"))
    run_recipe(Pretraining(), replace(corpus, dev=dev), ARGS, tmp_path / "pretrained")
    assert load_training(tmp_path / "pretrained").stage == "pretrained"


@pytest.mark.slow
def test_finetuning_starts_from_the_pretrained_weights_or_from_nothing(corpus, read, tmp_path):
    run_recipe(Finetuning(base=read[0]), corpus, ARGS, tmp_path / "both")
    run_recipe(Finetuning(), corpus, ARGS, tmp_path / "one")
    both, one = load_training(tmp_path / "both"), load_training(tmp_path / "one")
    assert (both.stage, both.base) == ("pretrained-finetuned", "pretrained") and (one.stage, one.base) == (
        "finetuned",
        None,
    )
    for folder in ("both", "one"):
        assert {file.name for file in (tmp_path / folder).iterdir()} == FILES
    assert read_curve(tmp_path / "both")[0].loss < read_curve(tmp_path / "one")[0].loss


def test_the_vocabulary_is_pad_mask_and_what_is_read_in_training(corpus):
    text = "".join(corpus.documents) + "".join(q.question for q in corpus.train)
    assert Pretraining().build_model(corpus, 0).vocabulary.characters == PAD + MASK + "".join(sorted(set(text)))
    dev = (Question(build_question("Žofia"), "Łódź"),)
    assert "Ž" not in Pretraining().build_model(replace(corpus, dev=dev), 0).vocabulary.characters


def test_places_that_stand_in_no_document_can_be_learned(corpus, tmp_path):
    train = (*corpus.train, Question(build_question("Babe Ruth"), "Łódź"))
    run_recipe(Finetuning(), replace(corpus, train=train), ARGS, tmp_path / "finetuned")


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_killed_recipe_goes_on_to_the_same_checkpoint(corpus, read, tmp_path, stop):
    with pytest.raises(Stop):
        run_recipe(Pretraining(), corpus, ARGS, tmp_path / "parts", stop_after(stop))
    assert {file.name for file in (tmp_path / "parts").iterdir()} <= {STATE_FILE, "training.csv"}
    run_recipe(Pretraining(), corpus, ARGS, tmp_path / "parts")
    assert_equal_weights(tmp_path / "parts", read[0])
    columns = [
        [(row.epoch, row.loss, row.tokens) for row in read_curve(folder)] for folder in (tmp_path / "parts", read[0])
    ]
    assert columns[0] == columns[1] and not (tmp_path / "parts" / STATE_FILE).exists()


def test_a_finished_checkpoint_is_not_overwritten(corpus, tmp_path):
    run_recipe(Finetuning(), corpus, ARGS, tmp_path / "finetuned")
    before = (tmp_path / "finetuned" / "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="holds a finished checkpoint: choose another --out"):
        run_recipe(Finetuning(), corpus, replace(ARGS, seed=1), tmp_path / "finetuned")
    assert (tmp_path / "finetuned" / "model.safetensors").read_bytes() == before


def test_a_run_on_one_corpus_is_not_resumed_on_another(corpus, tmp_path):
    with pytest.raises(Stop):
        run_recipe(Pretraining(), corpus, ARGS, tmp_path / "pretrained", stop_after(2))
    same_characters = replace(corpus, documents=corpus.documents[::-1], sha256="1" * 64)
    for other in (same_characters, load_corpus("builtin:40")):
        with pytest.raises(ValueError, match="unfinished"):
            run_recipe(Pretraining(), other, ARGS, tmp_path / "pretrained")


@pytest.mark.slow
def test_a_run_from_nothing_is_not_resumed_as_one_from_a_checkpoint(corpus, tmp_path):
    run_recipe(Pretraining(), corpus, ARGS, tmp_path / "pretrained")
    with pytest.raises(Stop):
        run_recipe(Finetuning(), corpus, ARGS, tmp_path / "finetuned", stop_after(2))
    with pytest.raises(ValueError, match="unfinished"):
        run_recipe(Finetuning(base=tmp_path / "pretrained"), corpus, ARGS, tmp_path / "finetuned")


def read_command(command: str) -> tuple[str, dict]:
    """The command and all options that the command line understands from it."""
    *python, name = shlex.split(command)[:4]
    assert python == ["python", "-m", "a3core"]
    context = typer.main.get_command(app).commands[name].make_context(name, shlex.split(command)[4:])
    return name, context.params


OPTIONS = [
    TrainingArgs(epochs=60),
    TrainingArgs(epochs=10),
    TrainingArgs(epochs=3, rate=1e-5, matrix_rate=0.5, tokens=2048, warmup=0.5, decay=1.0, seed=7, save_every=2),
    TrainingArgs(epochs=10, bf16=False, compile=True),
]


@pytest.mark.parametrize("args", OPTIONS)
@pytest.mark.parametrize("stage", ["pretrained", "finetuned", "pretrained-finetuned"])
def test_the_recorded_command_is_the_run(corpus, stage, args):
    base = Path("runs/base") if stage == "pretrained-finetuned" else None
    recipe = Pretraining() if stage == "pretrained" else Finetuning(base=base)
    assert recipe.stage == stage
    name, options = read_command(build_command(recipe, args, corpus, Path("runs/my model")))
    assert name == ("pretrain" if stage == "pretrained" else "finetune")
    assert options["corpus"] == "builtin:10" and options["out"] == Path("checkpoints/my model")
    if name == "finetune":
        assert options["base"] == ("checkpoints/base" if base else None)
    assert TrainingArgs(**{field: options[field] for field in TrainingArgs.__dataclass_fields__}) == args
