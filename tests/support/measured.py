"""A reader of a hostile file in a process of its own: what it says, how long it takes, and how much memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What is imported once for good does not count: pyarrow's and json's own memory before the file is opened.
CODE = """
import resource, sys, time
from pathlib import Path
import pyarrow.parquet, csv, json
{imported}
before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
try:
    read(Path(sys.argv[1]))
    print("it was read")
except ValueError as error:
    print(str(error)[:300].replace("\\n", " "))
print(time.process_time() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def read_in_process(imported: str, path: Path) -> tuple[str, float, float]:
    """(the sentence of the error, seconds of the processor, megabytes that the peak grew by).

    imported: a line of code that defines `read`, a function of the path. The sentence of a file that is read without
    an error is "it was read".
    """
    code = CODE.format(imported=imported)
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    sentence, measured = done.stdout.strip().split("\n")
    seconds, megabytes = map(float, measured.split())
    return sentence, seconds, megabytes
