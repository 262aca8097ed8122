"""What the README says is so: its commands answer, its files are there, its versions are the pinned ones."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = "\n".join(re.findall(r"```bash\n(.*?)```", README, re.DOTALL))
COMMANDS = [line for line in BLOCKS.splitlines() if line.startswith("python -m a3core")]
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")


def test_the_two_commands_stand_in_it():
    install = "pip install -r requirements.txt -c constraints.txt"
    assert f"\n{install} && python app.py\n" in README
    assert f"\n{install} && pytest\n" in README


def test_the_space_runs_the_gradio_that_was_tested():
    version = re.search(r"^sdk_version: (.*)$", README, re.MULTILINE)[1]
    assert f"\ngradio=={version} " in CONSTRAINTS
    assert len(re.search(r"^short_description: (.*)$", README, re.MULTILINE)[1]) <= 60


def test_every_requirement_is_pinned():
    names = re.findall(
        r"^([A-Za-z0-9_.-]+)[>=<]", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(names) > 10
    pinned = {name.lower().replace("_", "-") for name in re.findall(r"^(\S+)==", CONSTRAINTS, re.MULTILINE)}
    assert {name.lower().replace("_", "-") for name in names} <= pinned


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_its_commands_exists(command):
    from a3core.__main__ import app

    _, _, _, name, *words = shlex.split(command)
    text = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
    for option in (word for word in words if word.startswith("--")):
        assert option in text


@pytest.mark.parametrize("command", [c for c in COMMANDS if "checkpoints/" in c])
def test_its_commands_on_shipped_checkpoints_answer(command):
    done = subprocess.run([sys.executable, *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_file_tree_is_true():
    tree = README.split("## For developers\n\n```\n")[1].split("```")[0]
    named = set(re.findall(r"\b([a-z_]+\.(?:py|txt|md|csv|json))\b", tree))
    there = {path.name for path in ROOT.rglob("*") if ".git" not in path.parts}
    assert named <= there
    assert "app.py" in named
    folders = {path.parent.name for path in (ROOT / "a3core").rglob("__init__.py")} - {"migrations"}
    assert not [folder for folder in folders if f"{folder}/" not in tree]


def test_every_picture_is_there():
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file(), picture


def test_every_section_of_the_benchmarks_names_a_script_that_is_there():
    report = (ROOT / "BENCHMARKS.md").read_text(encoding="utf-8")
    scripts = re.findall(r"`python -m benchmarks\.(\w+)", report)
    assert scripts
    for script in scripts:
        assert (ROOT / "benchmarks" / f"{script}.py").is_file()
