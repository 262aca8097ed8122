"""The plan of the house: rooms do not know each other, nothing goes in a circle, only ui/ knows the web."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "a3core"
ROOMS = ("attention", "birthplace", "fewshot", "grader")
MAY_IMPORT = {  # packages of a3core, besides a room's own
    "common": set(),
    "llm": {"common"},
    **{room: {"common", "llm"} for room in ROOMS},
    "cli": {"common", "llm", *ROOMS},
    "ui": {"common", "llm", *ROOMS},
}
MAY_IMPORT_LATE = {"cli": {"ui"}}  # a command starts the page
MOST_FILES = 12  # of one folder
LIGHT = ("a3core.__main__", "a3core.birthplace.data.corpora", "a3core.birthplace.data.builtin", "app")


def name_module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


FILES = {name_module(path): path for path in sorted(CORE.rglob("*.py"))}


def iterate_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node, but those under `if TYPE_CHECKING:`, which cost nothing."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        only_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        todo += node.orelse if only_types else ast.iter_child_nodes(node)


@cache
def list_imports(path: Path) -> set[str]:
    """Full names of all that a file imports, at its top or later."""
    names: set[str] = set()
    for node in iterate_nodes(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def list_modules(path: Path) -> set[str]:
    """The modules of a3core that a file imports."""
    names = list_imports(path)
    found = names & FILES.keys()
    return {name for name in found if f"{name}.__init__" not in FILES} - {name_module(path)}


def imports(path: Path, module: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for name in list_imports(path))


def call_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_arrows_point_one_way():
    wrong = []
    for name, path in FILES.items():
        package = name.split(".")[1] if "." in name else "cli"
        package = "cli" if package == "__main__" else package
        for other in list_modules(path):
            target = other.partition(".")[2].partition(".")[0]
            if target not in {"", package, *MAY_IMPORT[package], *MAY_IMPORT_LATE.get(package, ())}:
                wrong.append(f"{name} imports {other}")
    assert not wrong


def test_nothing_goes_in_a_circle():
    """Imports inside functions count, too."""
    packages = {name for name, path in FILES.items() if path.name == "__init__.py"}
    graph = {name: list_modules(path) - packages for name, path in FILES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a cycle: {' > '.join(error.args[1])}")


def test_no_folder_is_full_or_deep_and_no_file_is_loose():
    counts: dict[Path, int] = {}
    for path in FILES.values():
        counts[path.parent] = counts.get(path.parent, 0) + (path.name != "__init__.py")
    assert not {str(folder.relative_to(ROOT)): count for folder, count in counts.items() if count > MOST_FILES}
    assert {path.name for path in CORE.glob("*.py")} == {"__init__.py", "__main__.py"}
    assert max(len(folder.relative_to(CORE).parts) for folder in counts) <= 3


def test_every_package_says_what_it_is_for():
    packages = [path for path in FILES.values() if path.name == "__init__.py"]
    documented = {p: ast.get_docstring(ast.parse(p.read_text(encoding="utf-8"))) or "" for p in packages}
    assert len(packages) > 20 and not [str(p) for p, text in documented.items() if len(text) < 40]


def test_only_the_ui_knows_the_web():
    outside = [path for name, path in FILES.items() if not name.startswith("a3core.ui")]
    assert not [str(path) for path in (*outside, ROOT / "app.py") if imports(path, "gradio") or imports(path, "app")]


@pytest.mark.slow
def test_importing_all_of_the_core_leaves_gradio_out():
    names = [name for name in FILES if not name.startswith("a3core.ui")]
    assert "a3core.birthplace.model.gpt" in names and "a3core.__main__" in names
    code = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\nprint('gradio' in sys.modules)"
    assert call_python(code).strip() == "False"


def test_the_commands_help_loads_nothing_that_is_slow():
    code = "import sys, a3core.__main__; print({'jinja2', 'numpy', 'pydantic', 'sqlalchemy'} & set(sys.modules))"
    assert call_python(code).strip() == "set()"


def test_what_answers_at_once_does_not_load_torch():
    code = f"import importlib, sys\nfor name in {LIGHT}: importlib.import_module(name)\nprint('torch' in sys.modules)"
    assert call_python(code).strip() == "False"


def test_no_pickle_in_the_birthplace_room():
    for path in (CORE / "birthplace").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not imports(path, "pickle") and "torch.save(" not in text and "torch.load(" not in text, path
