"""A folder of tiny checkpoints on ten built-in people, as the tabs expect it: real files, random weights."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest

ASCII = "\u25a1\u2047" + "".join(sorted(string.printable.strip() + " "))


@pytest.fixture(scope="session")
def checkpoint_root(tmp_path_factory, build_gpt):
    from a3core.birthplace.checkpoints import Training, save_checkpoint
    from a3core.birthplace.familiarity import Calibration
    from a3core.birthplace.training import Epoch, write_curve

    root = tmp_path_factory.mktemp("checkpoints")
    facts = Training("finetuned", "builtin:10", "a table", "0" * 64, "a command", {}, 1, 200, 9.0, "a machine")
    for seed, stage in enumerate(("finetuned", "pretrained", "pretrained-finetuned")):
        folder = root / f"builtin-{stage}"
        save_checkpoint(build_gpt(ASCII, block_size=128, seed=seed), folder, replace(facts, stage=stage))
        write_curve(folder, [Epoch(1, 3.0, 1.0, 100, 4.0), Epoch(2, 2.0, 0.0, 200, 9.0)])
    Calibration(slope=1.0, intercept=0.0, auroc=0.9, names=10).save(root / "builtin-pretrained")
    return root


@pytest.fixture(scope="session")
def fewshot(tmp_path_factory):
    """The built-in bank with a made-up encoder and a tiny random language model."""
    from fakes import BagOfWords, build_language_model

    from a3core.fewshot.asking import FewShot

    load_model = lambda name, progress=None: build_language_model(name=name)  # noqa: E731
    return FewShot(BagOfWords, load_model, tmp_path_factory.mktemp("embeddings"))


@pytest.fixture(scope="session")
def demo(checkpoint_root, fewshot):
    from a3core.ui.demo import build_demo

    return build_demo(checkpoint_root, fewshot)
