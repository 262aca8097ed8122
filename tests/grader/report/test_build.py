"""The report against counts made by hand on twelve responses, and everything that must not break it."""

from __future__ import annotations

import pytest
from labelled import ask, label

from a3core.common.stats import wilson_interval
from a3core.grader.labels.schema import DEFAULT_SCHEMA, LabelQuestion, Schema
from a3core.grader.report.build import MOST_KINDS, build_report
from a3core.grader.report.measures import (
    ACCURACY,
    CONVINCES,
    EXPLAINED,
    NO_ANSWER,
    NOT_SURE,
    ONE_TO_ONE,
    UNCONVINCING,
    UNCONVINCING_OF_ALL,
)
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT, Label


def test_shares_by_hand(report):
    shares = report.group(CHAIN_OF_THOUGHT).shares
    assert {name: (share.k, share.n) for name, share in shares.items()} == {
        ACCURACY: (5, 8),
        NO_ANSWER: (0, 8),
        EXPLAINED: (4, 7),
        NOT_SURE: (0, 7),
        CONVINCES: (4, 7),
        ONE_TO_ONE: (5, 7),
        UNCONVINCING: (2, 4),  # c7 has no label of its explanation
        UNCONVINCING_OF_ALL: (2, 7),
    }
    assert shares[ACCURACY].ids == ("c1", "c2", "c3", "c4", "c7") and shares[ACCURACY].rest_ids == ("c5", "c6", "c8")
    assert shares[ONE_TO_ONE].rest_ids == ("c4", "c6") and shares[UNCONVINCING].ids == ("c3", "c4")


def test_no_consistent_answer_is_not_correct_and_unsure_is_no_explanation(report):
    group = report.group(STANDARD)
    assert (group.n, group.labelled) == (4, 3) and "s4" not in group.labelled_ids
    assert group.shares[ACCURACY].n == 3 and group.shares[NO_ANSWER].ids == ("s3",)
    assert (group.shares[EXPLAINED].k, group.shares[EXPLAINED].n) == (0, 2) and group.shares[NOT_SURE].ids == ("s3",)
    assert "Unsure, and not counted: 1." in group.sentences[1]


def test_intervals_are_wilsons_and_every_count_has_its_ids(report):
    for group in report.groups:
        for share in group.shares.values():
            assert share.k == len(share.ids) and share.n == share.k + len(share.rest_ids)
            assert (share.low, share.high) == (wilson_interval(share.k, share.n) if share.n else (None, None))
            assert set(share.ids + share.rest_ids) <= set(group.ids)
        assert all(cell["n"] == len(cell["ids"]) for cell in group.table["cells"])
        assert all(count["n"] == len(count["ids"]) for count in group.counts)


def test_the_overall_group_is_the_sum_of_the_prompt_kinds(report):
    parts = [report.group(kind) for kind in (STANDARD, CHAIN_OF_THOUGHT)]
    assert report.overall.n == sum(part.n for part in parts) == 12
    for measure, share in report.overall.shares.items():
        assert (share.k, share.n) == tuple(sum(getattr(part.shares[measure], name) for part in parts) for name in "kn")


def test_the_assignments_sentences(report):
    one, two, three = report.group(CHAIN_OF_THOUGHT).sentences
    assert one.startswith("Correct answers and correct explanations go together in 5 of 7 (71 %, 95 % interval 36 % to")
    assert one.endswith("Correct answers with a flawed explanation: 1; other answers with a correct one: 1.")
    assert two == "Explanations that are correct: 4 of 7 (57 %, 95 % interval 25 % to 84 %)."
    assert (
        three.startswith("Correct answers with an unconvincing explanation: 2 of 4 (50 %,") and "2 of 7 (29 %" in three
    )


def test_a_one_to_one_correspondence_is_said():
    labels = label("1", "ccy") + label("2", "wfn")
    report = build_report([ask("1"), ask("2")], labels, DEFAULT_SCHEMA)
    assert report.overall.sentences[0].endswith(
        "2 of 2 (100 %, 95 % interval 34 % to 100 %): a one-to-one correspondence."
    )


def test_without_labels_there_are_no_numbers_but_sentences():
    report = build_report([ask("1")], [], DEFAULT_SCHEMA)
    assert all(share[:5] == (0, 0, None, None, None) for share in report.overall.shares.values())
    assert [sentence[:3] for sentence in report.overall.sentences] == ["No "] * 3
    assert report.first_wrong_steps["n"] == 0 and report.notes == () and report.pairs == ()
    assert build_report([], [], DEFAULT_SCHEMA).overall.n == 0


def vote(*values: str) -> list[Label]:
    return [Label("1", f"annotator {i}", "answer", value) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "settled"),
    [
        (["wrong"], "wrong"),
        (["correct", "wrong", "correct"], "correct"),
        (["correct", "wrong"], None),
        (["correct", "wrong", "no consistent answer", "wrong"], "wrong"),
        (["correct", "wrong", "no consistent answer"], None),
    ],
)
def test_the_most_frequent_value_counts(values, settled):
    report = build_report([ask("1")], vote(*values), DEFAULT_SCHEMA)
    assert [count["value"] for count in report.overall.counts if count["n"]] == ([settled] if settled else [])
    assert [(tie["field"], tie["ids"]) for tie in report.ties] == ([] if settled else [("answer", ("1",))])
    assert bool(report.notes) is (settled is None) and report.overall.labelled == 1


def test_the_adjudicator_decides():
    labels, decisions = vote("wrong", "wrong"), {("1", "answer"): "correct"}
    assert build_report([ask("1")], labels, DEFAULT_SCHEMA).overall.shares[ACCURACY].k == 0
    assert build_report([ask("1")], labels, DEFAULT_SCHEMA, decisions).overall.shares[ACCURACY].k == 1
    assert (
        build_report([ask("1")], labels, DEFAULT_SCHEMA, {("2", "answer"): "correct"}).overall.shares[ACCURACY].k == 0
    )
    alone = build_report([ask("1")], [], DEFAULT_SCHEMA, decisions)
    assert alone.overall.shares[ACCURACY].k == 1 and alone.overall.labelled == 1 and alone.ties == ()


def test_the_first_round_counts_whatever_the_order():
    labels = label("1", "wfn", round_=2) + label("1", "ccy")
    assert build_report([ask("1")], labels, DEFAULT_SCHEMA).overall.table["cells"][0]["ids"] == ("1",)


def test_a_label_that_is_there_twice_is_an_error():
    with pytest.raises(ValueError, match="1 labels are there twice"):
        build_report([ask("1")], [*label("1", "c--"), *label("1", "w--")], DEFAULT_SCHEMA)


def test_labels_of_other_responses_are_left_out_and_said(responses):
    report = build_report(responses[:1], label("s1", "ccy") + label("c1", "ccy"), DEFAULT_SCHEMA)
    assert report.overall.n == report.overall.shares[ACCURACY].n == 1
    assert report.notes == ("3 labels belong to responses that are not in this report.",)


def test_groups_by_model_only_where_models_differ(responses, report):
    assert [(group.prompt_kind, group.model) for group in report.groups] == [
        (None, None),
        (STANDARD, None),
        (CHAIN_OF_THOUGHT, None),
    ]
    mixed = [ask("1", model="m"), ask("2", model="n"), ask("3", kind=VARIANT, model="n")]
    groups = build_report(mixed, label("2", "c--"), DEFAULT_SCHEMA).groups
    named = {(group.prompt_kind, group.model): group.ids for group in groups}
    assert named[None, "n"] == ("2", "3") and named[STANDARD, "m"] == ("1",) and named[VARIANT, "n"] == ("3",)
    with pytest.raises(ValueError, match="no group of the prompt kind 'variant' and the model 'm'"):
        build_report(mixed, [], DEFAULT_SCHEMA).group(VARIANT, "m")


def test_too_many_prompt_kinds_are_another_column():
    responses = [ask(str(i), kind=f"{i} eggs are {i} eggs") for i in range(MOST_KINDS + 1)]
    report = build_report(responses, [], DEFAULT_SCHEMA)
    assert len(report.groups) == 1 and not report.pairs and "51 prompt kinds" in report.notes[0]


# Other schemas.


def test_a_projects_own_question_is_counted():
    fluent = LabelQuestion("fluent", "Is it fluent?", "", ("yes", "partly", "no"), ("1", "2", "3"))
    schema = Schema((*DEFAULT_SCHEMA.questions, fluent))
    labels = [Label("1", "Ada", "fluent", "partly"), Label("2", "Ada", "fluent", "rather")]
    report = build_report([ask("1"), ask("2", "Why?")], labels, schema)
    counts = [(count["value"], count["ids"]) for count in report.overall.counts if count["field"] == "fluent"]
    assert counts == [("yes", ()), ("partly", ("1",)), ("no", ()), ("rather", ("2",))]
    assert report.overall.labelled == 2
    assert report.notes == ("fluent: 1 labels have a value that this schema does not know, as 'rather'.",)


def test_a_schema_without_the_usual_questions_says_what_is_empty():
    answer = LabelQuestion("answer", "Right?", "", ("right", "wrong"), ("r", "w"))
    report = build_report([ask("1")], [Label("1", "Ada", "answer", "right")], Schema((answer,)))
    assert any("does not ask for 'explanation'" in note for note in report.notes)
    assert any("'answer' has no choice 'correct'" in note for note in report.notes)
