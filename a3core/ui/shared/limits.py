"""How many visitors are served at once, and what is kept of them.

    gr.Blocks(delete_cache=CLEANING)   ...   demo.queue(**QUEUE)   ...   demo.launch(**LIMITS)

Questions of many visitors at once share a pass of the model (`common.batching`), so there are as many places as a pass
has. A long job has a queue of its own: whoever asks something short meanwhile does not wait behind it.
"""

import atexit
import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

# Gradio evaluates its last 10,000 events anew, as a table, after every single one; nobody looks at that here.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "1000")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000000")

PREDICTION = {"concurrency_id": "prediction", "concurrency_limit": 16}
LANGUAGE_MODEL = {"concurrency_id": "language model", "concurrency_limit": 1}
LONG_JOB = {"concurrency_id": "long job", "concurrency_limit": 1}
QUEUE = {
    "default_concurrency_limit": 4,  # of every event that names no other
    "api_open": False,  # no way round the queue
}
LONGEST_STAY = 6 * 3600  # seconds that uploads, and files made for a visitor, stay
LARGEST_FOLDER = 2_000_000_000  # of all files that were made for visitors
CLEANING = (1800, LONGEST_STAY)  # seconds between two looks, and the age
LIMITS = {
    "state_session_capacity": 256,  # of pages and API calls, 0.6 MB each; the oldest one starts anew
    "run_history": False,  # nothing of what was asked stays in the browser of a shared computer
    "enable_monitoring": False,
}


def make_folder() -> Path:
    """A folder of its own for what one visitor downloads, so that two never share a file.

    Old ones are removed, and the oldest first while all of them hold more than LARGEST_FOLDER.
    """
    ages, total = [], 0
    for old in _root().iterdir():
        with suppress(FileNotFoundError):  # another visitor's thread was there first
            ages.append((old.stat().st_mtime, old))
    for made, old in sorted(ages, reverse=True):
        with suppress(FileNotFoundError):
            total += sum(file.stat().st_size for file in old.rglob("*"))
        if total > LARGEST_FOLDER or time.time() - made > LONGEST_STAY:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=_root()))


@cache
def _root() -> Path:
    root = Path(tempfile.mkdtemp(prefix="a3-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return root
