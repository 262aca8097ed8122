"""Files that are computed once: they appear complete or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """A new file beside `path` to write to, which takes its place at the end; after an error there is neither.

    It is opened at once, so that a folder that cannot be written is known before the work. Raises ValueError then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
    except OSError as error:
        raise _cannot_be_kept(path, error) from error
    try:
        yield Path(name)
        os.replace(name, path)
    except OSError as error:
        raise _cannot_be_kept(path, error) from error
    finally:
        Path(name).unlink(missing_ok=True)


def _cannot_be_kept(path: Path, error: OSError) -> ValueError:
    reason = error.strerror or error
    return ValueError(f"Nothing can be kept in {path.parent} ({reason}): the variable A3_CACHE names another folder.")
