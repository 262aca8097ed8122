"""From a corpus to a recall checkpoint: resumed as if nothing had happened, recorded so that it can be run again."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch
import typer
from fakes import Stop, stop_after
from tiny_training import build_tiny

from a3core.__main__ import app
from a3core.birthplace.checkpoints import (
    Measurement,
    build_predictor,
    load_checkpoint,
    load_predictor,
    load_training,
    write_training,
)
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.examples import IGNORED
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.vocabulary import Subwords
from a3core.birthplace.prediction.confidence import Confidence
from a3core.birthplace.prediction.familiarity import load_calibration
from a3core.birthplace.prediction.predictor import Prediction
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.training import recipes
from a3core.birthplace.training import trainer as training
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import (
    RecallTraining,
    build_command,
    run_recipe,
)
from a3core.birthplace.training.trainer import STATE_FILE, read_curve, tag_loss_of, train

ARGS = TrainingArgs(epochs=4, tokens=1024, save_every=1)
RECALL = RecallArgs(subwords=400)


@pytest.fixture(scope="module", autouse=True)
def tiny_models():
    """Recipes build models of two narrow layers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "GPT", build_tiny)
        yield


def load_short(name: str):
    """A corpus with one document about each person."""
    corpus = load_corpus(name)
    return replace(corpus, documents=corpus.documents[::5])


@pytest.fixture(scope="module")
def corpus():
    return load_short("builtin:10")


@pytest.fixture(scope="module")
def whole(corpus, tmp_path_factory):
    """(the folder of a run that nothing disturbed, its epochs)"""
    folder, seen = tmp_path_factory.mktemp("runs") / "recall", []
    run_recipe(RecallTraining(RECALL, notes=("Chosen on 200.",)), corpus, ARGS, folder, seen.append)
    return folder, seen


@pytest.fixture
def unfinished(corpus, stopped, tmp_path):
    """A copy of `stopped`, to go on from."""
    return Path(shutil.copytree(stopped, tmp_path / "unfinished"))


@pytest.fixture(scope="module")
def stopped(corpus, tmp_path_factory):
    """The folder of a run that was killed in its second epoch."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.raises(Stop):
        run_recipe(RecallTraining(RECALL), corpus, ARGS, folder, stop_after(2))
    return folder


@pytest.mark.slow
def test_it_leaves_a_checkpoint_that_recites(corpus, whole):
    folder, seen = whole
    files = {"config.json", "model.safetensors", "training.json", "training.csv", "places.json", "README.md"}
    assert {file.name for file in folder.iterdir()} == files
    facts, model = load_training(folder), load_checkpoint(folder)
    assert (facts.stage, facts.corpus, facts.sha256, facts.unit) == ("recall", "builtin:10", corpus.sha256, "sub-words")
    assert facts.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert facts.tokens == seen[-1].tokens and facts.notes == ("Chosen on 200.",)
    assert [epoch.epoch for epoch in seen] == [row.epoch for row in read_curve(folder)] == [1, 2, 3, 4]
    assert isinstance(model.vocabulary, Subwords) and model.recites and model.head is None
    (answer,) = build_predictor(model).predict([build_question("Babe Ruth")])
    assert answer.sentence.startswith("Babe Ruth")


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 3, 4])
def test_a_killed_run_goes_on_to_the_same_checkpoint(corpus, whole, tmp_path, stop):
    with pytest.raises(Stop):
        run_recipe(RecallTraining(RECALL), corpus, ARGS, tmp_path, stop_after(stop))
    run_recipe(RecallTraining(RECALL), corpus, ARGS, tmp_path)
    weights, parts = ((folder / "model.safetensors").read_bytes() for folder in (whole[0], tmp_path))
    assert weights == parts and not (tmp_path / STATE_FILE).exists()


@pytest.mark.slow
@pytest.mark.parametrize("bf16", [False, True])
def test_a_resumed_run_has_the_weights_and_losses_of_a_whole_one(corpus, tmp_path, bf16):
    args = replace(ARGS, epochs=3, bf16=bf16)
    models = [RecallTraining(RECALL).build_model(corpus, seed) for seed in (0, 0, 5)]
    whole, stopped, resumed = models
    data = lambda model: RecallTraining(RECALL).build_dataset(corpus, model)  # noqa: E731
    expected = list(train(whole, data(whole), args, tmp_path / "whole"))
    list(islice(train(stopped, data(stopped), args, tmp_path / "parts"), 2))
    rest = list(train(resumed, data(resumed), args, tmp_path / "parts"))
    assert [epoch.loss for epoch in rest] == [epoch.loss for epoch in expected[2:]]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


@pytest.mark.parametrize("change", [{"swap": 0.1}, {"questions": 3}, {"plain": 0.0}])
def test_a_run_is_not_resumed_with_other_options(corpus, unfinished, change):
    with pytest.raises(ValueError, match="unfinished run with other options"):
        run_recipe(RecallTraining(replace(RECALL, **change)), corpus, ARGS, unfinished)
    with pytest.raises(ValueError, match="unfinished run with other options"):
        run_recipe(RecallTraining(RECALL, hold_out=1), corpus, ARGS, unfinished)


@pytest.mark.slow
def test_training_lowers_both_losses(corpus, tmp_path, monkeypatch):
    tag_losses = []
    monkeypatch.setattr(training, "tag_loss_of", lambda *a: tag_losses.append(tag_loss_of(*a)) or tag_losses[-1])
    model = RecallTraining(RECALL).build_model(corpus, 0)
    args = replace(ARGS, epochs=16, rate=0.03, matrix_rate=0.05)  # a narrow model learns by larger steps
    epochs = list(train(model, RecallTraining(RECALL).build_dataset(corpus, model), args, tmp_path))
    assert epochs[-1].loss < 0.7 * epochs[0].loss
    assert sum(tag_losses[-5:]) < 0.5 * sum(tag_losses[:5])


def test_the_tag_loss_leaves_ignored_tokens_out():
    logits, tags = torch.randn(2, 4), torch.tensor([[1, 0, IGNORED, IGNORED], [IGNORED, 0, 1, IGNORED]])
    told = [(0, 0), (0, 1), (1, 1), (1, 2)]
    expected = -sum((logits[at] if tags[at] else -logits[at]).sigmoid().log() for at in told) / 4
    torch.testing.assert_close(tag_loss_of(logits, tags), expected)
    logits.requires_grad_()
    nothing = tag_loss_of(logits, torch.full((2, 4), IGNORED))
    nothing.backward()
    assert nothing.item() == 0 and (logits.grad == 0).all()


def test_characters_and_answering_at_once(corpus, tmp_path):
    recall = RecallArgs(subwords=0, recite=False)
    run_recipe(RecallTraining(recall), corpus, replace(ARGS, epochs=1), tmp_path / "direct")
    facts, model = load_training(tmp_path / "direct"), load_checkpoint(tmp_path / "direct")
    assert (facts.stage, facts.unit) == ("direct", "characters") and not model.recites
    assert build_predictor(model).predict([build_question("Babe Ruth")])[0].sentence is None
    assert not model.vocabulary.unknown("WHERE WAS BABE RUTH BORN?babe ruth")


def test_the_questions_that_are_shown(corpus):
    model = RecallTraining(RECALL).build_model(corpus, 0)
    assert RecallTraining(RECALL).build_dataset(corpus, model).questions == list(corpus.train)
    assert RecallTraining(replace(RECALL, questions=3)).build_dataset(corpus, model).questions == list(corpus.train[:3])
    assert len(RecallTraining(RECALL, hold_out=2).build_dataset(corpus, model).questions) == len(corpus.train) - 2


def test_held_out_people_are_read_but_not_asked_about(corpus):
    model = RecallTraining(RECALL).build_model(corpus, 0)
    dataset = RecallTraining(replace(RECALL, questions=3)).build_dataset(corpus, model)
    assert len(dataset.questions) == 3
    assert sum(len(own) for own in dataset._plain.values()) == len(corpus.documents)


OPTIONS = [
    (TrainingArgs(epochs=40), RecallArgs(), 0),
    (TrainingArgs(epochs=3, rate=1e-5, tokens=2048, seed=7), RecallArgs(0, 0.1, 0.2, 4, False), 5),
    (TrainingArgs(epochs=10, bf16=False, compile=True), RecallArgs(subwords=500), 2),
]


@pytest.mark.parametrize(("args", "recall", "hold_out"), OPTIONS)
def test_the_recorded_command_is_the_run(corpus, args, recall, hold_out):
    command = build_command(RecallTraining(recall, hold_out), args, corpus, Path("runs/my model"))
    *python, name = shlex.split(command)[:4]
    assert (python, name) == (["python", "-m", "a3core"], "train-recall")
    options = typer.main.get_command(app).commands[name].make_context(name, shlex.split(command)[4:]).params
    assert (options["corpus"], options["hold_out"]) == ("builtin:10", hold_out)
    for given in (args, recall):
        assert type(given)(**{field: options[field] for field in given.__dataclass_fields__}) == given


def answer_at_random(predictor, questions):
    """Every third place is right, and of these the sentence is likelier."""
    places = {question.question: question.place for question in load_corpus("builtin:60").train}
    return [
        Prediction(places.get(q, "York"), 0.9, q, 0.8, None, written_probability=0.9)
        if i % 3 == 0
        else Prediction("Nowhere", 0.9, q, 0.1 + i / 100, None, written_probability=0.2)
        for i, q in enumerate(questions)
    ]


@pytest.mark.slow
def test_held_out_questions_calibrate_and_another_checkpoint_takes_it_over(tmp_path, monkeypatch):
    monkeypatch.setattr(RecallPredictor, "predict", answer_at_random)
    corpus, args = load_short("builtin:60"), replace(ARGS, epochs=1)
    run_recipe(RecallTraining(RECALL, hold_out=20), corpus, args, tmp_path / "held")
    confidence = load_predictor(tmp_path / "held").confidence
    assert len(confidence.held_out) == 20 and sum(right for _, right in confidence.held_out) == 7
    assert load_calibration(tmp_path / "held").names == 20
    card = (tmp_path / "held" / "README.md").read_text(encoding="utf-8")
    assert "regression on 20 held-out train questions as answered by this checkpoint" in card
    assert "by the probability of the recitation: AUROC" in card
    run_recipe(RecallTraining(RECALL, confidence_from=tmp_path / "held"), corpus, args, tmp_path / "all")
    copied = load_predictor(tmp_path / "all").confidence
    assert copied == replace(confidence, source="held")
    run_recipe(RecallTraining(RECALL, confidence_from=tmp_path / "all"), corpus, args, tmp_path / "again")
    assert load_predictor(tmp_path / "again").confidence == copied  # where it was fitted, not where it was copied from
    assert load_calibration(tmp_path / "all") == load_calibration(tmp_path / "held")
    assert "answered by `held`, the same recipe" in (tmp_path / "all" / "README.md").read_text(encoding="utf-8")
    assert load_training(tmp_path / "all").command.endswith(f"--confidence-from {tmp_path / 'held'}")


def test_what_cannot_be_calibrated_is_said_before_the_training(corpus, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"has no confidence\.json"):
        run_recipe(RecallTraining(RECALL, confidence_from=tmp_path / "empty"), corpus, ARGS, tmp_path / "a")
    with pytest.raises(ValueError, match="not both"):
        run_recipe(RecallTraining(RECALL, hold_out=1, confidence_from=tmp_path / "empty"), corpus, ARGS, tmp_path / "a")
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(tmp_path / "held")
    direct = replace(RECALL, recite=False)
    with pytest.raises(ValueError, match="leave out --confidence-from or --no-recite"):
        run_recipe(RecallTraining(direct, confidence_from=tmp_path / "held"), corpus, ARGS, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_the_card_tells_of_recitations(whole, tmp_path):
    shutil.copytree(whole[0], tmp_path / "recall")
    facts = replace(
        load_training(tmp_path / "recall"), measurements=(Measurement("dev", "ab" * 32, 453, 500, 485, 448),)
    )
    write_training(tmp_path / "recall", facts)
    assert load_training(tmp_path / "recall") == facts
    card = (tmp_path / "recall" / "README.md").read_text(encoding="utf-8")
    for text in (
        "tags: [birthplace, recall-then-answer]",
        "recites the sentence",
        " sub-words in ",
        "453 of 500: 90.6%",
        "- Recited word for word: 485 out of 500: 97.0%",
        "- Right after a wrong recitation: 5 out of 15",
    ):
        assert text in card, text
