"""The package is named in plain words of the field: CONTRIBUTING.md has the list, this holds names to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# They say nothing of what they name: `seen` of what, `look` at what, `told` by whom?
EMPTY_STEMS = ("told", "tells?", "said", "says?", "looks?", "ways?", "marks?", "shown", "seen", "kept", "whole")
EMPTY = re.compile("|".join((*EMPTY_STEMS, "strangers?")))
# Of some rooms alone: a place is a birthplace, and facts are those of one's own that a recall model is trained on.
BIRTHPLACE_OR_EMPTY = re.compile(f"{EMPTY.pattern}|places?|facts")
BIRTHPLACE_ROOMS = (
    "birthplace/",
    "cli/birthplace.py",
    "grader/runs/birthplaces.py",
    "ui/birthplace/",
    "ui/grader/birthplaces.py",
)
WRITTEN = {  # names that stay, and why
    "auroc_strangers": "a field of familiarity.json",
    "strangers": "a field of familiarity.json",
}
EARLIER = {  # module: names older than this list; none is added, and who changes one finds a better name
    "fewshot/leakage.py": ("LOOK_ALIKE",),
    "fewshot/service.py": (
        "MODELS_KEPT",
        "QUESTIONS_KEPT",
    ),
    "grader/export/archive.py": ("FACTS",),
    "grader/export/restore.py": ("_check_facts",),
    "grader/report/build.py": (
        "_say_correspondence",
        "_say_explained",
        "_say_unconvincing",
        "seen",
    ),
    "grader/report/figures.py": (
        "_mark_coefficients",
        "place",
        "places",
    ),
    "grader/session/grading.py": ("place",),
    "llm/endpoint.py": ("tells_log_probability",),
    "llm/local.py": ("tells_log_probability",),
    "ui/birthplace/cards.py": ("_mark_span",),
    "ui/fewshot/pool.py": ("TOLD",),
    "ui/fewshot/tab.py": ("look_at_attention",),
    "ui/shared/errors.py": ("tells_errors",),
}


def list_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """(name, line) of every function, class, parameter, variable and field that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


def split_words(name: str) -> set[str]:
    """From "SHOWN_PEOPLE" and "ShownPeople" to {"shown", "people"}."""
    return set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))


def find_names(words: re.Pattern, code: str) -> list[tuple[str, int]]:
    """Names of the code that have one of the words, and their lines."""
    return [(name, line) for name, line in list_names(ast.parse(code)) if any(map(words.fullmatch, split_words(name)))]


def list_modules() -> list[tuple[str, str]]:
    """(path below a3core, code) of every module of the package."""
    folder = ROOT / "a3core"
    return [(p.relative_to(folder).as_posix(), p.read_text(encoding="utf-8")) for p in sorted(folder.rglob("*.py"))]


def list_broken() -> list[tuple[str, int, str]]:
    """(path, line, name) of every name of the package with a word that it should not have."""
    broken = []
    for path, code in list_modules():
        words = EMPTY if path.startswith(BIRTHPLACE_ROOMS) else BIRTHPLACE_OR_EMPTY
        broken += [(path, line, name) for name, line in find_names(words, code)]
    return broken


def test_no_name_is_an_empty_word_and_a_place_is_a_birthplace():
    found = [
        f"{path}:{line}: {name}"
        for path, line, name in list_broken()
        if name not in WRITTEN and name not in EARLIER.get(path, ())
    ]
    assert not found, f"name these by what they hold: {found}"


def test_names_that_stay_are_there():
    assert WRITTEN.keys() <= {name for _, _, name in list_broken()}


def test_every_kind_of_name_is_found():
    code = (
        "SHOWN = 1\nclass Seen:\n    way: int = 0\ndef tell(whole, *marks, look=1, **told):\n    self.kept = 1\n"
        "for said in []: pass\nwith a as shownPeople: pass\n[strangers for strangers in b]\n(looks := 1)\n"
    )
    names = {name for name, _ in find_names(EMPTY, code)}
    assert " ".join(sorted(names)) == "SHOWN Seen kept look looks marks said shownPeople strangers tell told way whole"
    assert not find_names(EMPTY, "always, marker, lookup, wholesale, seeing = 1, 2, 3, 4, 5")
