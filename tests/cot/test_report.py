"""The report against counts made by hand on twelve responses, and everything that must not break it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from a3core.cot.answer_explanation import cross_answer_explanation
from a3core.cot.assignment import build_assignment_table, compare_with_assignment, tabulate_assignment
from a3core.cot.consistency import build_consistency, tabulate_consistency, tabulate_votes
from a3core.cot.report import (
    ACCURACY,
    CONVINCES,
    EXPLAINED,
    MOST_KINDS,
    NO_ANSWER,
    NOT_SURE,
    ONE_TO_ONE,
    UNCONVINCING,
    UNCONVINCING_OF_ALL,
    Labelled,
    build_report,
)
from a3core.cot.report_tables import (
    tabulate_answer_explanation,
    tabulate_first_wrong_steps,
    tabulate_groups,
    tabulate_pairs,
    tabulate_shares,
    tabulate_values,
)
from a3core.cot.responses import CHAIN_OF_THOUGHT, STANDARD, VARIANT, Response
from a3core.cot.schema import DEFAULT_SCHEMA, LabelQuestion, Schema
from a3core.statistics import wilson_interval

ROOT = Path(__file__).resolve().parents[2]
WORDS = {
    "answer": {"c": "correct", "w": "wrong", "x": "no consistent answer"},
    "explanation": {"c": "correct", "f": "flawed", "u": "unsure"},
    "convincing": {"y": "yes", "n": "no"},
}
HOSTILE = "<script>alert(1)</script>\x00\u202e{{value}} ${1+1} \ud83d"


def ask(id_: str, question: str = "How many eggs?", kind: str = STANDARD, **facts) -> Response:
    return Response(id_, question, facts.pop("answer", "10"), prompt_kind=kind, **facts)


def label(id_: str, letters: str, annotator: str = "Ada", round_: int = 1) -> list[Labelled]:
    """ "cfy": answer correct, explanation flawed, convincing; "-" where there is no label."""
    given = zip(WORDS.items(), letters, strict=True)
    return [Labelled(id_, annotator, field, words[letter], round_) for (field, words), letter in given if letter != "-"]


def step(id_: str, value: str, annotator: str = "Ada") -> Labelled:
    return Labelled(id_, annotator, "first_wrong_step", value)


# Answer, explanation, convincing of twelve responses: standard s1 to s4, chain of thought c1 to c8.
GIVEN = {"s1": "cfn", "s2": "wfn", "s3": "xuy", "s4": "---", "c1": "ccy", "c2": "ccy", "c3": "ccn", "c4": "cfn"}
GIVEN |= {"c5": "wfy", "c6": "wcy", "c7": "c--", "c8": "wfn"}


@pytest.fixture(scope="module")
def responses() -> list[Response]:
    return [ask(id_, f"Question {id_[1:]}?", STANDARD if id_[0] == "s" else CHAIN_OF_THOUGHT) for id_ in GIVEN]


@pytest.fixture(scope="module")
def report(responses):
    return build_report(
        responses, [one for id_, letters in GIVEN.items() for one in label(id_, letters)], DEFAULT_SCHEMA
    )


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
        assert all(cell.n == len(cell.ids) for cell in group.table.cells)
        assert all(count.n == len(count.ids) for count in group.counts)


def test_the_overall_group_is_the_sum_of_the_prompt_kinds(report):
    parts = [report.group(kind) for kind in (STANDARD, CHAIN_OF_THOUGHT)]
    assert report.overall.n == sum(part.n for part in parts) == 12
    for measure, share in report.overall.shares.items():
        assert (share.k, share.n) == tuple(sum(getattr(part.shares[measure], name) for part in parts) for name in "kn")


def test_answer_against_explanation(report):
    table = report.group(CHAIN_OF_THOUGHT).table
    cells = {(cell.answer_correct, cell.explanation_correct): cell.ids for cell in table.cells}
    assert cells == {
        (True, True): ("c1", "c2", "c3"),
        (True, False): ("c4",),
        (False, True): ("c6",),
        (False, False): ("c5", "c8"),
    }
    assert table.cell(True, False).ids == ("c4",) and table.cell(False, True).ids == ("c6",)
    assert report.overall.table.unsure_ids == ("s3",)


@pytest.mark.parametrize("counts", [(6, 1, 1, 2), (3, 7, 8, 2), (40, 0, 0, 30), (1, 1, 1, 1)])
def test_phi_and_p_are_those_of_the_libraries(counts):
    from scipy.stats import hypergeom
    from sklearn.metrics import matthews_corrcoef

    pairs = [(x, y) for x in "cw" for y in "cf"]
    rows = [(f"{pair}{i}", pair) for pair, n in zip(pairs, counts, strict=True) for i in range(n)]
    answers = {id_: WORDS["answer"][pair[0]] for id_, pair in rows}
    explanations = {id_: WORDS["explanation"][pair[1]] for id_, pair in rows}
    table = cross_answer_explanation([id_ for id_, _ in rows], answers, explanations)
    a, b, c, _ = counts
    chances = hypergeom(sum(counts), a + b, a + c).pmf(range(min(a + b, a + c) + 1))
    assert table.p == pytest.approx(sum(p for p in chances if p <= chances[a] * (1 + 1e-7)))
    expected = matthews_corrcoef([x == "c" for _, (x, _) in rows], [y == "c" for _, (_, y) in rows])
    assert table.phi == pytest.approx(expected)


def test_a_table_with_an_empty_row_has_no_test():
    table = cross_answer_explanation("ab", {"a": "correct", "b": "correct"}, {"a": "correct", "b": "flawed"})
    assert (table.n, table.p, table.phi) == (
        2,
        None,
        None,
    ) and "all answers or all explanations are alike" in table.sentence
    assert "no response has both labels" in cross_answer_explanation("ab", {}, {}).sentence


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
    assert report.first_wrong_steps.n == 0 and report.notes == () and report.pairs == ()
    assert build_report([], [], DEFAULT_SCHEMA).overall.n == 0


def vote(*values: str) -> list[Labelled]:
    return [Labelled("1", f"annotator {i}", "answer", value) for i, value in enumerate(values)]


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
    assert [count.value for count in report.overall.counts if count.n] == ([settled] if settled else [])
    assert [(tie.field, tie.ids) for tie in report.ties] == ([] if settled else [("answer", ("1",))])
    assert bool(report.notes) is (settled is None) and report.overall.labelled == 1


def test_the_adjudicator_decides():
    labels = [*vote("wrong", "wrong"), Labelled("1", "Cleo", "answer", "correct")]
    assert build_report([ask("1")], labels, DEFAULT_SCHEMA).overall.shares[ACCURACY].k == 0
    assert build_report([ask("1")], labels, DEFAULT_SCHEMA, "Cleo").overall.shares[ACCURACY].k == 1
    assert build_report([ask("1")], labels, DEFAULT_SCHEMA, "Dora").overall.shares[ACCURACY].k == 0


def test_the_first_round_counts_whatever_the_order():
    labels = label("1", "wfn", round_=2) + label("1", "ccy")
    assert build_report([ask("1")], labels, DEFAULT_SCHEMA).overall.table.cell(True, True).ids == ("1",)


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


# Prompt kinds on the same questions.


def test_pairs_of_prompt_kinds():
    """Nine questions: two right under both, one under neither, six only with chain of thought."""
    responses, labels = [], []
    for i in range(9):
        for kind, right in ((STANDARD, i < 2), (CHAIN_OF_THOUGHT, i < 8)):
            responses.append(ask(f"{kind}{i}", f"Question  {i}?" if kind == STANDARD else f"question {i}? ", kind))
            labels += label(responses[-1].id, "c--" if right else "x--")
    (pair,) = build_report(responses, labels, DEFAULT_SCHEMA).pairs
    assert (pair.n, pair.both, pair.only_a, pair.only_b, pair.neither, pair.tied) == (9, 2, 0, 6, 1, 0)
    assert pair.p == pytest.approx(2 * 0.5**6)
    assert pair.neither_ids == (f"{STANDARD}8", f"{CHAIN_OF_THOUGHT}8") and len(pair.only_b_ids) == 12


def test_several_samples_count_by_their_majority():
    verdicts = {"s": ["c--", "c--", "w--"], "v": ["c--", "w--"], "t": ["w--", "w--", "c--"]}
    kinds = {"s": STANDARD, "v": VARIANT, "t": CHAIN_OF_THOUGHT}
    responses = [ask(f"{k}{i}", kind=kinds[k], sample=i) for k, given in verdicts.items() for i in range(len(given))]
    labels = [
        one for k, given in verdicts.items() for i, letters in enumerate(given) for one in label(f"{k}{i}", letters)
    ]
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    pairs = {(pair.kind_a, pair.kind_b): pair for pair in report.pairs}
    tied, decided = pairs[STANDARD, VARIANT], pairs[STANDARD, CHAIN_OF_THOUGHT]
    assert (tied.n, tied.tied, tied.p) == (0, 1, None) and len(tied.tied_ids) == 5
    assert (decided.n, decided.only_a, decided.p) == (1, 1, 1.0)
    assert "several samples" in report.notes[0]


def test_questions_are_compared_within_a_model():
    responses = [ask("1", model="m"), ask("2", kind=VARIANT, model="n"), ask("3", kind=VARIANT, model="m")]
    labels = label("1", "c--") + label("2", "c--") + label("3", "w--")
    (pair,) = build_report(responses, labels, DEFAULT_SCHEMA).pairs
    assert (pair.n, pair.only_a_ids) == (1, ("1", "3"))


# The first wrong step.


def test_first_wrong_steps():
    responses = [ask(str(i), explanation="One.\n\nTwo.\nThree.\nFour.") for i in range(5)]
    responses += [ask("5", steps=("One.", "Two.")), ask("6", explanation="One.\nTwo."), ask("7", explanation="One.")]
    values = ["1", "4", "4", "none", "5", "2", "no", "9" * 5000]
    labels = [step(str(i), value) for i, value in enumerate(values)] + [step("0", "1", "Ben")]
    steps = build_report(responses, labels, DEFAULT_SCHEMA).first_wrong_steps
    assert [(count.position, count.ids) for count in steps.absolute] == [(1, ("0",)), (2, ("5",)), (4, ("1", "2"))]
    assert [count.ids for count in steps.relative] == [("0",), (), (), ("5",), ("1", "2")]
    assert (steps.n, steps.none_ids, steps.beyond_ids) == (8, ("3",), ("4", "6", "7"))


@pytest.mark.parametrize(
    ("length", "fifths"), [(1, [2]), (5, [0, 1, 2, 3, 4]), (3, [0, 2, 4]), (10, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])]
)
def test_relative_positions_are_the_middles_of_steps(length, fifths):
    responses = [ask(str(i), steps=("so",) * length) for i in range(length)]
    labels = [step(str(i), str(i + 1)) for i in range(length)]
    relative = build_report(responses, labels, DEFAULT_SCHEMA).first_wrong_steps.relative
    assert [next(place for place, count in enumerate(relative) if str(i) in count.ids) for i in range(length)] == fifths


# Other schemas.


def test_a_projects_own_question_is_counted():
    fluent = LabelQuestion("fluent", "Is it fluent?", "", ("yes", "partly", "no"), ("1", "2", "3"))
    schema = Schema((*DEFAULT_SCHEMA.questions, fluent))
    labels = [Labelled("1", "Ada", "fluent", "partly"), Labelled("2", "Ada", "fluent", "rather")]
    report = build_report([ask("1"), ask("2", "Why?")], labels, schema)
    counts = [(count.value, count.ids) for count in report.overall.counts if count.field == "fluent"]
    assert counts == [("yes", ()), ("partly", ("1",)), ("no", ()), ("rather", ("2",))]
    assert report.overall.labelled == 2
    assert report.notes == ("fluent: 1 labels have a value that this schema does not know, as 'rather'.",)


def test_a_schema_without_the_usual_questions_says_what_is_empty():
    answer = LabelQuestion("answer", "Right?", "", ("right", "wrong"), ("r", "w"))
    report = build_report([ask("1")], [Labelled("1", "Ada", "answer", "right")], Schema((answer,)))
    assert any("does not ask for 'explanation'" in note for note in report.notes)
    assert any("'answer' has no choice 'correct'" in note for note in report.notes)


# Samples.


def sample(answers: list[str], gold: str | None = "10", question: str = "How many?", **facts) -> list[Response]:
    return [
        ask(f"{question}{i}", question, answer=one, gold_answer=gold, sample=i, **facts)
        for i, one in enumerate(answers)
    ]


def test_majority_vote():
    report = build_consistency(sample(["10", " 10", "14", "10 ", ""]))
    (vote,), (group,) = report.votes, report.groups
    assert (vote.answer, vote.votes, vote.samples, vote.agreement, vote.consistent, vote.right) == (
        "10",
        3,
        5,
        0.6,
        True,
        True,
    )
    assert vote.voting_ids == ("How many?0", "How many?1", "How many?3")
    assert (group.majority.k, group.single.k, group.single.n, group.inconsistent.k) == (1, 3, 5, 0)
    assert len(group.majority.ids) == 5 and group.agreement == 0.6


@pytest.mark.parametrize(
    ("answers", "answer", "consistent", "right"),
    [
        (["10", "14"], None, False, False),  # equally frequent: no vote, which is not right
        (["14", "10", "14", "3", "5"], "14", False, False),  # most frequent, but not more than half
        (["", " "], None, False, False),
        (["Ten", "TEN"], "Ten", True, False),
        (["10", "10"], "10", True, True),
    ],
)
def test_votes_that_are_not_clear(answers, answer, consistent, right):
    (vote,) = build_consistency(sample(answers)).votes
    assert (vote.answer, vote.consistent, vote.right) == (answer, consistent, right)


def test_no_consistent_answer_majority_and_single_over_questions():
    responses = sample(["10", "10", "3"]) + sample(["1", "2"], "2", "Who?") + sample(["7"], "7", "Alone?")
    responses += sample(["a", "a"], None, "Without gold?")
    report = build_consistency(responses)
    (group,) = report.groups
    assert (group.questions, group.majority.k, group.majority.n) == (3, 1, 2)
    assert (group.single.k, group.single.n) == (3, 5) and group.single.ids == ("How many?0", "How many?1", "Who?1")
    assert (group.inconsistent.k, group.inconsistent.n, group.inconsistent.ids) == (1, 3, ("Who?0", "Who?1"))
    assert report.single_samples_ids == ("Alone?0",)
    assert "1 of 2 (50 %" in group.sentence and "1 of 3 (33 %" in group.sentence
    assert len(tabulate_consistency(report)) == 3 and list(tabulate_votes(report)["answer"]) == ["10", None, "a"]


def test_prompt_kinds_and_models_are_voted_apart_and_the_comparison_is_the_callers():
    responses = sample(["$10", "10.0"]) + sample(["4", "4"], kind=VARIANT) + sample(["5", "5"], model="m")
    by_number = build_consistency(responses, lambda a, b: float(a.strip("$")) == float(b.strip("$")))
    assert [(g.prompt_kind, g.model, g.majority.k) for g in by_number.groups] == [
        (STANDARD, "", 1),
        (VARIANT, "", 0),
        (STANDARD, "m", 0),
    ]
    assert build_consistency(responses).groups[0].majority.k == 0
    assert build_consistency(sample(["7"])).groups == ()


# The assignment.


def test_the_assignments_table():
    table = {(kind, measure): share for kind, measure, share in build_assignment_table()}
    assert [round(x, 3) for x in table[CHAIN_OF_THOUGHT, ACCURACY][2:5]] == [0.7, 0.397, 0.892]
    assert [round(x, 3) for x in table[STANDARD, ACCURACY][2:5]] == [0.1, 0.018, 0.404]
    assert [round(x, 3) for x in table[CHAIN_OF_THOUGHT, UNCONVINCING][2:5]] == [0, 0, 0.354]
    assert table[CHAIN_OF_THOUGHT, ONE_TO_ONE].share == 1 and table[CHAIN_OF_THOUGHT, EXPLAINED].share == 0.7
    assert table[VARIANT, NO_ANSWER].k == 1 and len(tabulate_assignment()) == len(table)


def test_beside_the_assignment(report):
    frame = compare_with_assignment(report).set_index(["prompt_kind", "measure"])
    row = frame.loc[CHAIN_OF_THOUGHT, ACCURACY]
    assert (row["assignment_k"], row["assignment_n"], row["own_k"], row["own_n"]) == (7, 10, 5, 8)
    assert row["ids"] == report.group(CHAIN_OF_THOUGHT).shares[ACCURACY].ids
    assert frame.loc[VARIANT, ACCURACY]["own_k"] is None and frame.loc[VARIANT, ACCURACY]["ids"] == ()
    assert frame.loc[STANDARD, EXPLAINED]["assignment_share"] is None and frame.loc[STANDARD, EXPLAINED]["own_n"] == 2


def test_own_prompt_kinds_come_after_the_assignments():
    frame = compare_with_assignment(build_report([ask("1", kind="")], label("1", "c--"), DEFAULT_SCHEMA))
    assert list(dict.fromkeys(frame["prompt_kind"])) == [STANDARD, VARIANT, CHAIN_OF_THOUGHT, ""]


# Tables, JSON, names and speed.


def test_tables_hold_what_the_report_holds(report):
    shares = tabulate_shares(report)
    assert len(shares) == 3 * 8 and shares.iloc[0][["prompt_kind", "model", "k"]].tolist() == ["all", "all", 6]
    assert sum(tabulate_answer_explanation(report)["n"]) == sum(group.table.n for group in report.groups)
    assert list(tabulate_groups(report)["labelled"]) == [11, 3, 8]
    assert list(tabulate_pairs(report)["n"]) == [3]
    assert list(tabulate_first_wrong_steps(report)["position"]) == ["every step right", "no such step"]
    values = tabulate_values(report)
    assert values[(values["prompt_kind"] == STANDARD) & (values["value"] == "unsure")]["ids"].tolist() == [("s3",)]


def test_json_is_strict_and_keeps_the_ids(report):
    found = json.loads(report.to_json())
    assert found["groups"][0]["shares"][ACCURACY]["ids"] == list(report.overall.shares[ACCURACY].ids)
    assert found["pairs"][0]["p"] == report.pairs[0].p and found["groups"][0]["prompt_kind"] is None
    assert '_ids"' not in report.to_json(ids=False) and '"ids"' not in report.to_json(ids=False)
    assert json.loads(report.to_json(ids=False))["groups"][0]["shares"][ACCURACY]["k"] == 6


def test_hostile_names_stay_as_they_are():
    responses = [ask(HOSTILE, kind=HOSTILE, model=HOSTILE), ask("2", kind="=1+1")]
    labels = [*label(HOSTILE, "ccy", HOSTILE), *label("2", "wfn", HOSTILE)]
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    assert report.group(HOSTILE, HOSTILE).ids == (HOSTILE,)
    assert json.loads(report.to_json())["groups"][1]["prompt_kind"] == HOSTILE
    assert (
        HOSTILE in set(tabulate_shares(report)["prompt_kind"]) and HOSTILE in tabulate_pairs(report)["kind_a"].tolist()
    )
    assert HOSTILE in set(compare_with_assignment(report)["prompt_kind"])


def build_large(n: int) -> tuple[list[Response], list[Labelled]]:
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


def test_a_large_report_is_what_counting_says_and_is_made_in_time():
    responses, labels = build_large(10_000)
    build_report(responses[:10], labels[:90], DEFAULT_SCHEMA)  # the first report of a process imports scipy
    start = time.process_time()
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    assert time.process_time() - start < 0.7
    votes: dict[str, Counter] = {}
    for one in (one for one in labels if one.field == "answer"):
        votes.setdefault(one.response_id, Counter())[one.value] += 1
    decided = [count.most_common(1)[0][0] for count in votes.values() if max(count.values()) > 1]
    assert report.overall.shares[ACCURACY].k == decided.count("correct")
    assert report.overall.shares[ACCURACY].n == len(decided) and report.ties[-1].n == 10_000 - len(decided)


def test_importing_the_report_loads_no_library():
    modules = "report, agreement, consistency, assignment, report_tables, report_figures"
    heavy = {"pandas", "numpy", "scipy", "sklearn", "statsmodels", "plotly", "krippendorff"}
    code = f"import sys\nfrom a3core.cot import {modules}\nprint(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
