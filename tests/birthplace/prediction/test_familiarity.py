"""Familiar names: new people of known parts, a score that is the model's own, a probability that never breaks."""

from __future__ import annotations

import json
import math
import signal
from contextlib import contextmanager

import pytest
import torch

from a3core.birthplace.data.examples import SpanCorruptionDataset
from a3core.birthplace.model.vocabulary import build_vocabulary
from a3core.birthplace.prediction import familiarity
from a3core.birthplace.prediction.familiarity import (
    FILE,
    Calibration,
    calibrate,
    load_calibration,
    recombine_names,
    score_names,
)
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.trainer import train

FIRST = ("Ada", "Bo", "Cy", "Dora", "Eva", "Finn", "Gil", "Hugo")
LAST = ("Stone", "Rivers", "van Dam", "Lake", "Moor", "Hill", "Field", "Marsh")
NAMES = [f"{first} {LAST[(i * 3 + j) % 8]}" for i, first in enumerate(FIRST) for j in range(4)]
CHARACTERS = build_vocabulary([*NAMES, "."]).characters


@contextmanager
def at_most(seconds: float):
    """Fails what does not come to an end."""

    def give_up(*_):
        raise TimeoutError(f"not done after {seconds} s of computing")

    signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"slope": 1}', '{"slant": 1}', "null"])
def test_a_broken_calibration_is_one_error_that_names_the_file(tmp_path, content):
    assert load_calibration(tmp_path) is None
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ValueError, match=r"familiarity\.json is broken"):
        load_calibration(tmp_path)


@pytest.mark.parametrize("seed", [0, 1])
def test_recombined_names_are_new_people_of_known_parts(seed):
    fresh = recombine_names(NAMES, 20, seed)
    assert len(set(fresh)) == len(fresh) == 20 and not set(fresh) & set(NAMES)
    for name in fresh:
        first, rest = name.split(" ", 1)
        assert first in FIRST and rest in LAST
    assert fresh == recombine_names(NAMES, 20, seed) != recombine_names(NAMES, 20, seed + 1)


def test_names_of_one_word_have_nothing_to_recombine():
    assert set(recombine_names(["Pelé", "Ada Stone", "Bo Lake"], 2)) == {"Ada Lake", "Bo Stone"}


@pytest.mark.parametrize("names", [["Ada Stone"], ["Ada Stone", "Bo Stone"], ["Ada Stone", "Bo Lake"]])
def test_more_new_people_than_there_can_be(names):
    with at_most(0.5):
        try:
            fresh = recombine_names(names, 3)
        except TimeoutError:
            raise
        except ValueError:
            return  # saying so is as good as giving fewer
    assert len(fresh) <= 2 and not set(fresh) & set(names)


@pytest.fixture
def gpt(build_gpt):
    return build_gpt(CHARACTERS, block_size=32)


def test_the_score_is_the_mean_log_probability_of_the_later_words(gpt):
    expected = []
    for name, first in (("Ada Stone", "Ada "), ("Cy van Dam", "Cy ")):
        with torch.inference_mode():
            logits = gpt(torch.tensor([gpt.vocabulary.encode(f"{name}.")]))[0].log_softmax(-1)
        later = range(len(first), len(name) + 1)  # up to the stop behind the name
        each = [logits[i - 1, gpt.vocabulary.ids[f"{name}."[i]]].item() for i in later]
        expected.append(sum(each) / len(each))
    assert score_names(gpt, ["Ada Stone", "Cy van Dam"]) == pytest.approx(expected, abs=1e-5)
    assert score_names(gpt, ["Cy van Dam"]) == pytest.approx(expected[1:], abs=1e-5)


def test_names_that_cannot_be_scored(gpt):
    with pytest.raises(ValueError, match="never read the character"):
        score_names(gpt, ["Ada Stone", "Ada Žižek"])
    with pytest.raises(ValueError, match="the model reads at most 32"):
        score_names(gpt, ["Ada Stone", "Ada " + "Stone" * 10])


@pytest.mark.parametrize("name", ["Ada", "A"])
def test_a_name_of_one_word_has_a_score(gpt, name):
    assert -50 < score_names(gpt, [name])[0] <= 0


def test_a_calibration_comes_back(tmp_path):
    calibration = Calibration(3.5, -1.25, 0.875, 40)
    calibration.save(tmp_path)
    assert load_calibration(tmp_path) == calibration
    assert json.loads((tmp_path / FILE).read_text(encoding="utf-8"))["auroc"] == 0.875


def test_the_probability_is_the_sigmoid():
    calibration = Calibration(2.0, 1.0, 0.9, 10)
    assert calibration.probability(-0.5) == 0.5
    assert calibration.probability(-1.0) == pytest.approx(1 / (1 + math.e))


@pytest.mark.parametrize(("slope", "score"), [(10.0, -20.0), (100.0, -9.0)])
def test_the_probability_of_the_strangest_name_is_0(slope, score):
    calibration = Calibration(slope, 10.0, 1.0, 10)
    assert calibration.probability(score) == pytest.approx(0.0, abs=1e-9)
    assert calibration.probability(-score) == pytest.approx(1.0)


@pytest.mark.slow
def test_a_model_that_knows_its_names_tells_them_from_new_ones(build_gpt, tmp_path):
    gpt = build_gpt(CHARACTERS, block_size=32, n_layer=2, n_embd=32, std=0.05).train()
    dataset = SpanCorruptionDataset([f"{name}." for name in NAMES] * 8, gpt.vocabulary, 32)
    for _ in train(gpt, dataset, TrainingArgs(epochs=15, tokens=1024, save_every=15), tmp_path):
        pass
    calibration = calibrate(gpt.eval(), NAMES)
    assert calibration.auroc > 0.7 and calibration.slope > 0
    read = [calibration.probability(score) for score in score_names(gpt, NAMES)]
    fresh = [calibration.probability(score) for score in score_names(gpt, recombine_names(NAMES, 32))]
    assert sum(read) / len(read) > 0.5 > sum(fresh) / len(fresh)
    strange = calibrate(gpt, NAMES, ["Gil Rimel", "Dora Dimaro", "Hugo Sadral"])
    assert strange.auroc == calibration.auroc and strange.auroc_strangers > 0.7 and strange.strangers == 3
    assert calibration.auroc_strangers is None and calibration.strangers == 0


def test_the_calibration_is_measured_on_the_half_it_did_not_see(gpt, monkeypatch):
    assert calibrate(gpt, NAMES, most=10).names == 10
    assert calibrate(gpt, NAMES * 3).names == len(NAMES)
    # a score that is right about every other name, and wrong about the rest
    scores = [float((i < len(NAMES)) == (i % 2 == 0)) for i in range(2 * len(NAMES))]
    monkeypatch.setattr(familiarity, "score_names", lambda *_: scores)
    calibration = calibrate(gpt, NAMES)
    assert calibration.slope > 0 and calibration.auroc == 0.0
