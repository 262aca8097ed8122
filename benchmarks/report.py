"""docs/benchmarks/ is written by the benchmarks: each replaces its own section, between two comments that name it.

BENCHMARKS.md is the table of claims over them; tests/test_readme.py compares its figures with theirs.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "benchmarks"
# by the first word of a section's name; the others are of the birthplaces
ROOMS = {
    **dict.fromkeys(("head", "attention"), "attention.md"),
    **dict.fromkeys(("fewshot", "leakage", "canonical", "printed", "retrieval"), "few-shot.md"),
    **dict.fromkeys(("start", "load", "memory", "grading"), "page.md"),
}


def write_section(name: str, title: str, command: str, body: str) -> None:
    """Replaces the section `name` of its room's file, or appends it, and prints its text."""
    path = FOLDER / ROOMS.get(name.partition("-")[0], "birthplace.md")
    text = path.read_text(encoding="utf-8") if path.exists() else f"# Benchmarks: {path.stem}\n"
    head = f'<!-- {name} -->\n<a id="{name}"></a>\n\n## {title}'
    section = f"{head}\n\n`{command}`, on {describe_machine()}\n\n{body.strip()}\n<!-- /{name} -->\n"
    pattern = re.compile(rf"<!-- {name} -->.*?<!-- /{name} -->\n", re.DOTALL)
    text = pattern.sub(lambda _: section, text) if pattern.search(text) else f"{text}\n{section}"
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    print(section)


def describe_machine() -> str:
    """Processor, cores and versions that a figure was measured with."""
    import torch

    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if sys.platform == "linux" else None
    processor = model.group(1) if model else platform.processor()
    return (
        f"{processor}, {torch.get_num_threads()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )


def table(headers: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table. Raises ValueError for a row that has another number of cells than the header."""
    if odd := next((row for row in rows if len(row) != len(headers)), None):
        raise ValueError(f"a row has {len(odd)} cells, the table has {len(headers)} columns: {odd}")
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [headers, ["---"] * len(headers), *rows]]
    return "\n".join(lines)
