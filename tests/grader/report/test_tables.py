"""A report as tables and JSON, hostile names in it, and how long a large one takes."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from labelled import WORDS, ask, label

from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.assignment import compare_with_assignment
from a3core.grader.report.build import build_report
from a3core.grader.report.measures import ACCURACY, build_frame, write_json
from a3core.grader.report.tables import list_rows
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT, Label, Response

ROOT = Path(__file__).resolve().parents[3]
HOSTILE = "<script>alert(1)</script>\x00\u202e{{value}} ${1+1} \ud83d"


def test_tables_hold_what_the_report_holds(report):
    tables = {name: build_frame(rows) for name, rows in list_rows(report).items()}
    shares = tables["shares"]
    assert len(shares) == 3 * 8 and shares.iloc[0][["prompt_kind", "model", "k"]].tolist() == ["all", "all", 6]
    assert sum(tables["answer x explanation"]["n"]) == sum(group.table["n"] for group in report.groups)
    assert list(tables["labelled"]["labelled"]) == [11, 3, 8]
    assert list(tables["prompt kinds, paired"]["n"]) == [3]
    assert list(tables["first wrong steps"]["position"]) == ["every step right", "no such step"]
    values = tables["every label"]
    assert values[(values["prompt_kind"] == STANDARD) & (values["value"] == "unsure")]["ids"].tolist() == [("s3",)]


def test_json_is_strict_and_keeps_the_ids(report):
    found = json.loads(write_json(report))
    assert found["groups"][0]["shares"][ACCURACY]["ids"] == list(report.overall.shares[ACCURACY].ids)
    assert found["pairs"][0]["p"] == report.pairs[0]["p"] and found["groups"][0]["prompt_kind"] is None
    assert '_ids"' not in write_json(report, ids=False) and '"ids"' not in write_json(report, ids=False)
    assert json.loads(write_json(report, ids=False))["groups"][0]["shares"][ACCURACY]["k"] == 6


def test_hostile_names_stay_as_they_are():
    responses = [ask(HOSTILE, kind=HOSTILE, model=HOSTILE), ask("2", kind="=1+1")]
    labels = [*label(HOSTILE, "ccy", HOSTILE), *label("2", "wfn", HOSTILE)]
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    assert report.group(HOSTILE, HOSTILE).ids == (HOSTILE,)
    assert json.loads(write_json(report))["groups"][1]["prompt_kind"] == HOSTILE
    shares = build_frame(list_rows(report)["shares"])
    assert HOSTILE in set(shares["prompt_kind"]) and HOSTILE in [pair["kind_a"] for pair in report.pairs]
    assert HOSTILE in {row["prompt_kind"] for row in compare_with_assignment(report)}


def build_large(n: int) -> tuple[list[Response], list[Label]]:
    """n responses, three kinds and two samples a question, three annotators and three fields."""
    chance = random.Random(0)
    kinds = (STANDARD, VARIANT, CHAIN_OF_THOUGHT)
    responses = [ask(str(i), f"Question {i // 6}?", kinds[i % 3], sample=i % 6 // 3) for i in range(n)]
    letters = [tuple(words) for words in WORDS.values()]
    labels = [
        one
        for response in responses
        for annotator in ("Ada", "Ben", "Cleo")
        for one in label(response.id, "".join(chance.choice(choices) for choices in letters), annotator)
    ]
    return responses, labels


@pytest.mark.slow
def test_a_large_report_is_what_counting_says_and_is_made_in_time(own_garbage):
    start = time.process_time()
    responses, labels = build_large(10_000)
    making = time.process_time() - start  # the baseline: making the records, in this process and now
    build_report(responses[:10], labels[:90], DEFAULT_SCHEMA)  # the first report of a process imports scipy
    start = time.process_time()
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    assert time.process_time() - start < 4 * making  # 1.0 to 1.4 on an idle machine
    votes: dict[str, Counter] = {}
    for one in (one for one in labels if one.field == "answer"):
        votes.setdefault(one.response_id, Counter())[one.value] += 1
    decided = [count.most_common(1)[0][0] for count in votes.values() if max(count.values()) > 1]
    assert report.overall.shares[ACCURACY].k == decided.count("correct")
    assert report.overall.shares[ACCURACY].n == len(decided) and report.ties[-1]["n"] == 10_000 - len(decided)


def test_importing_the_report_loads_no_library():
    modules = "build, agreement, consistency, assignment, tables, figures"
    heavy = {"pandas", "numpy", "scipy", "sklearn", "statsmodels", "plotly", "krippendorff"}
    code = f"import sys\nfrom a3core.grader.report import {modules}\nprint(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
