"""What is pushed to a Space: the right files, small enough, and an app that starts with them alone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from typer.testing import CliRunner

from a3core.cli.space import CPU_WHEELS, assemble_space, pin_requirements, render_readme

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONSTRAINTS = (ROOT / "constraints.txt").read_text(encoding="utf-8")
PINS = dict(line.split()[0].split("==") for line in CONSTRAINTS.splitlines() if line[:1].isalpha())
FOR_TESTS = ("axe-playwright-python", "pytest", "pytest-xdist", "hypothesis", "krippendorff", "playwright", "ruff")
GUARD = """
import os, socket

def refuse(host):
    if host not in (None, "", "localhost", "127.0.0.1", "0.0.0.0", "::1"):
        with open(os.environ["ASKED_HOSTS"], "a") as file:
            print(host, file=file)
        raise OSError(f"a Space's start asks for {host}")

connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

def guarded_connect(self, address):
    if self.family != socket.AF_UNIX:
        refuse(address[0])
    return connect(self, address)

def guarded_getaddrinfo(host, *args, **options):
    refuse(host)
    return getaddrinfo(host, *args, **options)

socket.socket.connect, socket.getaddrinfo = guarded_connect, guarded_getaddrinfo
"""


def read_front_matter(readme: str) -> dict:
    return yaml.safe_load(readme.split("---\n")[1])


@pytest.fixture(scope="module")
def space(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("build") / "space"
    assemble_space(out, "ann/demo")
    return out


@pytest.fixture
def small_root(tmp_path) -> Path:
    """A repository of one file a folder."""
    root = tmp_path / "root"
    for folder in ("a3core", "assets", "checkpoints", "docs"):
        (root / folder).mkdir(parents=True)
        (root / folder / "file.txt").write_text("x", encoding="utf-8")
    for file in ("app.py", "LICENSE", "README.md", "requirements.txt", "constraints.txt"):
        shutil.copy(ROOT / file, root)
    return root


def test_the_front_matter_is_what_a_space_reads():
    facts = read_front_matter(README)
    assert facts["sdk"] == "gradio" and facts["sdk_version"] == PINS["gradio"]
    assert facts["python_version"] == "3.11" and (ROOT / facts["app_file"]).is_file()
    assert 0 < len(facts["short_description"]) <= 60
    assert facts["license"] == "apache-2.0" and facts["hf_oauth"] is True
    assert len(facts["tags"]) >= 3 and all(re.fullmatch(r"[\w.-]+/[\w.-]+", model) for model in facts["models"])
    colors = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {facts["colorFrom"], facts["colorTo"]} <= colors
    assert facts["thumbnail"].startswith("https://huggingface.co/spaces/")
    assert (ROOT / facts["thumbnail"].partition("/resolve/main/")[2]).is_file()


def test_it_holds_the_app_and_nothing_else(space):
    names = {path.name for path in space.iterdir()} - {"CONTRIBUTING.md"}
    assert names == {
        *("app.py", "a3core", "assets", "checkpoints", "docs", "README.md", "BENCHMARKS.md", "LICENSE"),
        *("requirements.txt", ".gitattributes"),
    }
    files = [path.relative_to(space) for path in space.rglob("*") if path.is_file()]
    assert not [path for path in files if "__pycache__" in path.parts or path.suffix in (".pyc", ".partial")]
    shipped = {path.parent.name for path in (ROOT / "checkpoints").glob("*/config.json")}
    assert {path.parent.name for path in (space / "checkpoints").glob("*/model.safetensors")} == shipped
    assert max((space / path).stat().st_size for path in files) <= 10_000_000


def test_every_link_of_its_readme_leads_to_a_file(space):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", (space / "README.md").read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (space / link).is_file()] == []


def test_it_is_called_by_its_own_name(space):
    facts = read_front_matter((space / "README.md").read_text(encoding="utf-8"))
    assert "/spaces/ann/demo/resolve/main/assets/" in facts["thumbnail"]
    assert facts["python_version"] == "3.11"
    with pytest.raises(ValueError, match="ann/demo"):
        render_readme(README, "my demo")


def test_its_requirements_are_the_tested_versions_without_the_tests(space):
    lines = (space / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert lines[1] == CPU_WHEELS and f"torch=={PINS['torch']}" in lines and f"gradio[oauth]=={PINS['gradio']}" in lines
    named = {re.match(r"[\w.-]+", line)[0] for line in lines[2:]}
    assert not named & set(FOR_TESTS)
    asked = set(re.findall(r"^([\w.-]+)", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert named == asked - set(FOR_TESTS)
    assert all("==" in line for line in lines[2:])


def test_on_zero_gpu_torch_is_that_of_the_image(tmp_path):
    assemble_space(tmp_path / "space", zero_gpu=True)
    text = (tmp_path / "space" / "requirements.txt").read_text(encoding="utf-8")
    assert "\ntorch>=2.8,<2.12\n" in text and "--extra-index-url" not in text
    readme = (tmp_path / "space" / "README.md").read_text(encoding="utf-8")
    assert read_front_matter(readme)["python_version"] == "3.12"
    assert readme.split("---\n", 2)[2] == README.split("---\n", 2)[2]


def test_a_requirement_that_nobody_tested_is_refused():
    with pytest.raises(ValueError, match="does not pin leftpad"):
        pin_requirements("gradio>=6\nleftpad>=1\n", CONSTRAINTS)
    assert "Left_Pad==2" in pin_requirements("Left_Pad>=1\n", "left-pad==2\n")  # names have several spellings


def test_a_large_file_is_refused_and_nothing_is_written(small_root, tmp_path):
    with (small_root / "checkpoints" / "large.bin").open("wb") as file:
        file.truncate(10_000_001)
    with pytest.raises(ValueError, match=r"large\.bin has 10\.0 MB"):
        assemble_space(tmp_path / "space", root=small_root)
    assert {path.name for path in tmp_path.iterdir()} == {"root"}


def test_only_a_space_is_replaced(small_root, tmp_path):
    out = tmp_path / "space"
    assemble_space(out, root=small_root)
    (small_root / "assets" / "file.txt").unlink()
    assemble_space(out, root=small_root)
    assert (out / "app.py").is_file() and not (out / "assets" / "file.txt").exists()
    (out / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(ValueError, match=r"thesis\.tex"):
        assemble_space(out, root=small_root)
    assert (out / "thesis.tex").is_file()
    with pytest.raises(ValueError, match="is a file"):
        assemble_space(out / "thesis.tex", root=small_root)


def test_the_command_says_how_to_push(tmp_path):
    from a3core.__main__ import app

    done = CliRunner().invoke(app, ["build-space", "--out", str(tmp_path / "space"), "--name", "ann/demo"])
    assert done.exit_code == 0
    assert "MB; the largest is checkpoints" in done.output and "hf upload ann/demo" in done.output


def run(*command: str | Path, **options) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def list_needed(requirements: str) -> dict[str, Distribution]:
    """What the requirements bring and is installed here, by name: both pin the versions that are tested."""
    waiting = [Requirement(line) for line in requirements.splitlines() if line[:1].isalpha()]
    needed, done = {}, set()
    while waiting:
        wanted = waiting.pop()
        key = wanted.name, *wanted.extras
        if key in done:
            continue
        done.add(key)
        try:
            found = needed[wanted.name] = distribution(wanted.name)
        except PackageNotFoundError:
            continue
        for brought in map(Requirement, found.requires or ()):
            extras = ("", *wanted.extras)
            if not brought.marker or any(brought.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(brought)
    return needed


@pytest.fixture(scope="module")
def clean_python(space, tmp_path_factory) -> Path:
    """A new virtual environment with the Space's requirements alone; what is installed here too is linked."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder)  # that of the tests installs there
    wanted = (space / "requirements.txt").read_text(encoding="utf-8").replace(CPU_WHEELS, "")  # not from every machine
    (folder / "requirements.txt").write_text(wanted, encoding="utf-8")
    (site,) = (folder / "lib").glob("python*/site-packages")
    for found in list_needed(wanted).values():
        for file in found.files:
            if ".." not in file.parts:  # its commands
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(file.locate(), site / file)
    constraints = ["-c", ROOT / "constraints.txt"]
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python]
    run(*pip, "install", "-q", "-r", folder / "requirements.txt", *constraints)
    return python


def link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except FileExistsError:  # two packages have it
        pass
    except OSError:  # on another disk
        shutil.copy2(source, target)


@pytest.fixture(scope="module")
def started(space, clean_python, tmp_path_factory):
    """The Space as its container starts it; (address, file of the other hosts it asked for)."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "sitecustomize.py").write_text(GUARD, encoding="utf-8")
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    asked = folder / "asked.txt"
    settings = {"SPACE_ID": "ann/demo", "SYSTEM": "spaces", "GRADIO_SERVER_NAME": "127.0.0.1"}
    settings |= {"GRADIO_SERVER_PORT": str(port), "HOME": str(folder), "PYTHONPATH": str(folder)}
    settings |= {"ASKED_HOSTS": str(asked), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([clean_python, "app.py"], cwd=space, env=settings)
    try:
        yield wait_for(f"http://127.0.0.1:{port}/", process), asked
    finally:
        process.terminate()
        ended = process.wait(120)
    assert ended == 0, "a Space that is stopped must exit by itself: labels are saved at the exit"


def wait_for(address: str, process: subprocess.Popen) -> str:
    end = time.monotonic() + 300
    while time.monotonic() < end:
        assert process.poll() is None, "the Space ended"
        try:
            urllib.request.urlopen(address, timeout=30).close()
            return address
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(address)


@pytest.mark.slow
def test_the_tests_packages_are_not_needed(clean_python):
    code = f"import importlib.util as u; print([name for name in {FOR_TESTS} if u.find_spec(name)])"
    assert run(clean_python, "-c", code).strip() == "[]"


@pytest.mark.slow
def test_the_space_answers_and_asks_no_other_host(started):
    from gradio_client import Client

    address, asked = started
    rows = Client(address, verbose=False).predict("Babe Ruth", api_name="/predict_birthplace")
    answers = {row["checkpoint"]: row["place"] for row in rows}
    assert answers["builtin-pretrained-finetuned"] == "Baltimore"
    assert not asked.exists(), asked.read_text()


@pytest.mark.slow
def test_the_space_builds_a_prompt_with_its_packaged_models(started):
    from gradio_client import Client

    built = Client(started[0], verbose=False).predict(
        "Which metal is liquid at room temperature?", 2, api_name="/build_prompt"
    )
    assert len(built["demonstrations"]) >= 2 and built["prompt"].endswith("Answer:")
    assert not started[1].exists(), started[1].read_text()
