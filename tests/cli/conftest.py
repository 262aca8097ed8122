"""Commands as `python -m a3core` runs them, over trainings of tiny models."""

from __future__ import annotations

import pytest
from commands import GOOD
from tiny_training import build_tiny

from a3core.birthplace.training import recipes


@pytest.fixture
def tiny_models(monkeypatch):
    """Trainings build models of two narrow layers, which recall a few sentences of noise at most."""
    monkeypatch.setattr(recipes, "SUBWORD_BLOCK", 160)
    monkeypatch.setattr(recipes, "GPT", build_tiny)


@pytest.fixture
def asked(tmp_path):
    path = tmp_path / "asked.tsv"
    path.write_text(GOOD, encoding="utf-8")
    return path
