"""A generated run on disk: responses.jsonl, one response a line, and run.json, what it takes to repeat it.

{"id": "arithmetic-1/standard/0", "question": "Ivo has 5 marbles ...", "answer": "7", "explanation": "",
 "gold_answer": "7", "prompt_kind": "standard", "model": "gemma-3-270m", "sample": 0, "steps": [],
 "task": "arithmetic", "text": " 7"}                   the fields of Response, then the task set and the text as it came

run = load_run(Path("assets/cot_run"))
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from a3core.common.atomic_io import write_whole
from a3core.grader.runs.responses import Response, Run

RESPONSES, FACTS = "responses.jsonl", "run.json"
FIELDS = tuple(field.name for field in fields(Response))


def save_files(folder: Path, rows: Iterable[Mapping[str, Any]], facts: Mapping[str, Any]) -> None:
    """Writes both files, each whole or not at all. Raises ValueError if the folder cannot be written."""
    texts = {
        RESPONSES: "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),
        FACTS: json.dumps(facts, ensure_ascii=False, indent=2) + "\n",
    }
    for name, text in texts.items():
        with write_whole(folder / name) as path:
            # half a character (a lone surrogate) becomes \udXXX, which JSON reads as the same
            path.write_bytes(text.encode("utf-8", "backslashreplace"))


def load_run(folder: Path) -> Run:
    """The run that `save_files` wrote. Raises ValueError for a folder that holds none, or another file's line."""
    try:
        lines = (folder / RESPONSES).read_text(encoding="utf-8").split("\n")
        facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
        responses = [_parse_response(folder, number, line) for number, line in enumerate(lines, 1) if line.strip()]
        return Run(facts["name"], tuple(responses), notes=tuple(facts["notes"]))
    except OSError as error:
        reason = f"{Path(error.filename).name}: {error.strerror}" if error.filename else error
        raise ValueError(f"{folder} holds no generated run ({reason}).") from error
    except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f"{folder} holds no generated run: {FACTS} or {RESPONSES} is not as it was written."
        ) from error


def _parse_response(folder: Path, number: int, line: str) -> Response:
    try:
        row = json.loads(line)
        return Response(**{name: row[name] for name in FIELDS} | {"steps": tuple(row["steps"])})
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / RESPONSES}, line {number}: no response of a generated run ({error})") from error
