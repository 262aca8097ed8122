"""Public files by their columns: invented rows in their forms, and the files themselves where they are."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from a3core.common.tabular import Table, read_table
from a3core.grader.answers.extraction import suggest_label
from a3core.grader.importing.drafts import Draft, plan_import
from a3core.grader.importing.items import build_items
from a3core.grader.importing.layouts import find_layout, read_layout
from a3core.grader.runs.responses import CHAIN_OF_THOUGHT, Label, Response, Run

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cot"


def build_table(*rows: dict, name: str = "a.jsonl") -> Table:
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    return Table(name, columns, rows, tuple(range(1, len(rows) + 1)))


def import_rows(*rows: dict) -> Run:
    return import_known("x", build_table(*rows))


def import_known(name: str, table: Table) -> Run:
    layout = find_layout(table)
    flat, mapping = read_layout(layout, table)
    return plan_import(Draft(flat, layout, mapping, build_items(flat, mapping), []), name).run


GSM8K = {
    "question": "How many legs have 2 flies?",
    "ground_truth": "2 * 6 = <<2*6=12>>12\nA: 12",
    "small": {"is_correct": False, "solution": "2 + 6 = <<2+6=8>>8\nA: 8"},
    "large": {"is_correct": True, "solution": "2 * 6 = 12\nA: 12.0"},
}
MULTIARITH = {
    "n": 1,
    "question": "How many legs have 2 flies?",
    "generation": "Let's see. \n\nSix each. Therefore, the answer (arabic numerals) is 12.",
    "pred": "12",
    "gold": "12",
    "correct": True,
}
MISTAKE = {"input": "(1 + 2) * 3 =", "steps": ["1 + 2 = 4.", "4 * 3 = 12."], "answer": "12", "target": "9"}
RATED = {
    "Input.id": "q7",
    "Input.question": "Where do flies sleep?",
    "Input.answer_choices": "ceiling, sea, or moon",
    "Input.gold_label": "ceiling",
    "Input.source_sample_1": "2",
    "Input.source_sample_2": "greedy",
    "Input.explanation_1": "They like it there.",
    "Input.explanation_2": "They hold on to it.",
}
EXEMPLAR = {"question": "How many legs have 2 flies?", "cot": "Six each, so 12.", "answer": "12"}


def test_gsm8k_solutions():
    run = import_rows(GSM8K)
    assert run.responses[0] == Response(
        "1-small", GSM8K["question"], "8", "2 + 6 = 8\nA: 8", "12", CHAIN_OF_THOUGHT, "small"
    )
    assert run.labels == (
        Label("1-small", "dataset", "answer", "wrong"),
        Label("1-large", "dataset", "answer", "correct"),
    )
    assert run.notes[0] == "Imported from a.jsonl (GSM8K model solutions)."


def test_a_solution_without_an_answer_line_has_no_answer():
    run = import_rows(GSM8K | {"small": {"is_correct": False, "solution": "3 33 333"}})
    assert run.responses[0].answer == "" and run.responses[0].explanation == "3 33 333"


def test_multiarith():
    run = import_rows(MULTIARITH, MULTIARITH | {"correct": "False", "pred": ""})
    assert run.responses[0] == Response(
        "1",
        MULTIARITH["question"],
        "12",
        MULTIARITH["generation"],
        "12",
        "zero-shot chain of thought",
        "GPT-3",
    )
    assert [label.value for label in run.labels] == ["correct", "wrong"]


@pytest.mark.parametrize(
    ("index", "step"),
    [(0, "1"), (1, "2"), ("1", "2"), (1.0, "2"), (None, "none"), ("", "none"), (float("nan"), "none")],
)
def test_mistakes_are_counted_from_1(index, step):
    run = import_rows(MISTAKE | {"mistake_index": index})
    assert run.labels == (Label("1", "dataset", "first_wrong_step", step),)
    assert run.responses[0].lines == ("1 + 2 = 4.", "4 * 3 = 12.") and run.responses[0].answer == "12"


def test_three_raters():
    other = RATED | {"Input.id": "q8", "Input.gold_label": "sea"}
    accepted = ["1|2", "", "2"]
    rows = [row | {"Answer.acceptable": text} for row in (RATED, other) for text in accepted]
    run = import_rows(*rows)
    first, second = run.responses[:2]
    assert first == Response(
        "q7-1",
        "Where do flies sleep?\nChoices: ceiling, sea, or moon",
        "ceiling",
        "They like it there.",
        "ceiling",
        "sampled explanation",
        "GPT-3",
        2,
    )
    assert (second.id, second.prompt_kind, second.sample) == ("q7-2", "greedy explanation", 0)
    assert [r.id for r in run.responses[2:]] == ["q8-1", "q8-2"]
    values = {(label.response_id, label.annotator): label.value for label in run.labels}
    assert [values["q7-1", f"rater {n}"] for n in (1, 2, 3)] == ["correct", "flawed", "flawed"]
    assert [values["q7-2", f"rater {n}"] for n in (1, 2, 3)] == ["correct", "flawed", "correct"]


def test_three_raters_of_a_question_in_two_columns():
    """The sister file: a premise and a hypothesis."""
    row = {name: cell for name, cell in RATED.items() if name not in ("Input.question", "Input.answer_choices")}
    row |= {"Input.premise": "A fly sits.", "Input.hypothesis": "It sleeps.", "Answer.acceptable": "1"}
    run = import_rows(row)
    assert run.responses[0].question == "A fly sits.\nIt sleeps." and len(run.labels) == 2


def test_exemplars():
    response = import_rows(EXEMPLAR).responses[0]
    assert response == Response("1", EXEMPLAR["question"], "12", "Six each, so 12.", None, CHAIN_OF_THOUGHT)


def test_what_is_not_known():
    table = build_table({"question": "Q?", "answer": "a"})
    assert find_layout(table) is None and find_layout(build_table(EXEMPLAR | {"model": "m"})) is None


RATED_ROW = RATED | {"Answer.acceptable": "1"}
BAD = [
    ([GSM8K, GSM8K | {"small": None}], "line 2: small is missing"),
    (
        [GSM8K, GSM8K | {"large": {"is_correct": "perhaps", "solution": "1"}}],
        "line 2: is_correct of large is 'perhaps'",
    ),
    ([GSM8K | {"question": ""}], "line 1: question is empty"),
    ([MULTIARITH, MULTIARITH | {"generation": None}], "line 2: generation is empty"),
    ([MULTIARITH | {"correct": None}], "line 1: correct is 'None', expected true or false"),
    ([MULTIARITH | {"pred": float("nan")}], "line 1: the pred is nan"),
    ([MISTAKE | {"mistake_index": 2}], "line 1: mistake_index is '2', expected one of the 2 steps from 0 on, or null"),
    ([MISTAKE | {"mistake_index": -1}], "line 1: mistake_index is '-1'"),
    ([MISTAKE | {"mistake_index": [1]}], "line 1: mistake_index is '[1]'"),
    ([MISTAKE | {"mistake_index": 0, "steps": []}], "line 1: there are no steps"),
    ([MISTAKE | {"mistake_index": 0, "steps": {}}], "line 1: the steps are an object"),
    ([RATED_ROW, RATED_ROW | {"Answer.acceptable": "1|3"}], "line 2: Answer.acceptable names '3'"),
    ([RATED_ROW, RATED_ROW | {"Input.explanation_2": "Other."}], "line 2: it differs from line 1"),
    ([RATED_ROW | {"Input.id": " "}], "line 1: Input.id is empty"),
]


@pytest.mark.parametrize(("rows", "message"), BAD)
def test_a_bad_row_is_named_and_nothing_is_imported(rows, message):
    with pytest.raises(ValueError, match=r"^a\.jsonl: nothing was read\. ") as caught:
        import_rows(*rows)
    assert message in str(caught.value)


# The files themselves


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "known", "responses", "labels"),
    [
        ("gsm8k_model_solutions_300.jsonl", "GSM8K model solutions", 1200, {"correct": 472, "wrong": 728}),
        ("multiarith_zero_shot_cot.jsonl", "MultiArith zero-shot-CoT", 600, {"correct": 472, "wrong": 128}),
        ("bigbench_mistake_multistep_arithmetic.jsonl", "BIG-Bench Mistake", 300, {"none": 62}),
        ("explanations_3raters_commonsenseqa.csv", "three-rater explanations", 1250, {"correct": 2074, "flawed": 1676}),
        ("gsm8k_exemplars_8shot.jsonl", "GSM8K exemplars", 8, {}),
    ],
)
def test_the_files_come_in_whole(name, known, responses, labels):
    run = import_data(name)
    assert known in run.notes[0] and len(run.responses) == responses
    values = Counter(label.value for label in run.labels)
    assert {value: values[value] for value in labels} == labels
    per_response = {"three-rater explanations": 3, "GSM8K exemplars": 0}.get(known, 1)
    assert len(run.labels) == per_response * responses


def test_krippendorffs_alpha_of_the_three_raters():
    import krippendorff

    run = import_data("explanations_3raters_commonsenseqa.csv")
    raters = [
        [int(label.value == "correct") for label in run.labels if label.annotator == f"rater {n}"] for n in (1, 2, 3)
    ]
    assert krippendorff.alpha(raters, level_of_measurement="nominal") == pytest.approx(0.4014, abs=5e-5)


def test_what_is_suggested_is_what_the_dataset_says_of_gsm8k():
    run = import_data("gsm8k_model_solutions_300.jsonl")
    said = {label.response_id: label.value for label in run.labels}
    for response in run.responses:
        assert not response.answer or suggest_label(response).value == said[response.id], response
    assert sum(not response.answer for response in run.responses) == 5


def import_data(name: str) -> Run:
    if not (DATA / name).exists():
        pytest.skip(f"{DATA / name} is not there")
    return import_known("x", read_table(DATA / name))
