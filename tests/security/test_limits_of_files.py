"""Every reader of other people's files refuses a hostile one of its size limit in two seconds and 300 MB."""

from __future__ import annotations

from pathlib import Path

import pytest
from measured import read_in_process

SECONDS, MEGABYTES = 2, 300
SIZE = 49_000_000  # bytes; every reader of the page takes 50 MB at most
READERS = {
    "import": "from a3core.common.tabular import read_table as read",
    "pool": "from a3core.fewshot.pools import load_pool as read",
    "questions": "from a3core.birthplace.data.loading import load_questions as read",
    "tasks": "from a3core.grader.runs.tasks import load_task; read = lambda path: load_task(str(path))",
}


def write_equal_numbers(path: Path) -> None:
    """One row, a list of a hundred million equal numbers: 900 bytes."""
    import pyarrow
    import pyarrow.parquet

    numbers = pyarrow.repeat(pyarrow.scalar(0, pyarrow.int64()), 100_000_000)
    rows = pyarrow.ListArray.from_arrays([0, len(numbers)], numbers)
    table = pyarrow.table({"question": rows, "answers": rows})
    pyarrow.parquet.write_table(table, path, write_statistics=False)  # they would take most of the time


@pytest.fixture(scope="module")
def equal_numbers(tmp_path_factory) -> Path:
    """`equal.parquet`, which is written once: its columns have a hundred million numbers before they are packed."""
    path = tmp_path_factory.mktemp("equal") / "equal.parquet"
    write_equal_numbers(path)
    assert path.stat().st_size < 10_000
    return path


def repeat(text: str) -> str:
    return text * (SIZE // len(text))


FILES = {
    "columns.csv": lambda: "question,answer," + ",".join(f"c{i}" for i in range(40_000)) + "\n",
    "same_columns.csv": lambda: repeat("a,"),
    "delimiters.csv": lambda: "question,answer\n" + repeat(","),
    "quotes.csv": lambda: 'question,answer\n"' + repeat('""'),
    "one_cell.csv": lambda: "question,answer\na," + repeat("x"),
    "lines.csv": lambda: "question,answer\n" + repeat("\n"),
    "returns.csv": lambda: "question,answer\n" + repeat("\r"),
    "lists.json": lambda: "[" + repeat("[],"),
    "numbers.json": lambda: "[" + repeat("0,") + "0]",
    "brackets.json": lambda: repeat("["),
    "text.json": lambda: '["' + repeat("x"),
    "lists.jsonl": lambda: repeat('{"question": [[],[],[],[],[],[],[],[]]}\n'),
    "keys.jsonl": lambda: "".join(f'{{"k{i}": 1}}\n' for i in range(90_000)),
    "rows.jsonl": lambda: repeat("{}\n"),
    "digits.jsonl": lambda: '{"question": ' + repeat("1") + "}",
    "tabs.tsv": lambda: repeat("\t"),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reader", "name"),
    [
        (reader, name)
        for reader in READERS
        for name in (*FILES, "equal.parquet")
        # any other name of a task file is refused unread, and to the reader of questions keys are as good as any text
        if (reader != "tasks" or name.endswith(".jsonl")) and (reader, name) != ("questions", "keys.jsonl")
    ],
)
def test_a_hostile_file_of_the_largest_size_is_refused_soon(tmp_path, equal_numbers, reader, name):
    path = tmp_path / name
    if name.endswith(".parquet"):
        path.hardlink_to(equal_numbers)
    else:
        path.write_text(FILES[name](), encoding="utf-8")
    message, seconds, megabytes = read_in_process(READERS[reader], path)
    assert name.rpartition(".")[0] in message, message
    assert seconds < SECONDS and megabytes < MEGABYTES, f"{message}: {seconds:.1f} s, {megabytes:.0f} MB"
