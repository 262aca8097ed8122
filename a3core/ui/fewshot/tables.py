"""Tables of a sweep as HTML, in the page's own type: shares in one, nats in another, and the paired tests.

`tables.json` has the title, the note and the columns of each: a head, and the format of its cells.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from markupsafe import Markup

from a3core.fewshot.sweep.report import LOG_PROBABILITY, Results
from a3core.ui.shared.html import read_template, render_table

IN_PERCENT = ["exact_match", "low", "high", "f1", "f1_error"]


def render_tables(results: Results) -> Markup:
    """All that a run has: right answers with Wilson's interval, nats, the answer in sight, the paired tests."""
    summary, tests = list_once(results.summary), results.tests
    is_likely = summary["decoding"] == LOG_PROBABILITY
    nats = summary[is_likely].assign(probability=100 * np.exp(summary["log_probability"]))
    tables = format_table("shares", summary[~is_likely]) + format_table("nats", nats)
    if results.sight is not None:
        tables += format_table("sight", list_once(results.sight))
    if "p_without" not in tests:
        return tables + format_table("tests of a run from before", tests)
    estimates = [name for name in tests if name.startswith(("difference", "low", "high"))]
    scale = np.where(tests["decoding"] == LOG_PROBABILITY, 1, 100)
    return tables + format_table("tests", tests.assign(**{name: scale * tests[name] for name in estimates}))


def list_once(summary: pd.DataFrame) -> pd.DataFrame:
    """Zero-shot, which has no selection, once; shares in per cent."""
    rows = summary.assign(selection=summary["selection"].where(summary["k"] > 0, "zero-shot"))
    rows[IN_PERCENT] = 100 * rows[IN_PERCENT]
    return rows.drop_duplicates(["k", "selection", "decoding"])


def format_table(name: str, rows: pd.DataFrame) -> Markup:
    """One of `tables.json`: a text a cell, "" for what was not measured; no table where there are no rows."""
    table, records = json.loads(read_template(__file__, "tables.json"))[name], rows.to_dict("records")
    cells = {head: [cell.format(**row) for row in records] for head, cell in table["columns"].items()}
    frame = pd.DataFrame(cells).replace(["nan", "nan to nan"], "")
    return render_table(frame, table["title"], table["note"].format(n=len(rows))) if records else Markup("")
