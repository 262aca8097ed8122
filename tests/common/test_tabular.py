"""Tables in every format, and every way in which a file can be wrong: an error that says what and where."""

from __future__ import annotations

import io
import json
import pickle
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from a3core.common import packed_tables, tabular
from a3core.common.tabular import Kind, NotUnicodeError, read_table

ROWS = [{"question": "What is 2 + 3?", "gold": "5"}, {"question": "Who,\nthen?", "gold": "Bo"}]
CSV = 'question,gold\nWhat is 2 + 3?,5\n"Who,\nthen?",Bo\n'
JSONL = "".join(json.dumps(row) + "\n" for row in ROWS)


def write(path, content):
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content, encoding="utf-8", newline="")
    return path


def pack_parquet(columns: dict) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def pack_workbook(rows: list[list]) -> bytes:
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(buffer)
    return buffer.getvalue()


def pack_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("rows.csv", CSV)
    return buffer.getvalue()


GOOD = {
    "a.csv": (CSV, [2, 3], "line"),
    "b.csv": ("\ufeff" + CSV.replace("\n", "\r\n").replace("Who,\r\n", "Who,\n"), [2, 3], "line"),
    "c.csv": ('\n question ;gold\n\nWhat is 2 + 3?;5\n"Who,\nthen?";Bo', [4, 5], "line"),
    "d.tsv": ('question\tgold\nWhat is 2 + 3?\t5\n"Who,\nthen?"\tBo\n', [2, 3], "line"),
    "e.jsonl": (JSONL.replace("\n", "\n\n"), [1, 3], "line"),
    "f.jsonl": ("\ufeff" + JSONL.replace("\n", "\r\n"), [1, 2], "line"),
    "g.json": (json.dumps(ROWS, indent=1), [1, 2], "entry"),
    "h.parquet": (pack_parquet({name: [row[name] for row in ROWS] for name in ROWS[0]}), [1, 2], "row"),
    "i.csv": (CSV.encode("utf-16"), [2, 3], "line"),
    "j.csv": (CSV.replace(",g", "\tg").replace(",5", "\t5").replace(",Bo", "\tBo").encode("utf-16"), [2, 3], "line"),
    "k.csv": ('sep=;\r\nquestion;gold\nWhat is 2 + 3?;5\n"Who,\nthen?";Bo\n', [3, 4], "line"),
    "l.csv": ('question|gold\nWhat is 2 + 3?|5\n"Who,\nthen?"|Bo\n', [2, 3], "line"),
    "m.csv": (CSV + ",\n,,,,\n , \n", [2, 3], "line"),
    "n.xlsx": (
        pack_workbook([["question", "gold"], [], *map(list, map(dict.values, ROWS)), ["", None]]),
        [3, 4],
        "row",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_the_same_rows_in_every_format(tmp_path, name):
    content, lines, unit = GOOD[name]
    table = read_table(write(tmp_path / name, content))
    assert list(table.rows) == ROWS and table.columns == ("question", "gold") and table.name == name
    assert list(table.lines) == lines and table.location(1) == f"{unit} {lines[1]}"


def test_columns_are_those_of_all_rows_and_cells_keep_their_type(tmp_path):
    table = read_table(write(tmp_path / "a.jsonl", '{"a": [1, null]}\n{"b": {"c": 2.5}, "a": "\\u0000\\ud83d"}\n'))
    assert table.columns == ("a", "b") and table.rows == ({"a": [1, None]}, {"b": {"c": 2.5}, "a": "\0\ud83d"})


def test_a_column_without_a_name_is_called_by_its_number(tmp_path):
    assert read_table(write(tmp_path / "a.csv", ",question\n0,Who?\n")).columns == ("column 1", "question")


def test_apostrophes_that_are_no_protection_stay(tmp_path):
    table = read_table(write(tmp_path / "a.csv", "a,b,c\n'tis,'-5,'=1+1\n"))
    assert table.rows[0] == {"a": "'tis", "b": "'-5", "c": "=1+1"}


PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
BAD = {
    "a.txt": ("Who?", "is no table: expected a file that ends with .jsonl, .json, .csv, .tsv, .xlsx, .parquet"),
    "a.csv": ("", "is empty"),
    "b.csv": ("\ufeff \n", "is empty"),
    "c.csv": ("question,gold\n", "has no rows"),
    "a.json": ("[]", "has no rows"),
    "d.csv": (PNG, "is a PNG picture, not the table"),
    "e.csv": (pack_zip(), "is a zip archive"),
    "f.jsonl": (pickle.dumps(ROWS), "is a pickle"),
    "g.csv": (GOOD["h.parquet"][0], "is a Parquet file"),
    "h.csv": ("<!DOCTYPE html><p>404", "is a web page"),
    "a.xlsx": (pack_zip(), "is a workbook that cannot be read"),
    "b.xlsx": (CSV, "is no Excel workbook: it is something else"),
    "c.xlsx": (pack_workbook([["a"]]), "has no rows"),
    "d.xlsx": (pack_workbook([["a", "a"], [1, 2]]), "there are two columns 'a'"),
    "a.parquet": (pack_zip(), "is no Parquet file: it is a zip archive"),
    "b.parquet": (pickle.dumps(ROWS), "is no Parquet file: it is a pickle"),
    "c.parquet": (CSV, "is no Parquet file: it is something else"),
    "d.parquet": (GOOD["h.parquet"][0][:-9], "is no Parquet file: it is cut off"),
    "e.parquet": (b"PAR1" + bytes(100) + b"PAR1", "is a Parquet file that cannot be read"),
    "f.parquet": (pack_parquet({"a": pyarrow.array([], pyarrow.string())}), "has no rows"),
    "i.csv": (CSV.encode("utf-16")[:-1], "is damaged UTF-16 text or no text"),
    "j.csv": (CSV.encode("utf-16-le"), "is UTF-16 text or no text"),
    "k.csv": ("question,gold\nWhere?,Köln\n".encode("latin-1"), "line 2: this is not UTF-8 text"),
    "l.csv": ("question,gold\nWho?,An\0n\n", "line 2: there is a NUL character"),
    "m.csv": ('question,gold\nWho?,Ann\n"Who?,Bo\n', "line 3: a quotation mark is not closed"),
    "n.csv": ('question,gold\n"Who" now?,Bo\n', "line 2: a quotation mark is not closed, or is not at the end"),
    "o.csv": (
        "a,b\n1,2\n1\n1,2,3\n",
        "nothing was read. line 3: cells: 1, but line 1 names 2 columns; line 4: cells: 3",
    ),
    "p.csv": ("a,b,a\n1,2,3\n", "there are two columns 'a'"),
    "a.jsonl": (JSONL + '{"question": "Who', "line 3: not JSON (Unterminated string"),
    "b.jsonl": (
        "[1]\n" + JSONL + "{}x\n",
        'line 1: expected a row such as {"question": "...", "answer": "..."}; line 4',
    ),
    "c.jsonl": ("1\n" * 9, "line 5: expected a row such as"),
    "d.jsonl": ('{"a": "x\0y"}', "line 1: there is a NUL character"),
    "e.jsonl": ('{"a": ' + "[" * 100_000, "line 1: not JSON that can be read (too many brackets)"),
    "f2.jsonl": ('{"a": ' + "1" * 5000 + "}", "line 1: a number is too long"),
    "b.json": (JSONL, "line 2: not JSON (Extra data at character 1; one row a line is called .jsonl)"),
    "c.json": ('{"a": 1}', "expected a list of rows"),
    "d.json": ('[{"a": 1}, 2]', "entry 2: expected a row"),
    "e.json": ("[" * 100_000, "too many brackets"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_an_error_that_says_what_and_where(tmp_path, name):
    content, message = BAD[name]
    with pytest.raises(ValueError, match=f"^{re.escape(name)}.*{re.escape(message)}"):
        read_table(write(tmp_path / name, content))


def test_five_bad_rows_are_named_and_no_more(tmp_path):
    with pytest.raises(ValueError, match=r"line 6: .* \(there may be more\)$") as caught:
        read_table(write(tmp_path / "a.csv", "a,b\n" + "1\n" * 9))
    assert str(caught.value).count("cells: 1") == 5


@pytest.mark.parametrize(
    ("name", "content", "sentences"),
    [
        ("a.csv", "a,b\n1,2\n1\n3,4\n", ["line 3: cells: 1, but line 1 names 2 columns"]),
        ("a.jsonl", '{"a": "1"}\n[2]\n{"a": "3"}\n', ["line 2: expected a row such as"]),
        ("a.json", '[{"a": "1"}, 2, {"a": "3"}]', ["entry 2: expected a row such as"]),
    ],
)
def test_bad_rows_are_skipped_and_listed_where_that_is_asked(tmp_path, name, content, sentences):
    skipped = []
    table = read_table(write(tmp_path / name, content), skipped=skipped)
    assert [row["a"] for row in table.rows] == ["1", "3"] and table.location(1)[-1] in "43"
    assert len(skipped) == len(sentences) and all(map(str.startswith, skipped, sentences))


def test_another_encoding_is_asked_for_and_then_read(tmp_path):
    path = write(tmp_path / "a.csv", "question,gold\nWhere’s Köln?,Köln\n".encode("windows-1252"))
    with pytest.raises(NotUnicodeError, match="line 2: this is not UTF-8 text"):
        read_table(path)
    assert read_table(path, Kind(encoding="windows-1252")).rows[0] == {"question": "Where’s Köln?", "gold": "Köln"}


def test_lists_of_rows_within_an_object_are_sections(tmp_path):
    path = write(tmp_path / "a.json", '{"set": {"train": [{"a": 1}], "test": [{"a": 2}], "size": 2}, "empty": []}')
    assert read_table(path, Kind(sections=True)).rows == (
        {"section": "set.train", "a": 1},
        {"section": "set.test", "a": 2},
    )
    with pytest.raises(ValueError, match="expected a list of rows"):
        read_table(path)


def test_cells_of_a_workbook_are_values(tmp_path):
    rows = [["a", "", "c"], [1, datetime(2026, 3, 1, 10), "=1+1"], [2.5, True, None]]
    table = read_table(write(tmp_path / "a.xlsx", pack_workbook(rows)))
    assert table.columns == ("a", "column 2", "c")
    assert table.rows[0] == {"a": 1, "column 2": "2026-03-01T10:00:00", "c": None}  # nothing has computed the formula
    assert table.rows[1] == {"a": 2.5, "column 2": True, "c": None}


@pytest.mark.slow
def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "a.xlsx", pack_workbook([["a"], ["x" * 20_000]]))
    book = openpyxl.load_workbook(path)
    book.active["XFD1048576"] = "far away"
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(ValueError, match="more than 10,000,000 values"):
        read_table(tmp_path / "b.xlsx")
    monkeypatch.setattr(packed_tables, "LARGEST_TEXT", 10_000)
    with pytest.raises(ValueError, match="unpacks to more than"):
        read_table(path)


@pytest.mark.parametrize("name", ["none.csv", "folder.csv"])
def test_a_file_that_is_not_there(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match=f"^cannot read .*{name}: "):
        read_table(tmp_path / name)


# Limits


def test_a_file_over_50_mb_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(100_000_000)  # a hole, which takes no place on the disk
    with pytest.raises(ValueError, match=r"^large\.csv has 100 MB: at most 50 MB can be read, divide it"):
        read_table(path)


def test_a_megabyte_in_a_cell_is_fine_and_more_than_ten_are_not(tmp_path):
    table = read_table(write(tmp_path / "a.csv", f"a,b\n{'x' * 1_000_000},1\n"))
    assert len(table.rows[0]["a"]) == 1_000_000
    with pytest.raises(ValueError, match="line 2: a cell has more than 10,000,000 characters"):
        read_table(write(tmp_path / "b.csv", f"a,b\n{'x' * 10_000_001},1\n"))
    with pytest.raises(ValueError, match="line 1: a has 10,000,001 characters, at most 10,000,000"):
        read_table(write(tmp_path / "b.jsonl", json.dumps({"a": "x" * 10_000_001})))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "a\n" + "1\n" * 100_001),
        ("a.jsonl", "{}\n" * 100_001),
        ("a.json", "[" + "{}," * 100_000 + "{}]"),
        ("a.parquet", pack_parquet({"a": [1] * 100_001})),
    ],
)
def test_more_than_100_000_rows_are_refused(tmp_path, name, content):
    with pytest.raises(ValueError, match="has more than 100,000 rows: divide it"):
        read_table(write(tmp_path / name, content))


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("a.csv", "a,b\n1,2\n" + "x," * 100_001, "a.csv, line 3 has more than 100,000 cells"),
        ("a.csv", 'a,b\n1,"' + "x," * 100_001 + '"\n', "a.csv, line 2 has more than 100,000 cells"),
        ("a.csv", "," * 8_000_001, "a.csv holds more than 8,000,000 values"),
        ("a.tsv", "a\tb\n1\t2" + "\n" * 3_000_001, "a.tsv has more than 3,000,000 lines"),
        ("a.json", "[" + "1," * 3_000_000 + "1]", "a.json holds more than 3,000,000 values"),
        ("a.jsonl", '{"a": [' + "[]," * 700_000 + "[]]}", "a.jsonl holds more than 3,000,000 values"),
    ],
)
def test_what_would_hold_up_other_threads_is_refused_before_it_is_decoded(monkeypatch, tmp_path, name, text, sentence):
    """Reading JSON, or one line of CSV, lets no other thread of the process run."""
    monkeypatch.setattr(json, "loads", lambda text: pytest.fail("it was decoded"))
    with pytest.raises(ValueError, match=sentence):
        read_table(write(tmp_path / name, text))


def test_more_than_a_thousand_columns_are_refused(tmp_path):
    row = json.dumps({str(n): n for n in range(1_001)})
    with pytest.raises(ValueError, match="has 1,001 columns"):
        read_table(write(tmp_path / "a.jsonl", row))


REPEATED = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 1_000, pyarrow.int32()), ["x" * 1_000_000])


@pytest.mark.parametrize(
    "column",
    [
        REPEATED,
        pyarrow.ListArray.from_arrays([0, 1_000], REPEATED),
        pyarrow.StructArray.from_arrays([REPEATED], ["a"]),
    ],
)
def test_a_text_stored_once_and_shown_often_is_counted_before_it_is_unpacked(tmp_path, column):
    content = pack_parquet({"a": column})
    assert len(content) < 500_000
    with pytest.raises(ValueError, match=r"a\.parquet unpacks to more than 200 MB"):
        read_table(write(tmp_path / "a.parquet", content))


def test_parquet_in_other_types(tmp_path, monkeypatch):
    monkeypatch.setattr(packed_tables, "LARGEST_TEXT", 10_000)
    columns = {"a": ["x", None], "b": [[{"c": "\0"}], []], "d": [1.5, None], "e": [True, False]}
    table = read_table(write(tmp_path / "a.parquet", pack_parquet(columns)))
    assert table.rows[0] == {"a": "x", "b": [{"c": "\0"}], "d": 1.5, "e": True}
    assert table.rows[1] == {"a": None, "b": [], "d": None, "e": False}
    with pytest.raises(ValueError, match="unpacks to more"):
        read_table(write(tmp_path / "b.parquet", pack_parquet({"a": ["x" * 1_000] * 11})))


def test_a_space_behind_every_comma_of_the_head_is_no_part_of_the_cells(tmp_path):
    spaced, plain = tmp_path / "spaced.csv", tmp_path / "plain.csv"
    spaced.write_text('question, answer\n"Who, then?", "Ann, or ""Bo"""\n')
    plain.write_text("question,answer\nWho?, Ann\n")
    assert read_table(spaced).rows == ({"question": "Who, then?", "answer": 'Ann, or "Bo"'},)
    assert read_table(plain).rows == ({"question": "Who?", "answer": " Ann"},)


def test_beside_other_threads_one_table_is_read_at_a_time_and_with_rests(monkeypatch, tmp_path):
    path = write(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 2_000)
    rests, reading, read, own_parse = [], [], [], tabular._parse
    monkeypatch.setattr(tabular.time, "sleep", rests.append)
    assert len(read_table(path).rows) == 2_000 and not rests, "a command has nobody beside it"

    def parse(*args):
        reading.append(args)
        table = own_parse(*args)
        assert len(reading) == 1, "two are read at once"
        read.append(reading.pop())
        return table

    monkeypatch.setattr(tabular, "_parse", parse)
    with ThreadPoolExecutor(4) as threads:
        tables = list(threads.map(read_table, [path] * 8))
    assert len(read) == 8 and all(len(table.rows) == 2_000 for table in tables)
    assert len(rests) >= 8 * 2_000 // tabular.PIECE and all(0 <= rest < 1 for rest in rests)
