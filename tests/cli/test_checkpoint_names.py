"""Every command that takes a checkpoint takes a folder, the name of a shipped one, and a repository of the hub."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from a3core.__main__ import app
from a3core.birthplace import checkpoints
from a3core.birthplace.checkpoints import save_checkpoint
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.birthplace.prediction.confidence import Confidence
from a3core.cli import birthplace, grader_store
from a3core.ui import launch

CORPUS = "builtin:40"
SHIPPED, OWN, HUB = "by its name", "as a folder", "of the hub"
TAKES_ONE = ["attention", "evaluate", "finetune", "predict", "recall-run", "train-recall", "app"]
TAKES_A_LANGUAGE_MODEL = ["cot-run", "fewshot-eval"]  # as grader what-if: a hub id, or a folder of transformers
TAKES_NONE = ["pretrain", "build-space"]


@pytest.fixture(scope="module")
def shipped(build_gpt, tmp_path_factory):
    """A folder of checkpoints: one that answers at once, and one that recalls and has a confidence."""
    root, corpus = tmp_path_factory.mktemp("shipped"), load_corpus(CORPUS)
    merges = build_subwords([*corpus.documents, build_question("")], 330).text
    facts = checkpoints.Training("finetuned", CORPUS, "a table", corpus.sha256, "a command", {}, 1, 2, 9.0, "a machine")
    save_checkpoint(build_gpt(merges, block_size=256, tied=True), root / "direct", facts)
    recalling = build_gpt(merges, block_size=256, tied=True, tagged=True)
    save_checkpoint(recalling, root / "recalling", replace(facts, stage="recall"))
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(root / "recalling")
    return root


@pytest.fixture(params=[SHIPPED, OWN, HUB])
def name(request, shipped, monkeypatch, tmp_path):
    """What a checkpoint of `shipped` is called on the command line."""
    monkeypatch.chdir(tmp_path)  # no folder here has such a name
    if request.param == SHIPPED:
        monkeypatch.setattr(checkpoints.paths, "CHECKPOINTS", shipped)
        return lambda checkpoint: checkpoint
    if request.param == OWN:
        return lambda checkpoint: str(shipped / checkpoint)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda repo: str(shipped / repo.removeprefix("ann/")))
    monkeypatch.setattr("huggingface_hub.file_exists", lambda repo, file: file == "training.json")
    return lambda checkpoint: f"ann/{checkpoint}"


def run(*words) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def test_every_command_is_among_these():
    names = [command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands]
    assert sorted(names) == sorted(TAKES_ONE + TAKES_A_LANGUAGE_MODEL + TAKES_NONE)
    for command in grader_store.app.registered_commands:
        assert "checkpoint" not in inspect.signature(command.callback).parameters


@pytest.mark.slow
def test_predict_evaluate_and_attention(name, tmp_path):
    assert len(run("predict", name("recalling"), "Babe Ruth", "Ty Cobb").splitlines()) == 2
    (tmp_path / "asked.tsv").write_text("Where was Babe Ruth born?\tBaltimore\n", encoding="utf-8")
    assert "out of 1" in run("evaluate", name("direct"), "asked.tsv")
    run("attention", name("direct"), "Where was Babe Ruth born?", "--out", "page.html")
    assert "Babe" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_training_starts_from_it_and_takes_its_confidence(name, shipped, monkeypatch):
    trained = []
    monkeypatch.setattr(birthplace, "train", lambda recipe, *rest: trained.append(recipe))
    run("finetune", "--from", name("direct"), "--corpus", CORPUS, "--out", "out")
    run("train-recall", "--confidence-from", name("recalling"), "--corpus", CORPUS, "--out", "out")
    assert (trained[0].base, trained[1].confidence_from) == (shipped / "direct", shipped / "recalling")


@pytest.mark.slow
def test_a_run_to_be_labelled_asks_it(name, tmp_path):
    given = ("--direct", name("direct"), "--recall", name("recalling"))
    run("recall-run", "--corpus", CORPUS, "--people", 2, *given, "--out", "run")
    assert f"--direct {name('direct')} --recall {name('recalling')}" in (tmp_path / "run" / "run.json").read_text()


def test_the_page_offers_it(name, shipped, monkeypatch):
    opened = []
    monkeypatch.setattr(launch, "build_page", opened.append)
    launch.build_from_flags(launch.parse_flags(["--checkpoints", name("direct"), str(shipped)]))
    assert opened == [[shipped / "direct", shipped]]


def test_what_is_neither_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="no folder, and no shipped checkpoint: builtin-finetuned"):
        checkpoints.find_checkpoint("builtin-nothing")
    with pytest.raises(ValueError, match="ann/nothing is no folder here, and the hub does not give it"):
        checkpoints.find_checkpoint("ann/nothing")  # tests are offline


def test_another_model_of_the_hub_is_none_of_ours(monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_exists", lambda repo, file: False)
    assert not checkpoints.is_checkpoint("ann/language-model") and not checkpoints.is_checkpoint("gemma-3-270m")
