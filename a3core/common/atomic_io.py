"""Files that appear complete or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError


@contextmanager
def atomic_write(path: Path, advice: str = "") -> Iterator[Path]:
    """A new file beside `path` to write to, which takes its place at the end; after an error there is neither.

    It is opened at once, so that a folder that cannot be written is known before the work. Raises ValueError then, with
    `advice` at the end.
    """
    with disk_errors(path, advice):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
        os.close(handle)
        try:
            yield Path(name)
            os.chmod(name, 0o644)  # a temporary file is for its owner only
            os.replace(name, path)
        finally:
            Path(name).unlink(missing_ok=True)


@contextmanager
def disk_errors(path: Path, advice: str = "") -> Iterator[None]:
    """Raises ValueError, with `advice` at the end, for what the system or safetensors says of a file that it writes."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise ValueError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}{advice}") from error
