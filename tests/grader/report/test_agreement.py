"""Coefficients against tables with known values, the bootstrap against resampling by hand, and what has no value."""

from __future__ import annotations

import csv
import json
import random
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from a3core.grader.labels.schema import DEFAULT_SCHEMA, LabelQuestion, Schema
from a3core.grader.report.agreement import (
    ALPHA,
    COHEN,
    FLEISS,
    MOST_ANNOTATORS,
    ONESELF,
    build_agreement,
    compute_alpha,
    compute_cohen,
    compute_fleiss,
    estimate,
)
from a3core.grader.report.build import build_report
from a3core.grader.report.consistency import build_consistency
from a3core.grader.report.measures import write_json
from a3core.grader.report.tables import RunReport
from a3core.grader.runs.responses import Label

RATERS = (
    Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cot" / "explanations_3raters_commonsenseqa.csv"
)
EXPLANATION = Schema((LabelQuestion("explanation", "?", "", ("correct", "flawed", "unsure"), ("c", "f", "u")),))
WORDS = {"c": "correct", "f": "flawed", "u": "unsure"}


def label(given: dict[str, str], round_: int = 1, field: str = "explanation") -> list[Label]:
    """{"Ada": "cf-u"}: one letter a response, "-" where there is no label."""
    return [
        Label(str(i), annotator, field, WORDS.get(letter, letter), round_)
        for annotator, letters in given.items()
        for i, letter in enumerate(letters)
        if letter != "-"
    ]


def find(agreement, name: str, *annotators: str):
    return next(
        one for one in agreement["coefficients"] if one.name == name and one.annotators[: len(annotators)] == annotators
    )


def measure(given: dict[str, str], schema: Schema = EXPLANATION):
    return build_agreement(label(given), schema)


def test_three_who_share_no_response_have_no_agreement():
    """A fourth response is labelled by none of them."""
    given = label({"Ada": "c", "Bo": "-f", "Cy": "--u"})
    coefficient = find(build_agreement(given, EXPLANATION, ["0", "1", "2", "3"]), FLEISS)
    assert (coefficient.n, coefficient.value) == (0, None)


def test_cohens_kappa_of_a_table_by_hand():
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: observed 0.7, expected 0.5, kappa 0.4."""
    kappa = find(measure({"Ada": "c" * 25 + "f" * 25, "Ben": "c" * 20 + "f" * 5 + "c" * 10 + "f" * 15}), COHEN)
    assert kappa.value == pytest.approx(0.4) and kappa.raw == pytest.approx(0.7) and kappa.n == 50
    assert kappa.low < 0.4 < kappa.high and kappa.note == ""
    assert len(kappa.ids) == 50 and kappa.differing_ids == tuple(map(str, range(20, 35)))


def test_the_worked_example():
    agreement = measure({"Ada": "cffc", "Ben": "ccfc", "Cleo": "cff-"})
    assert find(agreement, COHEN, "Ada", "Ben").value == pytest.approx(0.5)
    assert find(agreement, COHEN, "Ada", "Ben").raw == 0.75
    assert find(agreement, ALPHA).n == 4 and find(agreement, ALPHA).raw == pytest.approx((1 + 1 / 3 + 1 + 1) / 4)
    fleiss = find(agreement, FLEISS)
    assert fleiss.n == 3 and fleiss.note.startswith("Without 1 responses that do not have 3 labels.")


def test_krippendorffs_own_example():
    """Four observers, twelve units, five values and gaps: nominal alpha 0.743 (Krippendorff 2011, example C)."""
    given = {"A": "123321412---", "B": "1233224125-3", "C": "-3332342251-", "D": "12332441251-"}
    question = LabelQuestion("explanation", "?", "", tuple("12345"), tuple("12345"))
    alpha = find(measure(given, Schema((question,))), ALPHA)
    assert round(alpha.value, 3) == 0.743 and alpha.n == 11


def test_fleiss_kappa_of_a_known_table():
    """Ten subjects, fourteen raters, five categories: kappa 0.210, observed 0.378 (the table on Wikipedia)."""
    table = [
        (0, 0, 0, 0, 14),
        (0, 2, 6, 4, 2),
        (0, 0, 3, 5, 6),
        (0, 3, 9, 2, 0),
        (2, 2, 8, 1, 1),
        (7, 7, 0, 0, 0),
        (3, 2, 6, 3, 0),
        (2, 5, 3, 2, 2),
        (6, 5, 2, 1, 0),
        (0, 2, 2, 3, 7),
    ]
    rows = ["".join(str(value + 1) * n for value, n in enumerate(row)) for row in table]
    given = {f"rater {i}": "".join(row[i] for row in rows) for i in range(14)}
    question = LabelQuestion("explanation", "?", "", tuple("12345"), tuple("12345"))
    fleiss = find(measure(given, Schema((question,))), FLEISS)
    assert round(fleiss.value, 3) == 0.210 and fleiss.n == 10 and fleiss.raw == pytest.approx(0.378, abs=5e-4)


def test_three_raters_of_explanations():
    if not RATERS.is_file():
        pytest.skip("needs shared/data/cot")
    counted: Counter[str] = Counter()
    labels = []
    with RATERS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            counted[row["Input.id"]] += 1
            for i in "12345":
                value = "correct" if i in row["Answer.acceptable"].split("|") else "flawed"
                labels.append(
                    Label(f"{row['Input.id']}-{i}", f"rater {counted[row['Input.id']]}", "explanation", value)
                )
    agreement = build_agreement(labels, EXPLANATION)
    alpha, fleiss = find(agreement, ALPHA), find(agreement, FLEISS)
    assert (alpha.n, fleiss.n, len(alpha.annotators)) == (1250, 1250, 3)
    assert round(alpha.value, 4) == 0.4014 and round(fleiss.value, 4) == 0.4013
    assert alpha.low < 0.4014 < alpha.high and alpha.high - alpha.low < 0.1
    assert alpha.raw == fleiss.raw and sum(one.name == COHEN for one in agreement["coefficients"]) == 3


def draw_patterns(raters: int, n: int, seed: int) -> tuple[list[tuple[str, ...]], Counter]:
    chance = random.Random(seed)
    truth = [chance.choice("cfu") for _ in range(n)]
    rows = [tuple(one if chance.random() < 0.7 else chance.choice("cfu") for _ in range(raters)) for one in truth]
    return rows, Counter(rows)


@pytest.mark.parametrize("seed", range(5))
def test_the_formulas_of_the_bootstrap_are_the_libraries_coefficients(seed):
    from krippendorff import alpha
    from sklearn.metrics import cohen_kappa_score
    from statsmodels.stats.inter_rater import fleiss_kappa

    (pairs, two), (triples, three) = draw_patterns(2, 30, seed), draw_patterns(3, 30, seed)
    counts, mixed = ([[row.count(value) for value in "cfu"] for row in rows] for rows in (triples, pairs + triples))
    expected = [
        (compute_cohen, two, cohen_kappa_score(*zip(*pairs, strict=True))),
        (compute_fleiss, three, fleiss_kappa(counts)),
        (compute_alpha, three, alpha(value_counts=np.array(counts), level_of_measurement="nominal")),
        (compute_alpha, two + three, alpha(value_counts=np.array(mixed), level_of_measurement="nominal")),
    ]
    for compute, patterns, value in expected:
        once = np.array([list(patterns.values())])
        assert compute(patterns, once)[0] == pytest.approx(value, abs=1e-12)
        assert estimate(patterns, compute)["value"] == pytest.approx(value, abs=1e-12)


def test_the_bootstrap_draws_responses():
    """Drawing patterns by multinomial gives the interval of drawing responses one by one, but for chance."""
    from krippendorff import alpha

    rows, patterns = draw_patterns(3, 40, 1)
    counts = np.array([[row.count(value) for value in "cfu"] for row in rows])
    chance = np.random.default_rng(5)
    drawn = [
        alpha(value_counts=counts[chance.integers(0, 40, 40)], level_of_measurement="nominal") for _ in range(1000)
    ]
    found = estimate(patterns, compute_alpha)
    assert [found["low"], found["high"]] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.04)
    assert found == estimate(patterns, compute_alpha)  # seeded


NOTHING = {
    "nobody": ({}, ALPHA, "Nobody labelled this yet."),
    "one annotator": ({"Ada": "cfc"}, ALPHA, "Only one annotator labelled this"),
    "no overlap": ({"Ada": "cf--", "Ben": "--cf"}, COHEN, "No response is labelled by both."),
    "no two labels": ({"Ada": "cf--", "Ben": "--cf"}, ALPHA, "No response is labelled by two annotators."),
    "one category": ({"Ada": "ccc", "Ben": "ccc"}, COHEN, "Every label is the same"),
    "one category, three": ({"Ada": "ccc", "Ben": "ccc", "Cleo": "ccc"}, FLEISS, "Every label is the same"),
    "one category, alpha": ({"Ada": "ccc", "Ben": "ccc"}, ALPHA, "Every label is the same"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_what_has_no_value_has_a_sentence(name):
    given, coefficient, sentence = NOTHING[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        agreement = measure(given)
    found = find(agreement, coefficient)
    assert (found.value, found.low, found.high) == (None, None, None) and found.note.startswith(sentence)
    assert json.loads(write_json(agreement))["coefficients"]


def test_full_agreement_has_no_interval_of_no_width():
    kappa = find(measure({"Ada": "cccff", "Ben": "cccff"}), COHEN)
    assert (kappa.value, kappa.raw, kappa.low) == (1.0, 1.0, None) and kappa.note.startswith("No interval")


def test_one_odd_response_has_no_interval():
    alpha = find(measure({"Ada": "cccc", "Ben": "cccf"}), ALPHA)
    assert alpha.value == pytest.approx(0) and alpha.low is None and "too few responses" in alpha.note


def test_somebody_who_always_says_the_same_has_kappa_zero():
    assert find(measure({"Ada": "cccc", "Ben": "ccff"}), COHEN).value == pytest.approx(0)


def test_agreement_with_oneself():
    labels = label({"Ada": "ccff-", "Ben": "cc"}) + label({"Ada": "ccfcf", "Cleo": "cc"}, round_=2)
    agreement = build_agreement(labels, EXPLANATION)
    ada, cleo = find(agreement, ONESELF, "Ada"), find(agreement, ONESELF, "Cleo")
    assert (ada.n, ada.raw, ada.value, ada.differing_ids) == (4, 0.75, pytest.approx(0.5), ("3",))
    assert ada.annotators == ("Ada",) and cleo.value is None and "in both rounds" in cleo.note
    assert not [one for one in agreement["coefficients"] if one.name == ONESELF and one.annotators == ("Ben",)]
    assert find(agreement, COHEN, "Ada", "Ben").n == 2  # the first rounds only


def test_first_wrong_steps_are_compared_where_there_are_any():
    labels = label({"Ada": "1223", "Ben": "1213"}, field="first_wrong_step")
    fields = [one.field for one in build_agreement(labels, DEFAULT_SCHEMA)["coefficients"]]
    assert fields == ["explanation", "convincing", "answer", "first_wrong_step", "first_wrong_step"]


def test_labels_that_are_no_categories():
    labels = [Label(str(i), who, "first_wrong_step", str(i + k)) for i in range(300) for k, who in enumerate("ab")]
    assert "no categories" in find_last(build_agreement(labels, DEFAULT_SCHEMA)).note


def find_last(agreement):
    return agreement["coefficients"][-1]


def test_many_annotators():
    given = {f"annotator {i:02}": "cf" * 3 for i in range(MOST_ANNOTATORS + 3)}
    agreement = measure(given)
    assert sum(one.name == COHEN for one in agreement["coefficients"]) == MOST_ANNOTATORS * (MOST_ANNOTATORS - 1) // 2
    assert len(find(agreement, ALPHA).annotators) == MOST_ANNOTATORS + 3 and "only the 12" in agreement["notes"][0]


def test_the_table_names_the_annotators():
    agreement = measure({"Ada": "cfcf", "<b>Ben</b>": "cffc", "Cleo": "cfff"})
    report = RunReport(build_report([], [], EXPLANATION), agreement, build_consistency([]))
    frame = report.tables["agreement"]
    assert list(frame["who"])[:3] == ["all 3 annotators", "all 3 annotators", "Ada and <b>Ben</b>"]
    assert list(frame["n"]) == [4] * 5


def test_a_label_that_is_there_twice_is_an_error():
    with pytest.raises(ValueError, match="there twice"):
        build_agreement(label({"Ada": "c"}) + label({"Ada": "f"}), EXPLANATION)


@pytest.mark.slow
def test_ten_thousand_responses_are_compared_in_time(own_garbage):
    chance = random.Random(0)
    given = {who: "".join(chance.choice("cfu") for _ in range(10_000)) for who in ("Ada", "Ben", "Cleo")}
    start = time.process_time()
    labels = label(given)
    making = time.process_time() - start  # the baseline: making the records, in this process and now
    measure({"Ada": "cf", "Ben": "cf", "Cleo": "cf"})  # the first time imports the libraries
    start = time.process_time()
    agreement = build_agreement(labels, EXPLANATION)
    assert time.process_time() - start < 20 * making and find(agreement, ALPHA).n == 10_000
