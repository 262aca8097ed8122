"""Columns are guessed by their names and by what is in them."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from a3core.common.tabular import Table
from a3core.grader.importing.drafts import plan_import, read_draft
from a3core.grader.importing.mapping import Mapping, find_mapping, propose_mapping, save_mapping

TEXT, QUESTION = "Two bags of three are six, so it is six.", "How many are two bags of three?"


def build_table(*rows: dict) -> Table:
    columns = tuple(dict.fromkeys(column for row in rows for column in row))
    return Table("a.jsonl", columns, rows, tuple(range(1, len(rows) + 1)))


@pytest.mark.parametrize("name", ["llm_response", "model_response", "output_text", "generated_cot", "modelOutput"])
def test_usual_names_of_explanations(name):
    mapping = propose_mapping(build_table({"problem": QUESTION, name: TEXT, "ground_truth_answer": "6"}))
    assert (mapping.question, mapping.explanation, mapping.gold_answer) == ("problem", name, "ground_truth_answer")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {"premise": "A man.", "hypothesis": "A cat.", "label": "no", "pred": "no"},
            {"question": "premise + hypothesis"},
        ),
        (
            {"doc": {"question": QUESTION}, "resps": [[TEXT]]},
            {"question": "doc.question", "explanation": "resps[0][0]"},
        ),
        ({"question": QUESTION, "generation": 3, "label": {"a": 1}, "output": TEXT}, {"explanation": "output"}),
        ({"question": QUESTION, "model_output_steps": ["one", "two"]}, {"steps": "model_output_steps"}),
        ({"task": QUESTION, "text": TEXT, "n": 1}, {"question": "task", "explanation": "text"}),
        ({"question": QUESTION, "samples": [TEXT, TEXT]}, {"explanation": "samples[*]"}),
        (
            {"question": QUESTION, "answer": "6", "annotator": "ann", "label": 1},
            {"annotator": "annotator", "labels": ("label",)},
        ),
        ({"question": QUESTION, "answer": "6", "label": "6"}, {"gold_answer": "label", "labels": ()}),
        ({"question": QUESTION, "answer": "6", "rater_1": "ok", "rater_2": "bad"}, {"labels": ("rater_1", "rater_2")}),
    ],
)
def test_what_is_guessed(row, expected):
    mapping = propose_mapping(build_table(row))
    assert {name: getattr(mapping, name) for name in expected} == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abq[].*+ ", max_size=4), inner, max_size=3),
    max_leaves=8,
)
NAMES = (
    "question",
    "doc",
    "resps",
    "filtered_resps",
    "data",
    "annotations",
    "fields",
    "responses",
    "messages",
    "label",
)
NAMES += (
    "labeler",
    "problem",
    "steps",
    "final_answer_correct",
    "generated_cot",
    "annotator",
    "explanation_1",
    "answer",
)
ROWS = st.lists(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=3), JSON, max_size=5), min_size=1, max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, suffix=st.sampled_from([".json", ".jsonl"]))
@example(rows=[{"question": None, "label": True, "labeler": None}], suffix=".json")
def test_whatever_a_file_holds_it_comes_in_or_is_one_sentence(tmp_path, rows, suffix):
    path = tmp_path / f"rows{suffix}"
    lines = [json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) if suffix == ".jsonl" else f"[{', '.join(lines)}]", encoding="utf-8")
    for only_labels in (False, True):
        with suppress(ValueError):
            plan_import(read_draft(path, only_labels=only_labels), "x")


@pytest.mark.parametrize("text", ["[1]\n{\n", '{"a": "\\ud83d"}\n'])
def test_where_no_row_can_be_read_the_rows_are_named(tmp_path, text):
    path = tmp_path / "a.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        ValueError, match=r"no row can be read. line 1: expected a row|choose the column of the question"
    ):
        plan_import(read_draft(path), "x")


# Mappings in files


def test_a_mapping_is_saved_for_files_with_the_same_columns(tmp_path):
    mapping = Mapping(question="doc.q", labels=("a", "b"), values=(("ok", "correct"),))
    assert Mapping.from_json(mapping.to_json()) == mapping and '"a3_import_mapping": 1' in mapping.to_json()
    save_mapping(mapping, ("doc", "a", "b"), tmp_path)
    assert find_mapping(("b", "doc", "a"), tmp_path) == mapping and find_mapping(("b", "doc"), tmp_path) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "this is no mapping"),
        ("{", "this is no mapping"),
        ('{"question": "q"}', "this is no mapping"),
        ('{"a3_import_mapping": 2}', "of version 2"),
        ('{"a3_import_mapping": 1, "mood": "q"}', "no field 'mood'"),
        ('{"a3_import_mapping": 1, "question": 7}', "are texts"),
        ('{"a3_import_mapping": 1, "labels": "q"}', "are texts"),
        ('{"a3_import_mapping": 1, "values": ["q"]}', "are texts"),
    ],
)
def test_what_is_no_mapping(text, message):
    with pytest.raises(ValueError, match=message):
        Mapping.from_json(text)
