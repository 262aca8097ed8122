"""The plan of the house: rooms do not know each other, and only the hall and the front door know the web."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1]
CORE = HOUSE / "a3core"
ROOMS = ("attention", "birthplace", "fewshot", "grader")
MODULES = sorted(CORE.rglob("*.py"))


def list_imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports, at its top or later."""
    package = path.relative_to(HOUSE).parent.parts
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return names


def imports(path: Path, module: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for name in list_imports(path))


def show(path: Path) -> str:
    return str(path.relative_to(HOUSE))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")


def in_ui(path: Path) -> bool:
    return path.is_relative_to(CORE / "ui")


def call_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=HOUSE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", [path for path in MODULES if not in_ui(path)], ids=show)
def test_the_core_does_not_import_the_web(path):
    assert not imports(path, "gradio") and not imports(path, "a3core.ui") and not imports(path, "app")


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_do_not_import_each_other(room):
    for path in (CORE / room).rglob("*.py"):
        for other in set(ROOMS) - {room}:
            assert not imports(path, f"a3core.{other}"), f"{show(path)} imports a3core.{other}"


def test_the_front_door_leaves_gradio_to_the_hall():
    doors = list(HOUSE.glob("*.py"))
    assert doors and not [show(path) for path in doors if imports(path, "gradio")]


def test_importing_all_of_the_core_leaves_gradio_out():
    names = [module_name(path) for path in MODULES if not in_ui(path)]
    assert "a3core.birthplace.model.gpt" in names and "a3core.__main__" in names
    code = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nprint('gradio' in sys.modules)"
    assert call_python(code).strip() == "False"


@pytest.mark.parametrize(
    "module", ["a3core.__main__", "a3core.birthplace.data.corpora", "a3core.birthplace.data.builtin"]
)
def test_what_answers_at_once_does_not_load_torch(module):
    assert call_python(f"import sys, {module}\nprint('torch' in sys.modules)").strip() == "False"


def test_no_pickle_in_the_birthplace_room():
    for path in (CORE / "birthplace").rglob("*.py"):
        assert not imports(path, "pickle"), show(path)
        text = path.read_text(encoding="utf-8")
        assert "torch.save(" not in text and "torch.load(" not in text, show(path)
