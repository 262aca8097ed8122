"""What is written can be read again exactly, whatever text it is, and no spreadsheet runs it."""

from __future__ import annotations

import csv
import json
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from a3core.common.atomic_io import atomic_write
from a3core.common.csv_safety import FORMULA, escape, escape_formula, unescape, unescape_formula
from a3core.common.tabular import read_table
from a3core.grader.export.files import FORMATS, write_responses
from a3core.grader.importing.drafts import Decisions, read_draft
from a3core.grader.importing.mapping import propose_mapping
from a3core.grader.runs.responses import STANDARD, Response

HOSTILE = [
    *(
        "=1+1",
        " =1+1",
        "\t=1",
        "\r=1",
        "+1+1",
        "-1+1",
        "@SUM(1)",
        "'=1",
        "''=1",
        "'",
        "-5",
        "+5",
        "-1,000.5%",
        "=",
        "\t",
    ),
    *("<script>alert(1)</script>", "${1+1}", "{{value}}", "\0", "a\0b", "\ud83d", "\x10", "\x100000", "\x10d83d"),
    *(
        "\u202etxet",
        "\u200f",
        "\u2028",
        "\x85",
        "\x1c",
        "\ufeff",
        "a\rb",
        "\r\n",
        "\n",
        '"',
        ",",
        ";",
        "\\",
        "[1]",
        "[]",
    ),
    *("null", "NaN", "＝1", " ", "\u00a0=1", "é", "🦉"),
]
PARTS = st.sampled_from(HOSTILE) | st.text(max_size=5)
ANY = st.text(max_size=20) | st.lists(PARTS, max_size=4).map("".join) | st.characters(categories=["Cs"])
FILLED = ANY.filter(str.strip)
RESPONSES = st.lists(
    st.builds(
        Response,
        id=FILLED,
        question=FILLED,
        answer=ANY,
        explanation=ANY,
        gold_answer=st.none() | FILLED,
        prompt_kind=ANY.filter(bool) | st.just(STANDARD),
        model=ANY,
        sample=st.integers(0, 99),
        steps=st.lists(ANY, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda response: response.id,
)
SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", FORMATS)
@SAME_FOLDER
@given(responses=RESPONSES)
def test_import_of_an_export_restores_it_exactly(tmp_path, suffix, responses):
    path = write_responses(responses, tmp_path / f"run.{suffix}")
    draft = read_draft(path)
    assert draft.layout == "responses of this page" and [item.response for item in draft.items] == responses
    draft = read_draft(path, Decisions(mapping=propose_mapping(draft.table)))
    assert [item.response for item in draft.items] == responses


@pytest.mark.parametrize("suffix", FORMATS)
@SAME_FOLDER
@given(rows=st.lists(st.fixed_dictionaries({"annotator": FILLED, "value": ANY}), min_size=1, max_size=4))
def test_rows_of_other_kinds_come_back_too(tmp_path, suffix, rows):
    assert list(read_table(write_responses(rows, tmp_path / f"labels.{suffix}")).rows) == rows


@given(ANY)
def test_protection_is_taken_back_exactly(text):
    assert unescape_formula(escape_formula(text)) == text and unescape(escape(text)) == text
    assert "\0" not in escape(text).encode().decode()  # UTF-8 can hold it


@given(ANY)
def test_no_cell_begins_as_a_formula(text):
    cell = escape_formula(escape(text))
    begins = cell.lstrip()[:1] in set("=+-@＝＋－＠") or cell[:1] in ("\t", "\r")
    try:
        float(cell.strip().rstrip("%").replace(",", ""))
    except ValueError:
        assert not cell or not begins


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("  =1", "'  =1"),
        ("\tx", "'\tx"),
        ("-5", "-5"),
        ("-5 eggs", "'-5 eggs"),
        ("+1,000.50%", "+1,000.50%"),
        ("-2+3", "'-2+3"),
        ("'=1", "''=1"),
        ("'tis", "'tis"),
        ("a=1", "a=1"),
        ("\u202e=1", "\u202e=1"),
    ],
)
def test_cells(text, cell):
    assert escape_formula(text) == cell and bool(FORMULA.match(text)) == (cell != text or cell in ("-5", "+1,000.50%"))


def test_a_spreadsheet_sees_text(tmp_path):
    rows = [{"=head": "=cmd|' /C calc'!A0", "n": -5, "steps": ["a", "é"], "none": None, "yes": True}, {"=head": "-5"}]
    path = write_responses(rows, tmp_path / "a.csv")
    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["'=head", "n", "steps", "none", "yes"],
            ["'=cmd|' /C calc'!A0", "-5", '["a", "é"]', "", "true"],
            ["-5", "", "", "", ""],
        ]


def test_json_lines_have_the_fields_of_a_response(tmp_path):
    response = Response("1", "Who?", "Ann", steps=("a", "b"))
    row = json.loads(write_responses([response], tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    assert list(row) == [field.name for field in fields(Response)] and row["steps"] == ["a", "b"]
    assert row["gold_answer"] is None


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("a.xlsx", [{"a": 1}], r"cannot write a\.xlsx: the formats are \.jsonl, \.csv, \.parquet"),
        ("a.csv", [], r"cannot write a\.csv: there are no rows"),
        ("a.jsonl", [{"a": object()}], "a row holds what JSON does not have"),
        ("a.csv", [{"a": [float("nan")]}], "a row holds what JSON does not have"),
        ("a.parquet", [{"a": 1}, {"a": "x"}], "a Parquet column holds cells of one type only"),
        ("a.parquet", [{"a": 2**80}], "a Parquet column holds cells of one type only"),
    ],
)
def test_nothing_is_written_by_halves(tmp_path, name, rows, message):
    (tmp_path / name).write_text("before")
    with pytest.raises(ValueError, match=message):
        write_responses(rows, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name] and (tmp_path / name).read_text() == "before"


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot write .*a\.csv"):
        write_responses([{"a": 1}], tmp_path / "file" / "a.csv")
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ValueError, match=r"cannot write .*a\.csv"), atomic_write(tmp_path / "a.csv"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "file"]
