"""A disk that is full."""

from __future__ import annotations

import resource
import signal
from contextlib import contextmanager


@contextmanager
def full_disk(size: int = 0):
    """No file may grow beyond `size` bytes: nothing is faked, the system refuses as a full disk does."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
