"""A table of facts is enough: the command trains on it, and every door takes the checkpoint."""

from __future__ import annotations

import csv
import json
import re
import shlex
import shutil

import pytest
from typer.testing import CliRunner

from a3core.__main__ import app
from a3core.birthplace.checkpoints import CheckpointStore, load_training
from a3core.birthplace.data.loading import HELD_OUT
from a3core.birthplace.service import BirthplaceService
from a3core.grader.runs.generation import RUN_FILE, load_run
from a3core.ui.attention.presets import list_presets
from a3core.ui.grader.birthplaces import build_run
from a3core.ui.launch import parse_flags

CAPITAL = "What is the capital of {name}?"
SYLLABLES = [a + b for a in "bdfgklmnprstv" for b in "aeiou"]
TOWNS = ["Port Ebo", "Saint-Ano", "Quist", "Rovan City", "Ørsund", "Łomza", "Marro", "Badu-sur-Mer", "Tandry", "Lubin"]


def write_facts(path, count: int) -> None:
    """Made-up lands, each with a capital of one or several words."""
    names = [f"{first.title()}{last}land" for first in SYLLABLES for last in SYLLABLES[::13]]
    rows = list(zip(names[:count], range(count), strict=True))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["land", "capital"])
        writer.writerows((name, TOWNS[i % 10]) for name, i in rows)


def run(*words) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def train(folder, count: int, *words) -> str:
    write_facts(folder / "lands.csv", count)
    options = ("--question", CAPITAL, "--name-column", "land", "--answer-column", "capital", "--hold-out-share", "0.2")
    return run("train-recall", "--corpus", folder / "lands.csv", *options, "--out", folder / "runs" / "lands", *words)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """(the folder of a checkpoint on 20 facts after one epoch, what the command printed)"""
    folder = tmp_path_factory.mktemp("facts")
    printed = train(folder, 20, "--epochs", "1", "--licence", "CC0", "--source", "made up")
    return folder / "runs" / "lands", printed


@pytest.mark.slow
def test_the_command_ends_with_the_held_out_names(trained):
    _, printed = trained
    assert "On 4 names that were held out:" in printed
    assert re.search(r"\nCorrect: \d out of 4: .*%\n95% CI \[.*\]\n$", printed)


@pytest.mark.slow
def test_the_checkpoint_states_its_own_source(trained):
    folder, _ = trained
    training, card = load_training(folder), (folder / "README.md").read_text(encoding="utf-8")
    assert (training.corpus, training.source, training.question) == ("lands.csv", "made up; licence: CC0", CAPITAL)
    assert "license: other" in card and "CS224N" not in card and training.sha256 in card
    assert f"--question '{CAPITAL}' --name-column land --answer-column capital" in training.command
    assert "--epochs 1 " in training.command and training.parameters < 1_000_000


@pytest.mark.slow
def test_evaluate_and_predict_take_it(trained):
    folder, _ = trained
    assert re.search(r"Correct: \d out of 4", run("evaluate", folder))
    places = run("predict", folder, "what is the capital of Babaland", "Nowhere").splitlines()
    assert len(places) == 2


@pytest.mark.slow
def test_it_is_a_family_of_its_own_on_the_page(trained):
    store = CheckpointStore(trained[0].parent)
    assert store.families == ["lands.csv"] and len(store.people("lands.csv")) == 20
    known = next(person for person in store.people("lands.csv").values() if person.split == HELD_OUT)
    question = CAPITAL.replace("{name}", known.name)
    assert store.ask_somebody("lands.csv") == question
    for text in (known.name, question, question.lower()):
        reply = BirthplaceService(store).ask(text, "lands.csv")
        assert (reply.name, reply.person, reply.question) == (known.name, known, question)
        assert reply.answers[0].sentence.startswith(known.name)
    with pytest.raises(ValueError, match="this model answers 'What is the capital"):
        BirthplaceService(store).ask("Where was Babe Ruth born?", "lands.csv")
    assert [preset.text for preset in list_presets(store)] == [question]


@pytest.mark.slow
def test_the_graders_runs_take_it(trained, tmp_path, monkeypatch):
    """By the command and in the page: its own held-out names, asked of it alone."""
    folder, _ = trained
    printed = run("recall-run", "--recall", folder, "--out", tmp_path / "run")
    made, written = load_run(tmp_path / "run"), json.loads((tmp_path / "run" / RUN_FILE).read_text(encoding="utf-8"))
    assert "To be labelled" in printed and len(made.responses) == 4
    for response in made.responses:
        assert response.prompt_kind == "recall" and response.gold_answer in TOWNS
        assert response.question.startswith("What is the capital of ") and "land" in response.explanation
    assert written["people"]["corpus"] == "lands.csv" and [c["name"] for c in written["checkpoints"]] == ["lands"]
    again = shlex.split(written["command"])
    run(*again[3:])
    assert json.loads((tmp_path / "run" / RUN_FILE).read_text(encoding="utf-8")) == written
    store = CheckpointStore(folder)
    asked = build_run(store, "lands.csv", 50, 0)
    list(asked.run())
    assert sorted(r.answer for r in asked.to_run().responses) == sorted(r.answer for r in made.responses)


@pytest.mark.slow
def test_ones_own_checkpoints_are_asked_beside_others(trained, tmp_path):
    """Several folders, a checkpoint's own folder among them; two of one name are told apart."""
    folder, _ = trained
    other = tmp_path / "others" / "lands"
    shutil.copytree(folder, other)
    store = CheckpointStore(folder, other.parent)
    assert list(store.trainings) == ["lands", "lands (others)"] and store.families == ["lands.csv"]
    answers = BirthplaceService(store).ask("Babaland", "lands.csv").answers
    assert [answer.checkpoint for answer in answers[:2]] == ["lands", "lands (others)"]
    assert answers[0].place == answers[1].place
    flags = parse_flags(["--checkpoints", str(folder), str(other.parent)])
    assert flags.checkpoints == [folder, other.parent]


def test_facts_that_cannot_be_learned_are_refused_before_any_training(tmp_path):
    write_facts(tmp_path / "lands.csv", 20)
    options = ("--corpus", str(tmp_path / "lands.csv"), "--name-column", "land", "--out", str(tmp_path / "out"))
    result = CliRunner().invoke(app, ["train-recall", *options])
    assert isinstance(result.exception, ValueError) and "the right answer column" in str(result.exception)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("count", [pytest.param(50, marks=pytest.mark.slow), pytest.param(150, marks=pytest.mark.load)])
def test_facts_are_learned_and_the_held_out_ones_answered(tmp_path, count):
    printed = train(tmp_path, count)
    correct, total = map(int, re.search(r"Correct: (\d+) out of (\d+)", printed).groups())
    assert total == count // 5 and correct >= 0.95 * total
