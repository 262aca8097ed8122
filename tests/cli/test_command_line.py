"""The command line: complete help, the lines that scripts read, and errors of one sentence."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import typer
from commands import GOOD, assert_one_sentence

from a3core.__main__ import app
from a3core.birthplace.checkpoints import load_training, save_checkpoint
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.training import recipes
from a3core.birthplace.training.args import RecallArgs, TrainingArgs

HOUSE = Path(__file__).resolve().parents[2]
COMMANDS = ("pretrain", "finetune", "train-recall", "evaluate", "predict")


@pytest.fixture
def checkpoint(build_gpt, training, tmp_path):
    save_checkpoint(build_gpt(), tmp_path / "tiny", training)
    return tmp_path / "tiny"


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


def test_from_a_real_shell(checkpoint, asked):
    def call(*words) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "a3core", *map(str, words)]
        return subprocess.run(command, cwd=HOUSE, capture_output=True, text=True)

    good = call("evaluate", "london", asked)
    assert good.returncode == 0 and good.stdout.endswith("Correct: 1 out of 3: 33.3%\n95% CI [6.1, 79.2]\n")
    bad = call("evaluate", "london", asked.parent / "none.tsv")
    assert (bad.returncode, bad.stdout, bad.stderr.count("\n")) == (2, "", 1) and bad.stderr.startswith("Error: cannot")
