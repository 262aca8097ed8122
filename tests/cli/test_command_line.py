"""The command line: complete help, the lines that scripts read, and errors of one sentence."""

from __future__ import annotations

import functools
import os
import re
import shlex
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
import typer
from safetensors import safe_open

from a3core.__main__ import app, main
from a3core.birthplace.checkpoints import load_training, save_checkpoint, write_training
from a3core.birthplace.data.corpora import split_held_out
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.training import recipes
from a3core.birthplace.training import trainer as training_module
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.trainer import read_curve

HOUSE = Path(__file__).resolve().parents[2]
COMMANDS = ("pretrain", "finetune", "train-recall", "evaluate", "predict")
GOOD = "Where was Ada born?\tLondon\nWhere was Bo born?\tRio\nWhere was Dora born?\tRio\n"
TINY = ("--epochs", "1", "--tokens", "1024")


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a command as `python -m a3core` does; gives its exit code, output and errors."""

    def run_command(*words) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["a3core", *map(str, words)])
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setenv("NO_COLOR", "1")
        capsys.readouterr()
        with pytest.raises(SystemExit) as done:
            main()
        code = done.value.code
        return code, *capsys.readouterr()

    return run_command


@pytest.fixture
def tiny_models(monkeypatch):
    """Trainings build models of one narrow layer."""
    monkeypatch.setattr(recipes, "GPT", functools.partial(GPT, n_layer=2, n_head=2, n_embd=16))


@pytest.fixture
def checkpoint(build_gpt, training, tmp_path):
    save_checkpoint(build_gpt(), tmp_path / "tiny", training)
    return tmp_path / "tiny"


@pytest.fixture
def asked(tmp_path):
    path = tmp_path / "asked.tsv"
    path.write_text(GOOD, encoding="utf-8")
    return path


def assert_one_sentence(result: tuple[int, str, str], *parts: str) -> None:
    """Exit code 2, and one line on standard error that has all the parts."""
    code, err = result[0], re.sub(r"^.*epochs \[.*\]\n?", "", result[2], flags=re.MULTILINE)  # less the progress bar
    assert code == 2 and err.startswith("Error: ") and err.count("\n") == 1 and "Traceback" not in err, result
    for part in parts:
        assert part in err


def test_the_commands_are_listed(run):
    code, out, _ = run("--help")
    assert code == 0
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b +[A-Z]", out), f"{command} has no help"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_is_complete(run, command):
    code, out, _ = run(command, "--help")
    assert code == 0
    built = typer.main.get_command(app).commands[command]
    assert built.help and built.help.split()[0] in out
    for parameter in built.params:
        assert getattr(parameter, "help", None), f"{command} does not explain {parameter.name}"
        shown = (
            [*parameter.opts, *parameter.secondary_opts] if parameter.param_type_name == "option" else [parameter.name]
        )
        for flag in shown:
            assert flag in out.lower(), f"{command} --help does not show {flag}"


@pytest.mark.parametrize("command", ["pretrain", "finetune", "train-recall"])
def test_every_training_option_is_offered(command):
    built = {parameter.name: parameter for parameter in typer.main.get_command(app).commands[command].params}
    for field in fields(TrainingArgs):
        assert built[field.name].help == field.metadata["help"]
        assert built[field.name].opts == [f"--{field.name.replace('_', '-')}"]
        if command == "pretrain" or field.name not in recipes.COMMAND_DEFAULTS:
            assert built[field.name].default == field.default
    for field in fields(RecallArgs) if command == "train-recall" else ():
        assert built[field.name].help == field.metadata["help"] and built[field.name].default == field.default
    assert built["bf16"].secondary_opts == ["--no-bf16"] and built["out"].required


def test_no_command_shows_the_help(run):
    code, out, err = run()
    assert code in (0, 2) and "pretrain" in out + err


def test_london_ends_with_the_two_lines(run, asked):
    code, out, _ = run("evaluate", "london", asked)
    assert code == 0
    assert out.splitlines()[-2:] == ["Correct: 1 out of 3: 33.3%", "95% CI [6.1, 79.2]"]


def test_the_most_common_place_of_other_answers(run, asked, tmp_path):
    assert run("evaluate", "most-common", asked)[1].splitlines()[-2] == "Correct: 2 out of 3: 66.7%"
    (tmp_path / "train.tsv").write_text("q\tOslo\n")
    assert run("evaluate", "most-common", asked, "--train", tmp_path / "train.tsv")[1].startswith("Correct: 0 out of 3")


def test_a_builtin_dev_set_is_measured_on(run):
    count = len(load_corpus("builtin:60").dev)
    for baseline in ("london", "most-common"):
        code, out, _ = run("evaluate", baseline, "builtin:60")
        assert code == 0 and re.fullmatch(rf"Correct: \d+ out of {count}: .*%\n95% CI \[.*\]\n", out)


def test_a_checkpoint_is_measured_and_its_predictions_are_written(run, checkpoint, asked, tmp_path):
    code, out, _ = run("evaluate", checkpoint, asked, "--predictions", tmp_path / "places.txt")
    assert code == 0 and re.fullmatch(r"Correct: \d out of 3: .*%\n95% CI \[.*\]\n", out)
    names = ["Ada", "Bo", "Dora"]
    assert (tmp_path / "places.txt").read_text(encoding="utf-8") == run("predict", checkpoint, *names)[1]


def test_a_name_that_cannot_be_spelt_is_told_and_counts_as_wrong(run, checkpoint, tmp_path):
    (tmp_path / "asked.tsv").write_text("Where was Zoë born?\tBonn\n" + GOOD, encoding="utf-8")
    code, out, err = run("evaluate", checkpoint, tmp_path / "asked.tsv", "--predictions", tmp_path / "places.txt")
    assert code == 0 and re.fullmatch(r"Correct: \d out of 4: .*%\n95% CI \[.*\]\n", out)
    assert err.startswith("4 questions asked. 1 of them cannot be read") and "Where was Zoë born?" in err
    names = ["Ada", "Bo", "Dora"]
    assert (tmp_path / "places.txt").read_text(encoding="utf-8") == "\n" + run("predict", checkpoint, *names)[1]


def test_a_measurement_is_logged_in_the_card(run, checkpoint, asked):
    run("evaluate", checkpoint, asked, "--log")
    assert run("evaluate", checkpoint, asked, "--log")[0] == 0
    first, second = load_training(checkpoint).measurements
    assert first == second and (first.questions, first.total) == ("asked.tsv", 3)
    card = (checkpoint / "README.md").read_text(encoding="utf-8")
    assert card.count("| asked.tsv |") == 2 and f"| {first.correct} of 3: " in card


def test_one_place_a_line_in_the_order_of_the_names(run, checkpoint):
    names = ["Ada", "Bo", "Dora", "Ada Dawson"]
    code, out, err = run("predict", checkpoint, *names)
    assert code == 0 and err == ""
    places = out.split("\n")
    assert len(places) == len(names) + 1 and places[-1] == ""
    assert places[:-1] == [run("predict", checkpoint, name)[1].removesuffix("\n") for name in names]
    questions = ["Where was Ada born?", "where was  Bo BORN", " Dora ", "Ada  Dawson?"]
    assert run("predict", checkpoint, *questions)[1] == out


def test_predict_needs_a_name(run, checkpoint):
    code, _, err = run("predict", checkpoint)
    assert code == 2 and "Missing argument" in err


def test_what_is_wrong_is_one_sentence(run, checkpoint, asked, tmp_path):
    (tmp_path / "bad.tsv").write_text(GOOD + "no answer\n")
    (tmp_path / "alone.tsv").write_text("Where was Ada born?\n")
    none = tmp_path / "none"
    assert_one_sentence(run("predict", none, "Ada"), f"{none} is not a checkpoint")
    assert_one_sentence(run("predict", checkpoint, "Ada", "Zoë"), "never read the character(s) 'Z', 'ë'")
    assert_one_sentence(run("predict", checkpoint, "Ada " * 30), "shorten it")
    assert_one_sentence(run("evaluate", none, asked), f"{none} is not a checkpoint")
    assert_one_sentence(run("evaluate", "london", none), f"cannot read {none}")
    assert_one_sentence(run("evaluate", "london", tmp_path / "bad.tsv"), "bad.tsv, line 4")
    assert_one_sentence(run("evaluate", "london", tmp_path / "alone.tsv"), "no answers to measure against")
    assert_one_sentence(run("evaluate", "london", "builtin:3"), "takes 10 to")
    assert_one_sentence(run("evaluate", "london", asked, "--log"), "london is not a checkpoint")


def test_what_is_wrong_with_a_training_is_one_sentence(run, tmp_path):
    out = ("--out", tmp_path / "new")
    assert_one_sentence(run("pretrain", *out, "--epochs", 0), "epochs")
    assert_one_sentence(run("pretrain", *out, "--decay", 2), "warmup and decay")
    assert_one_sentence(run("pretrain", *out, "--corpus", tmp_path), f"{tmp_path} has no wiki.txt")
    assert_one_sentence(run("finetune", *out, "--corpus", "builtin:10", "--hold-out", 99), "cannot hold out 99 of 9")
    assert_one_sentence(run("finetune", *out, "--corpus", "builtin:10", "--from", tmp_path), "is not a checkpoint")
    assert not (tmp_path / "new").exists()


def test_predictions_may_go_to_a_new_folder_but_not_into_a_file(run, asked, tmp_path):
    assert run("evaluate", "london", asked, "--predictions", tmp_path / "new" / "places.txt")[0] == 0
    assert (tmp_path / "new" / "places.txt").read_text() == "London\n" * 3
    assert_one_sentence(run("evaluate", "london", asked, "--predictions", asked / "places.txt"), "asked.tsv")


def test_a_file_whose_name_has_a_colon(run, tmp_path):
    (tmp_path / "dev:1.tsv").write_text(GOOD)
    assert run("evaluate", "london", tmp_path / "dev:1.tsv")[1].startswith("Correct: 1 out of 3")


def test_unknown_options_and_commands_are_refused(run, asked):
    assert run("train")[0] == 2
    assert run("evaluate", "london", asked, "--fast")[0] == 2


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


def test_a_recall_checkpoint_is_trained_measured_and_asked(run, tiny_models, tmp_path):
    out = tmp_path / "recall"
    words = ("train-recall", "--corpus", "builtin:10", "--subwords", "400", "--hold-out", "2", "--out", out)
    code, told, _ = run(*words, *TINY)
    assert code == 0 and re.fullmatch(rf"On 2 train .*\n{MEASURED}", told)
    assert "--subwords 400 --hold-out 2" in load_training(out).command
    code, told, _ = run("evaluate", out, "builtin:10", "--log", "--predictions", tmp_path / "places.txt")
    assert code == 0 and re.fullmatch(MEASURED, told)
    (measured,) = load_training(out).measurements
    assert (measured.questions, measured.total) == ("builtin:10 dev", 1) and measured.recited is not None
    (tmp_path / "long.tsv").write_text(f"{'a' * 600}\tBonn\n")
    code, told, err = run("evaluate", out, tmp_path / "long.tsv")
    assert code == 0 and told.count("Correct: 0 out of 1") == 1 and "cannot be read" in err
    (question,) = load_corpus("builtin:10").dev
    assert (tmp_path / "places.txt").read_text() == run("predict", out, question.name)[1]


def test_held_out_questions_are_asked_once_for_the_calibration_and_the_figure(run, tiny_models, tmp_path, monkeypatch):
    asked, predict = [], RecallPredictor.predict

    def record(self, questions, **options):
        asked.extend(questions)
        return predict(self, questions, **options)

    monkeypatch.setattr(RecallPredictor, "predict", record)
    words = ("train-recall", "--corpus", "builtin:20", "--subwords", "400", "--hold-out", "5", "--out", tmp_path / "a")
    code, out, _ = run(*words, *TINY)
    assert code == 0 and "Correct: 0 out of 5" in out
    _, held_out = split_held_out(load_corpus("builtin:20").train, 5)
    assert [asked.count(question.question) for question in held_out] == [1] * 5


def test_recitations_are_not_compared_with_a_corpus_that_is_not_at_hand(run, tiny_models, tmp_path, asked):
    out = tmp_path / "recall"
    assert run("train-recall", "--corpus", "builtin:10", "--subwords", "400", "--out", out, *TINY)[0] == 0
    write_training(out, replace(load_training(out), sha256="0" * 64))
    lines = run("evaluate", out, asked, "--log")[1].splitlines()
    assert len(lines) == 3 and lines[0].startswith("The corpus that was read is not at hand")
    assert load_training(out).measurements[0].recited is None


def test_held_out_questions_are_measured_on_and_recorded(run, tiny_models, tmp_path):
    code, out, _ = run("finetune", "--corpus", "builtin:10", "--out", tmp_path / "one", "--hold-out", "2", *TINY)
    assert code == 0 and re.search(r"On 2 train .*\nCorrect: \d out of 2: .*%\n95% CI \[.*\]\n$", out)
    assert "--hold-out 2" in load_training(tmp_path / "one").command


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


def test_from_a_real_shell(checkpoint, asked):
    def call(*words) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "a3core", *map(str, words)]
        return subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)

    good = call("evaluate", "london", asked)
    assert good.returncode == 0 and good.stdout.endswith("Correct: 1 out of 3: 33.3%\n95% CI [6.1, 79.2]\n")
    bad = call("evaluate", "london", asked.parent / "none.tsv")
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1) and bad.stderr.startswith("Error: cannot")


TORCHRUN = "torchrun --standalone --nproc_per_node 2"
DOCUMENTED = re.search(r"((?:accelerate launch|torchrun) .*) -m a3core", training_module.__doc__)[1]
MODULES = {"torchrun": ["torch.distributed.run"], "accelerate launch": ["accelerate.commands.launch"]}
# `python -m a3core` that says at its end which of how many processes it was
COUNTED = """
import atexit, runpy, sys
from accelerate import PartialState
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
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert sorted(re.findall(r"process \d of \d", done.stdout)) == ["process 0 of 2", "process 1 of 2"]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("launcher", [TORCHRUN, DOCUMENTED])
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
