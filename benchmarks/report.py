"""BENCHMARKS.md is written by the benchmarks: each replaces its own section, between two comments that name it."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Sequence
from pathlib import Path

REPORT = Path(__file__).resolve().parents[1] / "BENCHMARKS.md"
HEAD = (
    "# Benchmarks\n\nEvery figure here is written by the command above it; nothing is typed by hand. Times are ratios "
    "against a named baseline in the same run, because machines differ and are noisy.\n"
)


def write_section(name: str, title: str, command: str, body: str) -> None:
    """Replaces the section `name`, or appends it, and prints its text."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else HEAD
    section = (
        f"<!-- {name} -->\n## {title}\n\n`{command}`, on {describe_machine()}\n\n{body.strip()}\n<!-- /{name} -->\n"
    )
    pattern = re.compile(rf"<!-- {name} -->.*?<!-- /{name} -->\n", re.DOTALL)
    text = pattern.sub(lambda _: section, text) if pattern.search(text) else f"{text}\n{section}"
    partial = REPORT.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(REPORT)
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
