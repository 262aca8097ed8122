"""docs/benchmarks/ is written by the benchmarks: each replaces its own section, between two comments that name it.

BENCHMARKS.md is the table of claims over them; tests/test_readme.py compares its figures with theirs.
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from a3core.common.stats import wilson_interval

ROOT = Path(__file__).resolve().parents[1]
FOLDER, CLAIMS = ROOT / "docs" / "benchmarks", ROOT / "BENCHMARKS.md"
# by the first word of a section's name; the others are of the birthplaces
ROOMS = {
    **dict.fromkeys(("head", "attention"), "attention.md"),
    **dict.fromkeys(("fewshot", "leakage", "canonical", "printed", "retrieval", "sight", "leave"), "few-shot.md"),
    **dict.fromkeys(("start", "load", "memory", "grading"), "page.md"),
}


def write_section(name: str, title: str, command: str, body: str) -> None:
    """Replaces the section `name` of its room's file, or appends it, and prints its text."""
    path = FOLDER / ROOMS.get(name.partition("-")[0], "birthplace.md")
    text = path.read_text(encoding="utf-8") if path.exists() else f"# Benchmarks: {path.stem}\n"
    head = f'<!-- {name} -->\n<a id="{name}"></a>\n\n## {title}'
    section = f"{head}\n\n`{command}`, on {name_machine()}\n\n{body.strip()}\n<!-- /{name} -->\n"
    pattern = re.compile(rf"<!-- {name} -->.*?<!-- /{name} -->\n", re.DOTALL)
    text = pattern.sub(lambda _: section, text) if pattern.search(text) else f"{text}\n{section}"
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    print(section)


def name_machine() -> str:
    """ "machine A, 2 cores": a row of the table of machines in BENCHMARKS.md, where a new one is added."""
    import torch

    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()) if sys.platform == "linux" else None
    processor = model.group(1) if model else platform.processor()
    machine = f"{processor}, Python {platform.python_version()}, torch {torch.__version__}"
    text = CLAIMS.read_text(encoding="utf-8")
    rows = dict(map(reversed, re.findall(r"^\| ([A-Z]) \| (.*) \|$", text, re.MULTILINE)))
    if machine not in rows:
        last = f"| {max(rows.values())} | {next(key for key in rows if rows[key] == max(rows.values()))} |\n"
        rows[machine] = chr(ord(max(rows.values())) + 1)
        CLAIMS.write_text(text.replace(last, f"{last}| {rows[machine]} | {machine} |\n"), encoding="utf-8")
    return f"machine {rows[machine]}, {torch.get_num_threads()} core{'s' * (torch.get_num_threads() > 1)}"


def format_share(correct: int, total: int) -> str:
    """ "19 of 20: 95.0 % [76.4, 99.1]", the interval by Wilson; "none" of nothing."""
    if not total:
        return "none"
    low, high = wilson_interval(correct, total)
    return f"{correct} of {total}: {100 * correct / total:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


def table(headers: Sequence[str], rows: Sequence[Sequence]) -> str:
    """A Markdown table. Raises ValueError for a row that has another number of cells than the header."""
    if odd := next((row for row in rows if len(row) != len(headers)), None):
        raise ValueError(f"a row has {len(odd)} cells, the table has {len(headers)} columns: {odd}")
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in [headers, ["---"] * len(headers), *rows]]
    return "\n".join(lines)
