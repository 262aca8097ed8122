"""Commands as `python -m a3core` runs them, over trainings of tiny models."""

from __future__ import annotations

import sys

import pytest
from commands import GOOD
from tiny_training import build_tiny

from a3core.__main__ import main
from a3core.birthplace.training import recipes


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
    """Trainings build models of two narrow layers, which recall a few sentences of noise at most."""
    monkeypatch.setattr(recipes, "SUBWORD_BLOCK", 160)
    monkeypatch.setattr(recipes, "GPT", build_tiny)


@pytest.fixture
def asked(tmp_path):
    path = tmp_path / "asked.tsv"
    path.write_text(GOOD, encoding="utf-8")
    return path
