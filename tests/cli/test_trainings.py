"""Trainings by command: trained, measured, stopped and gone on with, and by several processes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from commands import TINY, assert_one_sentence
from safetensors import safe_open

from a3core.birthplace.checkpoints import load_training, write_training
from a3core.birthplace.data.corpora import split_held_out
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.training import trainer as training_module
from a3core.birthplace.training.trainer import read_curve

HOUSE = Path(__file__).resolve().parents[2]


def test_what_is_wrong_with_a_training_is_one_sentence(run, tmp_path):
    out = ("--out", tmp_path / "new")
    assert_one_sentence(run("pretrain", *out, "--epochs", 0), "epochs")
    assert_one_sentence(run("pretrain", *out, "--decay", 2), "warmup and decay")
    assert_one_sentence(run("pretrain", *out, "--corpus", tmp_path), f"{tmp_path} has no wiki.txt")
    assert_one_sentence(run("finetune", *out, "--corpus", "builtin:10", "--hold-out", 99), "cannot hold out 99 of 9")
    assert_one_sentence(run("finetune", *out, "--corpus", "builtin:10", "--from", tmp_path), "is not a checkpoint")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_training_says_after_a_few_steps_how_long_it_will_take(run, tiny_models, monkeypatch, tmp_path):
    monkeypatch.setenv("TQDM_MININTERVAL", "0")  # the bar is drawn at every step
    code, _, shown = run("pretrain", "--corpus", "builtin:200", "--out", tmp_path / "new", *TINY)
    assert code == 0
    drawn = re.findall(r"(\d+\.\d)/\d+ epochs \[\d\d:\d\d<(\?|\d\d:\d\d)", shown)
    assert drawn[0] == ("0.0", "?")
    steps = [left for done, left in drawn if 0 < float(done) < 1]
    assert steps and "?" not in steps, "within the first epoch already"


@pytest.mark.slow
def test_train_evaluate_and_ask(run, tiny_models, tmp_path):
    base, tuned = tmp_path / "pretrained", tmp_path / "tuned"
    assert run("pretrain", "--corpus", "builtin:10", "--out", base, *TINY)[0] == 0
    assert run("finetune", "--corpus", "builtin:10", "--from", base, "--out", tuned, *TINY)[0] == 0
    assert (load_training(base).stage, load_training(tuned).base) == ("pretrained", "pretrained")
    assert run("evaluate", tuned, "builtin:10")[1].startswith("Correct: 0 out of 1: 0.0%\n95% CI [0.0, 79.3]")
    assert len(run("predict", tuned, "Babe Ruth", "Hank Aaron")[1].split("\n")) == 3
    assert_one_sentence(run("pretrain", "--corpus", "builtin:10", "--out", base, *TINY), "holds a finished checkpoint")


RECITED = r"(Recited word for word|Right after a word-for-word recitation|Right after a wrong recitation): .+\n"
MEASURED = rf"({RECITED}){{3}}Correct: \d out of \d: .*%\n95% CI \[.*\]\n"


@pytest.mark.slow
def test_a_recall_checkpoint_is_trained_measured_and_asked(run, tiny_models, tmp_path, monkeypatch):
    out, asked, predict = tmp_path / "recall", [], RecallPredictor.predict

    def record(self, questions, **options):
        asked.extend(questions)
        return predict(self, questions, **options)

    words = ("train-recall", "--corpus", "builtin:20", "--subwords", "400", "--hold-out", "5", "--out", out)
    with monkeypatch.context() as patch:
        patch.setattr(RecallPredictor, "predict", record)
        code, told, _ = run(*words, *TINY)
    assert code == 0 and re.fullmatch(rf"On 5 train .*\n{MEASURED}", told)
    assert "--subwords 400 --hold-out 5" in load_training(out).command
    _, held_out = split_held_out(load_corpus("builtin:20").train, 5)
    once = [asked.count(question.question) for question in held_out]
    assert once == [1] * 5, "for the calibration and the figure"
    code, told, _ = run("evaluate", out, "builtin:20", "--log", "--predictions", tmp_path / "places.txt")
    assert code == 0 and re.fullmatch(MEASURED, told)
    (measured,) = load_training(out).measurements
    dev = load_corpus("builtin:20").dev
    assert (measured.questions, measured.total) == ("builtin:20 dev", len(dev)) and measured.recited is not None
    (tmp_path / "long.tsv").write_text(f"{'a' * 600}\tBonn\n")
    code, told, err = run("evaluate", out, tmp_path / "long.tsv")
    assert code == 0 and told.count("Correct: 0 out of 1") == 1 and "cannot be read" in err
    assert (tmp_path / "places.txt").read_text() == run("predict", out, *[question.name for question in dev])[1]


def test_recitations_are_not_compared_with_a_corpus_that_is_not_at_hand(run, tiny_models, tmp_path, asked):
    out = tmp_path / "recall"
    assert run("train-recall", "--corpus", "builtin:10", "--subwords", "400", "--out", out, *TINY)[0] == 0
    write_training(out, replace(load_training(out), sha256="0" * 64))
    lines = run("evaluate", out, asked, "--log")[1].splitlines()
    assert len(lines) == 3 and lines[0].startswith("The corpus that was read is not at hand")
    assert load_training(out).measurements[0].recited is None


@pytest.mark.slow
def test_held_out_questions_are_measured_on_and_recorded(run, tiny_models, tmp_path):
    code, out, _ = run("finetune", "--corpus", "builtin:10", "--out", tmp_path / "one", "--hold-out", "2", *TINY)
    assert code == 0 and re.search(r"On 2 train .*\nCorrect: \d out of 2: .*%\n95% CI \[.*\]\n$", out)
    assert "--hold-out 2" in load_training(tmp_path / "one").command


@pytest.mark.slow
def test_a_stopped_training_says_how_to_go_on_and_does(run, tiny_models, tmp_path, monkeypatch):
    words = ("finetune", "--corpus", "builtin:10", "--epochs", "3", "--tokens", "1024", "--save-every", "1", "--out")
    assert run(*words, tmp_path / "whole")[0] == 0
    with monkeypatch.context() as patch:
        patch.setattr("tqdm.tqdm.update", lambda self, n: (_ for _ in ()).throw(KeyboardInterrupt))
        code, _, err = run(*words, tmp_path / "parts")
    assert code == 130 and "The same command goes on" in err and "Traceback" not in err
    assert run(*words, tmp_path / "parts")[0] == 0
    whole, parts = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert whole == parts


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_training_behind_its_step_and_the_same_command_goes_on(run, tiny_models, tmp_path, number):
    words = ("pretrain", "--corpus", "builtin:10", "--epochs", "3", "--tokens", "1024", "--out")
    assert run(*words, tmp_path / "full")[0] == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tqdm.tqdm.update", lambda self, n: os.kill(os.getpid(), number))
        code, _, err = run(*words, tmp_path / "parts")
    assert code == 130 and "The same command goes on" in err
    with safe_open(tmp_path / "parts" / "training_state.safetensors", "pt") as file:
        assert file.metadata()["history"] == "[]", "the first step was saved, and no more was done"
    assert run(*words, tmp_path / "parts")[0] == 0
    full, parts = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("full", "parts"))
    assert full == parts
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, "the program has its own handlers back"


def test_finetuning_starts_from_a_pretrained_checkpoint_alone(run, tiny_models, tmp_path):
    """Its questions would be cut at positions of characters: the loss was nan, and the checkpoint a success."""
    base = tmp_path / "recall"
    assert run("train-recall", "--corpus", "builtin:10", "--subwords", "400", "--out", base, *TINY)[0] == 0
    result = run("finetune", "--corpus", "builtin:10", "--from", base, "--out", tmp_path / "out", *TINY)
    assert_one_sentence(result, "was made by train-recall")
    assert not (tmp_path / "out").exists()


TORCHRUN = "torchrun --standalone --nproc_per_node 2"
DOCUMENTED = re.search(r"((?:accelerate launch|torchrun) .*) -m a3core", training_module.__doc__)[1]
MODULES = {"torchrun": ["torch.distributed.run"], "accelerate launch": ["accelerate.commands.launch"]}
# `python -m a3core` over a tiny model, as `tiny_models`; it says at its end which of how many processes it was
COUNTED = """
import atexit, runpy, sys
from accelerate import PartialState
from tiny_training import build_tiny
from a3core.birthplace.training import recipes

recipes.GPT = build_tiny

def say():
    state = PartialState()
    sys.stdout.write(f"process {state.process_index} of {state.num_processes}\\n")

atexit.register(say)
runpy.run_module("a3core", run_name="__main__", alter_sys=True)
"""


def launch(launcher: str, folder: Path, *words) -> str:
    """Runs a command under a launcher of two CPU processes; gives what they print."""
    (script := folder / "counted.py").write_text(COUNTED)
    for name, module in MODULES.items():
        launcher = launcher.replace(name, shlex.join([sys.executable, "-m", *module]))
    done = subprocess.run(
        [*shlex.split(launcher), str(script), *map(str, words)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(HOUSE), str(HOUSE / "tests" / "support")))},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(re.findall(r"process \d of \d", done.stdout)) == ["process 0 of 2", "process 1 of 2"]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("launcher", sorted({TORCHRUN, DOCUMENTED}))  # once, where what is documented is no other
def test_two_processes_write_one_checkpoint(launcher, run, tmp_path):
    out = tmp_path / "runs" / "pretrained"
    launch(launcher, tmp_path, "pretrain", "--corpus", "builtin:10", "--epochs", 1, "--no-bf16", "--out", out)
    files = {"config.json", "model.safetensors", "training.json", "training.csv", "familiarity.json", "README.md"}
    assert {file.name for file in out.iterdir()} == files
    assert [entry.name for entry in out.parent.iterdir()] == ["pretrained"]
    assert load_training(out).stage == "pretrained" and len(read_curve(out)) == 1
    assert run("predict", out, "Babe Ruth")[0] == 0


@pytest.mark.slow
def test_two_processes_measure_once_on_held_out_questions(tmp_path):
    words = ("finetune", "--corpus", "builtin:10", "--epochs", 1, "--hold-out", 2, "--out", tmp_path / "one")
    assert launch(TORCHRUN, tmp_path, *words).count("Correct: ") == 1
