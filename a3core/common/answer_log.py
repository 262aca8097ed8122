"""What a model said to each prompt, kept line by line, so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def prompt_key(*parts: str) -> str:
    """sha256 of what an answer depends on: the model, how it decodes, the prompt."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class AnswerLog:
    """A JSON lines file of {"key", ...}; what is written is on the disk before the next prompt is run.

    A line that a killed run left half written is cut off when the file is opened. Raises ValueError if the file cannot
    be read or written.
    """

    def __init__(self, path: Path):
        self.path = path
        self.entries: dict[str, dict[str, Any]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b""
            whole = content[: content.rfind(b"\n") + 1]
            if len(whole) < len(content):
                os.truncate(path, len(whole))
        except OSError as error:
            raise ValueError(f"{path} cannot be read and written: {error.strerror or error}") from error
        self._read(whole)

    def _read(self, content: bytes) -> None:
        for number, line in enumerate(content.splitlines(), 1):
            try:
                entry = json.loads(line)
                self.entries[entry["key"]] = entry
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"{self.path}, line {number}: not an entry of such a log; name another folder"
                ) from error

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __getitem__(self, key: str) -> dict[str, Any]:
        return self.entries[key]

    def add(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Appends entries by key."""
        lines = [json.dumps({"key": key, **entry}, ensure_ascii=False) + "\n" for key, entry in entries.items()]
        with self.path.open("ab") as file:
            file.write("".join(lines).encode("utf-8", "backslashreplace"))
        self.entries.update({key: dict(entry) for key, entry in entries.items()})
