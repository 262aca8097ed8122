"""JSON files beside the weights of a checkpoint: a value is written whole, and read back as its type."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from a3core.common.atomic_io import atomic_write


def load_json(path: Path, kind: TypeAdapter, advice: str = "put it back, or remove it") -> Any:
    """A value of this kind; None where there is no such file. Raises ValueError, with `advice`, for a broken file."""
    if not path.is_file():
        return None
    try:
        return kind.validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is broken: {advice}") from error


def save_json(value: Any, path: Path, **options) -> None:
    """Writes what `load_json` reads; options: of `json.dumps`. Raises ValueError where the disk takes no more."""
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(value, **options) + "\n", encoding="utf-8")
