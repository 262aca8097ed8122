"""Every script finds what it imports: names of the package move, and a script is run rarely."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def find_defined(module: str) -> set[str]:
    """The names of a module of ours, as its text has them: nothing is imported."""
    path = ROOT.joinpath(*module.split("."))
    found = {each.stem for each in path.glob("*")}
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["benchmarks", "assets"])
def test_what_a_script_imports_is_there(folder):
    missing = []
    for script in sorted(ROOT.glob(f"{folder}/*.py")):
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.partition(".")[0] in ("a3core", "benchmarks", "assets"):
                defined = find_defined(node.module)
                missing += [f"{script.name}: {node.module}.{a.name}" for a in node.names if a.name not in defined]
    assert missing == []
