"""The command recall-run, with tiny checkpoints; and the run that is shipped in assets/recall_run."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from a3core.birthplace.checkpoints import save_checkpoint
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.grader.answers.extraction import suggest_label
from a3core.grader.labels.schema import CORRECT
from a3core.grader.runs.birthplaces import DIRECT, RECALL
from a3core.grader.runs.generation import RUN_FILE, load_run

HOUSE = Path(__file__).resolve().parents[2]
SHIPPED = HOUSE / "assets" / "recall_run"
CORPUS = "builtin:40"


@pytest.fixture(scope="module")
def folder(build_gpt, tmp_path_factory):
    """A checkpoint that answers at once and one that recites, both random."""
    from a3core.birthplace.checkpoints import Training

    corpus, root = load_corpus(CORPUS), tmp_path_factory.mktemp("checkpoints")
    merges = build_subwords([*corpus.documents, build_question("")], 330).text
    facts = Training("pretrained-finetuned", CORPUS, "a table", corpus.sha256, "a command", {}, 1, 2, 9.0, "a machine")
    save_checkpoint(build_gpt(merges, block_size=128, tied=True), root / "direct", facts)
    save_checkpoint(
        build_gpt(merges, block_size=128, tied=True, tagged=True), root / "recall", replace(facts, stage="recall")
    )
    save_checkpoint(build_gpt(merges, block_size=128, tied=True), root / "other", replace(facts, sha256="0" * 64))
    return root


@pytest.fixture
def run(run, folder):
    """Runs the command; gives its exit code, output and errors."""

    def run_command(out: Path, direct="direct", recall="recall", people=4, seed=1, options=()):
        words = ["--corpus", CORPUS, "--people", people, "--seed", seed, "--out", out]
        words += ["--direct", folder / direct, "--recall", folder / recall, *options]
        return run("recall-run", *words)

    return run_command


@pytest.mark.slow
def test_dev_people_are_asked_in_two_kinds(run, tmp_path, folder):
    code, told, _ = run(tmp_path / "run")
    assert code == 0 and "To be labelled" in told and told.startswith("task")
    made, facts = load_run(tmp_path / "run"), json.loads((tmp_path / "run" / RUN_FILE).read_text())
    assert [r.prompt_kind for r in made.responses] == [RECALL, DIRECT] * 4
    dev = {q.question: q.place for q in load_corpus(CORPUS).dev}
    assert all(dev[r.question] == r.gold_answer for r in made.responses)
    for response in made.responses:
        name = response.question.removeprefix("Where was ").removesuffix(" born?")
        assert response.explanation.startswith(name) == (response.prompt_kind == RECALL)
    assert (facts["people"]["drawn"], facts["people"]["of"], facts["people"]["seed"]) == (4, len(dev), 1)
    assert [c["name"] for c in facts["checkpoints"]] == ["direct", "recall"]
    weights = (folder / "recall" / "model.safetensors").read_bytes()
    assert facts["checkpoints"][1]["sha256"] == hashlib.sha256(weights).hexdigest()


@pytest.mark.slow
def test_a_run_goes_into_the_store_of_the_page_too(run, tmp_path, monkeypatch):
    from a3core import grader

    monkeypatch.setenv("A3_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert run(tmp_path / "run", options=["--run", "mine"])[0] == 0
    store = grader.open_store()
    assert store.responses(store.find_run("mine")) == load_run(tmp_path / "run").responses
    code, _, err = run(tmp_path / "again", options=["--run", "mine"])
    assert code == 2 and "There is already a run 'mine'" in err and not (tmp_path / "again").exists()


def test_the_same_command_writes_the_same_files(run, tmp_path):
    assert run(tmp_path / "run")[0] == 0
    before = {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}
    assert set(before) == {"responses.jsonl", RUN_FILE} and run(tmp_path / "run")[0] == 0
    assert before == {file.name: file.read_bytes() for file in (tmp_path / "run").iterdir()}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"recall": "direct"}, "give two checkpoints of different names"),
        ({"recall": "other"}, "has read builtin:40, not this builtin:40"),
        ({"direct": "recall", "recall": "direct"}, "--direct takes one that answers at once"),
        ({"direct": "nothing"}, "is not a checkpoint"),
        ({"people": 99}, "people to draw from"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_written(run, tmp_path, asked, says):
    code, _, err = run(tmp_path / "run", **asked)
    assert code == 2 and err.startswith("Error: ") and says in err and err.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_the_shipped_run_is_of_the_shipped_checkpoints_and_of_people_drawn_by_seed():
    facts, responses = json.loads((SHIPPED / RUN_FILE).read_text(encoding="utf-8")), load_run(SHIPPED).responses
    for checkpoint in facts["checkpoints"]:
        weights = (HOUSE / "checkpoints" / checkpoint["name"] / "model.safetensors").read_bytes()
        assert checkpoint["sha256"] == hashlib.sha256(weights).hexdigest(), checkpoint["name"]
    corpus, people = load_corpus(facts["people"]["corpus"]), facts["people"]
    assert corpus.sha256 == people["sha256"] and people["drawn"] == 100
    drawn = random.Random(people["seed"]).sample(range(len(corpus.dev)), 100)
    asked = [corpus.dev[i] for i in sorted(drawn)]
    assert [(r.question, r.gold_answer) for r in responses] == [pair[:2] for pair in asked for _ in (RECALL, DIRECT)]


def test_the_shipped_run_has_right_and_wrong_answers_as_it_says():
    facts, responses = json.loads((SHIPPED / RUN_FILE).read_text(encoding="utf-8")), load_run(SHIPPED).responses
    stated = {row["prompt_kind"]: row["correct"] for row in facts["accuracy"]}
    right = [r.prompt_kind for r in responses if (told := suggest_label(r)) and told.value == CORRECT]
    assert stated == {kind: right.count(kind) for kind in (RECALL, DIRECT)}
    assert 0 < stated[DIRECT] < stated[RECALL]
    assert all(r.explained == (r.prompt_kind == RECALL) for r in responses)
