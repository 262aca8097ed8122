"""Shared by the tests of training."""

from __future__ import annotations

import pytest
from tiny_training import CHARACTERS


@pytest.fixture(scope="module")
def build_model(build_gpt):
    """Models of one shape for these characters; another seed is another model."""
    return lambda seed=0: build_gpt(CHARACTERS, block_size=64, n_layer=1, n_embd=16, seed=seed, std=0.1).train()
