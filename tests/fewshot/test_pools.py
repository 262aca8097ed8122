"""Pools in every format, and every way in which a file can be wrong: an error that names the first bad line."""

from __future__ import annotations

import json
import re

import pytest

from a3core.fewshot.pools import Demonstration, build_pool, load_pool

GOOD = [
    {"id": "a", "question": "Which river flows through Vienna?", "answers": ["Danube", "River Danube"]},
    {"id": "b", "question": "How many legs has a fly?", "answers": ["six", "6"], "value": "6", "subject": "animals"},
]


def write(path, content):
    path.write_bytes(content) if isinstance(content, bytes) else path.write_text(content, encoding="utf-8", newline="")
    return path


def lines(*rows) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def good(tmp_path):
    return load_pool(write(tmp_path / "good.jsonl", lines(*GOOD)))


def test_json_lines(good):
    assert len(good) == 2 and good.name == "good.jsonl" and good.notes == ()
    assert good[0] == Demonstration("a", GOOD[0]["question"], ("Danube", "River Danube"))
    assert good[1].value == good[1].answer == "6" and good[1].subject == "animals"


def test_a_row_without_value_shows_the_rules_choice(good):
    assert good[0].value is None and good[0].answer == "Danube"


@pytest.mark.parametrize(
    "text",
    [
        "id,question,answers\na,Which river flows through Vienna?,Danube|River Danube\n",
        'id,question,answers\r\na,"Which river flows through Vienna?","[""Danube"", ""River Danube""]"\r\n',
        "\ufeffID; Question ;Answers\na;Which river flows through Vienna?;Danube|River Danube\n\n",
        "id\tanswers\tquestion\na\tDanube| River Danube \tWhich river\u00a0flows through Vienna?\n",
    ],
)
def test_csv_in_its_dialects(tmp_path, text):
    pool = load_pool(write(tmp_path / "pool.csv", text))
    assert pool.rows == (Demonstration("a", GOOD[0]["question"], ("Danube", "River Danube")),)


def test_csv_with_one_answer_keeps_the_bar(tmp_path):
    pool = load_pool(write(tmp_path / "pool.csv", 'question,answer\n"Which sign, if any,\nis a pipe?",a | b\n'))
    assert pool[0] == Demonstration("pool-2", "Which sign, if any, is a pipe?", ("a | b",))


def test_the_original_triviaqa_format(tmp_path):
    entry = {
        "Question": "Who now?",
        "QuestionId": "tc_1",
        "Answer": {"Value": "Ann", "Aliases": ["Ann", "Anna"], "NormalizedAliases": ["ann"], "HumanAnswers": ["Annie"]},
    }
    only = {"Question": "Who then?", "QuestionId": "tc_2", "Answer": {"Value": "Bo"}}
    pool = load_pool(write(tmp_path / "dev.json", json.dumps({"Data": [entry, only], "Version": 1.0})))
    assert pool[0] == Demonstration("tc_1", "Who now?", ("Ann", "Anna", "Annie"), "Ann")
    assert pool[1].answers == ("Bo",)


def write_squad(folder, *qas: dict):
    paragraphs = [{"context": "A text.", "qas": [qa]} for qa in qas]
    content = {"version": "v2.0", "data": [{"title": "Owls", "paragraphs": paragraphs}]}
    return write(folder / "train.json", json.dumps(content))


def test_squad_s_own_nested_file(tmp_path):
    answers = [{"text": "Danube", "answer_start": 3}, {"text": "the Danube", "answer_start": 0}]
    none = {"id": "n", "question": "Which lake?", "answers": [], "is_impossible": True}
    pool = load_pool(write_squad(tmp_path, {"id": "s1", "question": "Which river?", "answers": answers}, none))
    assert pool.rows == (Demonstration("s1", "Which river?", ("Danube", "the Danube")),)
    with pytest.raises(ValueError, match=r"train\.json: its paragraphs are not those of SQuAD"):
        load_pool(write_squad(tmp_path, {"id": "s1", "question": "Which river?", "answers": ["Danube"]}))


def test_rows_that_cannot_be_read_are_skipped_on_request_and_listed(tmp_path):
    path = write(tmp_path / "own.jsonl", lines(GOOD[0], {"question": "Who?"}) + "{cut\n" + lines(GOOD[1]))
    pool = load_pool(f"skip:{path}")
    assert [row.id for row in pool.rows] == ["a", "b"] and pool.name == "own.jsonl"
    (note,) = pool.notes
    assert (
        note.startswith("Rows of own.jsonl that cannot be read: 2.")
        and "line 2: it has no" in note
        and "line 3" in note
    )
    with pytest.raises(ValueError, match="no row can be read"):
        load_pool(f"skip:{write(tmp_path / 'bad.jsonl', lines({'question': 'Who?'}))}")


def test_numbers_are_answers(tmp_path):
    assert load_pool(write(tmp_path / "p.jsonl", lines({"question": "How many?", "answer": 7})))[0].answers == ("7",)


OK = lines(GOOD[0])
BAD = {
    "empty.jsonl": ("", "empty.jsonl is empty"),
    "blank.csv": (" \n\n", "blank.csv is empty"),
    "header.csv": ("question,answers\n", "has no rows: expected rows with a question and its answers"),
    "none.json": ('{"Data": []}', "has no rows"),
    "columns.csv": (
        "question,reply\nWho?,Ann\n",
        "expected the columns question and answers (or answer), found",
    ),
    "columns.jsonl": (OK + lines({"question": "Who?"}), "line 2: it has no answers; it has question"),
    "question.jsonl": (OK + "\n" + lines({"answers": ["x"]}), "line 3: it has no question"),
    "twice.csv": ("question,answer,question\na,b,c\n", "two columns 'question'"),
    "ids.jsonl": (lines(*GOOD, GOOD[0]), "line 3: the id 'a' is also that of line 1"),
    "latin.csv": ("question,answer\nWhere?,Köln\n".encode("latin-1"), "line 2: this is not UTF-8 text"),
    "utf16.csv": ("question,answer\nWhere?,Köln\n".encode("utf-16")[:-1], "is damaged UTF-16 text or no text at all"),
    "quotes.csv": (
        'question,answer\nWho?,Ann\n"Who, then?,Bo\nWho now?,Cy\n',
        "line 3: a quotation mark is not closed",
    ),
    "inside.csv": ('question,answer\n"Who" then?,Bo\n', "line 2: a quotation mark"),
    "cells.csv": ("question,answer\nWho?,Ann\nWho, then?,Bo\n", "line 3: cells: 3, but line 1 names 2 columns"),
    "nan.csv": ("question,answer\nWho?,Ann\nWho then?,nan\n", "line 3: the answer is missing"),
    "missing.csv": ("question,answer\nWho?,\n", "line 2: the answer is missing"),
    "nan.jsonl": (OK + '{"question": "Who?", "answers": ["Bo", NaN]}', "line 2: the answer is missing (empty or NaN)"),
    "null.jsonl": (OK + '{"question": "Who?", "answers": null}', "line 2: the answer is missing"),
    "no-alias.jsonl": (OK + '{"question": "Who?", "answers": []}', "line 2: the answer is missing"),
    "no-question.jsonl": (OK + '{"question": " ", "answers": ["x"]}', "line 2: the question is empty"),
    "cut.jsonl": (OK + '{"question": "Who', "line 2: not JSON"),
    "list.jsonl": (OK + "[1]", "line 2: expected a row"),
    "dict.jsonl": (OK + '{"question": "Who?", "answers": [{"a": 1}]}', "line 2: the answer is"),
    "flag.jsonl": (OK + '{"question": true, "answers": ["x"]}', "line 2: the question is true, expected text"),
    "deep.json": ("[" * 100_000, "not JSON"),
    "text.json": ('"Who?"', "expected a list of rows"),
    "half.jsonl": (OK + '{"question": "\\ud83d", "answers": ["x"]}', "line 2: the question holds half a character"),
    "test.json": ('{"Data": [{"Question": "Who?", "QuestionId": "1"}]}', "entry 1: it has no Answer"),
    "pool.txt": ("Who? Ann", "pool.txt is no pool: expected a file that ends with .jsonl"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_an_error_that_names_the_line(tmp_path, name):
    content, message = BAD[name]
    with pytest.raises(ValueError, match=f"^{re.escape(name)}.*{re.escape(message.removeprefix(name))}"):
        load_pool(write(tmp_path / name, content))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read .*No such file"):
        load_pool(tmp_path / "none.jsonl")


def test_a_column_of_arbitrary_aliases_is_not_trusted_and_that_is_said():
    rows = [Demonstration("1", "Which town?", ("Rugby", "Rugby (disambiguation)"), "Rugby (disambiguation)")]
    pool = build_pool("sample", rows)
    assert pool[0].answer == "Rugby" and "arbitrary aliases" in pool.notes[0]
    assert build_pool("sample", [*rows, Demonstration("2", "Who?", ("Ann",), "Ann")])[1].value is None
    assert build_pool("sample", [Demonstration("2", "Who?", ("Ann",), "Ann")])[0].value == "Ann"


def test_a_bank_that_is_not_there():
    with pytest.raises(ValueError, match="There is no bank 'builtin:dev'"):
        load_pool("builtin:dev")


def write_hub_copy(path):
    """As the hub's copy of TriviaQA has them, with a column that is not read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    answer = {
        "value": "Owl",
        "aliases": ["Owls", "Owl"],
        "normalized_aliases": ["owls", "owl"],
        "type": "WikipediaEntity",
    }
    rows = [
        {"question": f"Which bird is {i}?", "question_id": f"tc_{i}", "answer": answer, "pages": "x"} for i in range(3)
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def test_parquet_as_the_hub_has_it(tmp_path):
    pool = load_pool(write_hub_copy(tmp_path / "train.parquet"))
    assert [row.id for row in pool.rows] == ["tc_0", "tc_1", "tc_2"]
    assert pool[0].answers == ("Owls", "Owl") and pool[0].answer == "Owl"


def test_the_hub_is_asked_for_the_file_that_is_meant(tmp_path, monkeypatch):
    asked = []

    def download(repository, file, repo_type):
        asked.append((repository, file, repo_type))
        return str(write_hub_copy(tmp_path / "file.parquet"))

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    assert len(load_pool("hub:triviaqa:validation")) == 3
    assert asked == [("mandarjoshi/trivia_qa", "unfiltered.nocontext/validation-00000-of-00001.parquet", "dataset")]
    with pytest.raises(ValueError, match="There is no 'hub:squad'"):
        load_pool("hub:squad")


def test_without_a_network_the_hub_is_one_sentence(monkeypatch):
    def refuse(*args, **options):
        raise OSError("no route to host")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", refuse)
    with pytest.raises(ValueError, match=r"cannot be loaded from the hub: no route to host\. A file of it"):
        load_pool("hub:triviaqa")


def test_a_parquet_file_that_is_none(tmp_path):
    (tmp_path / "bad.parquet").write_bytes(b"PK\x03\x04 not parquet")
    with pytest.raises(ValueError, match=r"bad\.parquet is no Parquet file"):
        load_pool(tmp_path / "bad.parquet")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("squad.jsonl", '{"question": "Who?", "answers": {"text": ["Ann", "A"], "answer_start": [1, 2]}}'),
        ("squad.csv", "question,answers\nWho?,\"{'text': ['Ann', 'A'], 'answer_start': [1]}\""),
        ("dpr.tsv", "question\tanswers\nWho?\t['Ann', 'A']"),
        ("cells.csv", 'question,answers\nWho?,"[\'Ann\', ""A""]"'),
        ("json.csv", 'question,answers\nWho?,"[""Ann"", ""A""]"'),
        ("webquestions.jsonl", '{"qText": "Who?", "answers": ["Ann", "A"]}'),
        ("pairs.jsonl", '{"input": "Who?", "output": ["Ann", "A"]}'),
        ("tuning.csv", "prompt,completion\nWho?,Ann"),
        ("spaced.csv", 'question, answers\n"Who?", "Ann|A"'),
        ("list.tsv", "question\tanswer\nWho?\t['Ann', \"A\"]"),
        (
            "dpr.json",
            '[{"dataset": "nq", "question": "Who?", "answers": ["Ann", "A"], "positive_ctxs": [{}]}]',
        ),
        ("published.json", '[{"utterance": "Who?", "targetValue": "(list (description \\"Ann\\") (description A))"}]'),
        ("open.jsonl", '{"question": "Who?", "answer": ["Ann", "A"]}'),
    ],
)
def test_layouts_that_people_bring(tmp_path, name, content):
    (tmp_path / name).write_text(content + "\n")
    (row,) = load_pool(tmp_path / name).rows
    assert row.question == "Who?" and row.answers == (("Ann",) if name == "tuning.csv" else ("Ann", "A"))


def test_a_file_of_dpr_keeps_its_first_row_and_its_lines(tmp_path):
    path = write(tmp_path / "nq.csv", "who is a\t['Ann']\nwho is b\t[\"Bob's\", 'B']\nwho is c\t[]\n")
    with pytest.raises(ValueError, match="line 3: the answer is missing"):
        load_pool(path)
    pool = load_pool(f"skip:{path}")
    assert [(row.id, row.answers) for row in pool.rows] == [("nq-1", ("Ann",)), ("nq-2", ("Bob's", "B"))]


def test_a_text_that_begins_with_a_bracket_is_one_answer(tmp_path):
    (row,) = load_pool(write(tmp_path / "pool.csv", "question,answer\nWho?,[sic] Ann\n")).rows
    assert row.answers == ("[sic] Ann",)


NESTED = {"doc": {"q": "Who?", "lang": "en"}, "gold": [{"text": "Ann"}, {"text": "A"}], "answer": {"note": "no answer"}}


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_any_column_or_path_can_be_a_field(tmp_path, suffix):
    path = tmp_path / f"nested{suffix}"
    if suffix == ".parquet":
        pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
        pq.write_table(pa.Table.from_pylist([NESTED]), path)
    else:
        write(path, lines(NESTED))
    (row,) = load_pool(f"{path}#question=doc.q + doc.lang&answers=gold[*].text&subject=doc.lang").rows
    assert (row.question, row.answers, row.subject) == ("Who? en", ("Ann", "A"), "en")
    (row,) = load_pool(f"skip:{path}#question=doc.q&answer=gold[0].text").rows
    assert row.answers == ("Ann",)


def test_columns_of_a_csv_are_named_too(tmp_path):
    path = write(tmp_path / "own.csv", "title,right,answers\nWho?,Ann|A,Bob\n")
    assert load_pool(f"{path}#question=title&answers=right").rows[0].answers == ("Ann", "A")
    with pytest.raises(ValueError, match=r"own\.csv has no column 'x' for the question; it has title, right"):
        load_pool(f"{path}#question=x")
    with pytest.raises(ValueError, match="A demonstration has no 'titel': it has question, answers"):
        load_pool(f"{path}#titel=x")
    other = write(tmp_path / "a#b.csv", "question,answer\nWho?,Ann\n")
    assert len(load_pool(other)) == 1  # the sign is part of a file's name


# The hub: a folder in its layout stands for it


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A dataset's files by revision, written by a test."""

    def list_files(self, repository, repo_type, revision="main"):
        assert (repository, repo_type) == ("someone/questions", "dataset")
        folder = tmp_path / revision
        return [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]

    def download(repository, name, repo_type, revision="main"):
        return str(tmp_path / revision / name)

    monkeypatch.setattr("huggingface_hub.HfApi.list_repo_files", list_files)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)

    def add(name: str, *rows: dict, revision: str = "main") -> None:
        path = tmp_path / revision / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(lines(*rows))

    return add


def test_a_dataset_of_the_hub_by_id_split_and_columns(hub):
    hub("README.md", {"question": "none"})
    hub("data/train-00000-of-00002.jsonl", {"q": "First?", "a": {"text": ["1"]}})
    hub("data/train-00001-of-00002.jsonl", {"q": "Second?", "a": {"text": ["2"]}})
    hub("data/validation-00000-of-00001.jsonl", {"q": "Third?", "a": {"text": ["3"]}})
    columns = "#question=q&answers=a.text"
    pool = load_pool(f"hub:someone/questions{columns}")
    assert pool.name == "hub:someone/questions" and pool.questions == ["First?", "Second?"]
    assert load_pool(f"skip:hub:someone/questions:validation{columns}").rows[0].answers == ("3",)
    with pytest.raises(ValueError, match="someone/questions has no files of the split 'test'"):
        load_pool(f"hub:someone/questions:test{columns}")


def test_a_dataset_with_configurations_needs_the_name_of_one(hub):
    for config in ("easy", "hard"):
        hub(f"{config}/test.jsonl", {"question": f"{config}?", "answer": "yes"})
    with pytest.raises(ValueError, match="Name a configuration after the split: easy, hard"):
        load_pool("hub:someone/questions:test")
    assert load_pool("hub:someone/questions:test:hard").questions == ["hard?"]


def test_a_dataset_made_by_a_script_is_read_from_the_hub_s_own_copy(hub):
    hub("questions.py", {"question": "none"})
    hub("default/train/0000.jsonl", {"question": "Who?", "answer": "Ann"}, revision="refs/convert/parquet")
    assert load_pool("hub:someone/questions").questions == ["Who?"]


def test_a_column_of_the_usual_name_comes_before_another(tmp_path):
    (tmp_path / "both.csv").write_text("question,prompt,answer,output\nWho?,Say:,Ann,Bob\n")
    (row,) = load_pool(tmp_path / "both.csv").rows
    assert (row.question, row.answers) == ("Who?", ("Ann",))
