"""The README's experiments: on 500 people, in minutes, pretraining helps, and saying first what one knows more."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def readme_commands(title: str) -> list[str]:
    """The lines of an experiment of the README, in order."""
    block = README.split(f"### {title}")[1].split("```bash\n")[1].split("```")[0]
    return block.strip().splitlines()


def run(command: str, runs: Path) -> str:
    words = command.replace("runs/", f"{runs}/").split()
    every_core = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, *words[1:]], cwd=ROOT, env=every_core, check=True, capture_output=True, text=True
    )
    print(command, done.stdout, sep="\n")
    return done.stdout


def correct(output: str) -> tuple[int, int]:
    match = re.search(r"^Correct: (\d+) out of (\d+): ", output, re.MULTILINE)
    return int(match[1]), int(match[2])


@pytest.mark.load
def test_pretraining_helps_on_500_people(tmp_path):
    from scipy.stats import fisher_exact

    start = time.monotonic()
    *trainings, with_pretraining, without, baseline = readme_commands("Does pretraining help?")
    for command in trainings:
        run(command, tmp_path)
    print(f"trained in {time.monotonic() - start:.0f} s")
    helped, total = correct(run(with_pretraining, tmp_path))
    for other in (without, baseline):
        right, _ = correct(run(other, tmp_path))
        table = [[helped, total - helped], [right, total - right]]
        assert fisher_exact(table, alternative="greater").pvalue < 0.01, table


@pytest.mark.load
def test_saying_first_what_it_knows_answers_nearly_all_of_500_people(tmp_path):
    train, evaluate = readme_commands("Does it help to say what one knows first?")
    run(train, tmp_path)
    right, total = correct(run(evaluate, tmp_path))
    assert total > 100 and right > 0.9 * total  # 112 of 113 where the README was written
