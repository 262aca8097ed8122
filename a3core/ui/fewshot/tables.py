"""Tables of a sweep as HTML, in the page's own type: shares in one, nats in another, and the paired tests."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from a3core.fewshot.sweep.report import LOG_PROBABILITY, Results
from a3core.ui.shared.html import render

TABLE = """<div class="a3"><h3>{{ title }}</h3>{% if note %}<p class="small muted">{{ note }}</p>{% endif %}
<div class="a3-scroll" tabindex="0" role="region" aria-label="{{ title }}"><table class="a3-t">
<thead><tr>{% for head in heads %}<th scope="col">{{ head }}</th>{% endfor %}</tr></thead>
<tbody>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</tbody>
</table></div></div>"""
INTERVAL = "95 % interval"


def render_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[object]], note: str = "") -> Markup:
    """A table whose first column is at the left; all cells are text."""
    return render(TABLE, title=title, heads=heads, rows=rows, note=note)


def list_once(summary: pd.DataFrame) -> pd.DataFrame:
    """Zero-shot, which has no selection, once."""
    rows = summary.assign(selection=summary["selection"].where(summary["k"] > 0, "zero-shot"))
    return rows.drop_duplicates(["k", "selection", "decoding"])


def render_shares(summary: pd.DataFrame) -> Markup:
    """Exact match with Wilson's interval, and F1, of every way of asking."""
    heads = ["selection", "k", "decoding", "n", "exact match, %", INTERVAL, "F1, %", "± 1 s.e.", "dropped", "seconds"]
    rows = [
        (
            row.selection,
            row.k,
            row.decoding,
            row.n,
            format_percent(row.exact_match),
            f"{format_percent(row.low)} to {format_percent(row.high)}",
            format_percent(row.f1),
            format_percent(row.f1_error),
            row.dropped,
            f"{row.seconds:.0f}",
        )
        for row in list_once(summary[summary["decoding"] != LOG_PROBABILITY]).itertuples()
    ]
    return render_table("Right answers", heads, rows) if rows else Markup("")


def render_nats(summary: pd.DataFrame) -> Markup:
    """Mean log-probability of the canonical answer, with the probability that it is."""
    heads = ["selection", "k", "n", "log-probability, nats", "± 1 s.e.", "probability, % (geometric mean)", "seconds"]
    rows = [
        (
            row.selection,
            row.k,
            row.n,
            f"{row.log_probability:.2f}",
            f"{row.log_probability_error:.2f}",
            f"{100 * math.exp(row.log_probability):.2g}",
            f"{row.seconds:.0f}",
        )
        for row in list_once(summary[summary["decoding"] == LOG_PROBABILITY]).itertuples()
    ]
    return render_table("Log-probability of the canonical answer", heads, rows) if rows else Markup("")


def format_percent(share: float) -> str:
    """A share in per cent with one digit; "" for NaN."""
    return f"{100 * share:.1f}" if pd.notna(share) else ""


def render_sight(results: Results) -> Markup:
    """How often a right answer is in sight, and the scores of the questions that never have it."""
    if results.sight is None:
        return Markup("")
    heads = [
        "selection",
        "k",
        "decoding",
        "n",
        "answer in sight",
        "n without",
        "exact match without, %",
        "nats without",
    ]
    rows = [
        (
            row.selection,
            row.k,
            row.decoding,
            row.n,
            row.in_sight,
            format_count(row.n_without),
            format_percent(row.exact_match),
            format_number(row.log_probability),
        )
        for row in list_once(results.sight).itertuples()
    ]
    note = "Without: the questions that have a right answer among the demonstrations in no row of this table."
    return render_table("The answer in sight", heads, rows, note)


def render_tests(results: Results) -> Markup:
    """The paired tests with Holm's p; of a run from before without the interval of the test."""
    is_new = "p_without" in results.tests
    estimate = ["difference", INTERVAL, "p", "Holm's p"] if is_new else ["p", "Holm's p"]
    heads = [
        "selection",
        "k",
        "decoding",
        "against",
        "n",
        *estimate,
        *(["without: n", "difference", INTERVAL] * is_new),
    ]
    rows = []
    for row in results.tests.to_dict("records"):
        numbers = format_estimate(row) if is_new else []
        without = [format_count(row["n_without"]), *format_estimate(row, "_without")] if is_new else []
        p = [format_number(row["p"]), format_number(row["p_holm"])]
        rows.append([row["selection"], row["k"], row["decoding"], row["against"], row["n"], *numbers, *p, *without])
    note = (
        "Shares: McNemar's exact test, in percentage points. Log-probabilities: Wilcoxon's signed-rank test, in nats. "
        f"Holm's method over all {len(rows)} tests."
    )
    return render_table("Paired tests on the same questions", heads, rows, note)


def format_estimate(row: Mapping[str, Any], suffix: str = "") -> list[str]:
    """The difference and its interval, in nats or percentage points; "" for NaN."""
    scale = 1 if row["decoding"] == LOG_PROBABILITY else 100
    difference, low, high = (scale * row[f"{name}{suffix}"] for name in ("difference", "low", "high"))
    return [format_number(difference), f"{format_number(low)} to {format_number(high)}" if low == low else ""]


def format_number(value: float) -> str:
    """Three significant digits; "" for NaN."""
    return f"{value:.3g}" if pd.notna(value) else ""


def format_count(value: float) -> str:
    """A whole number; "" for NaN."""
    return f"{value:.0f}" if pd.notna(value) else ""
