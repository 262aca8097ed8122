"""Browser tests share one app and its store of labels."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def only_shipped_runs():
    """Takes the runs that the tests of a file have added out of the Grader, which opens on the newest one."""
    yield
    from a3core.grader.labels.database import open_database
    from a3core.grader.labels.store import LabelStore
    from a3core.grader.runs.generation import load_run
    from a3core.ui.grader.service import SHIPPED_RUNS

    store, shipped = LabelStore(open_database()), {load_run(folder).name for folder in SHIPPED_RUNS}
    for info in store.runs():
        if info.name not in shipped:
            store.change(info.id, "run", "hide")
