"""The task sets: ten questions each, gold answers computed a second time, and every way a file can be wrong."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import operator
import re
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from a3core.grader.answers.extraction import extract_answer, match_answers
from a3core.grader.runs.prompts import EXPLANATIONS, TEMPLATES, render_demonstration, render_prompt
from a3core.grader.runs.responses import fold_text
from a3core.grader.runs.tasks import FOLDER, TASKS, load_task, load_tasks

GOOD = [
    {"part": "demonstration", "question": "What is 1 + 1?", "explanation": "1 + 1 = 2.", "answer": "2"},
    {"part": "validation", "id": "a", "question": "What is 2 + 2?", "answer": "4"},
    {"part": "validation", "question": "What is 3 + 3?", "answer": "6"},
]


def read_rows(name: str) -> list[dict]:
    return [json.loads(line) for line in (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def write(tmp_path):
    def write_rows(*rows, name="own.jsonl"):
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(tmp_path / name)

    return write_rows


# The project's own


@pytest.mark.parametrize("name", TASKS)
def test_ten_questions_and_worked_demonstrations(name):
    task = load_task(name)
    assert len(task.questions) == 10 and 6 <= len(task.demonstrations) <= 8
    asked = [fold_text(question.question) for question in task.questions]
    shown = [fold_text(demonstration.question) for demonstration in task.demonstrations]
    assert len({*asked, *shown}) == len(asked) + len(shown)
    assert all(len(demonstration.explanation.splitlines()) >= 2 for demonstration in task.demonstrations)
    assert all("\n\n" not in demonstration.explanation for demonstration in task.demonstrations)


def test_every_file_is_a_task_set():
    assert {path.stem for path in FOLDER.glob("*.jsonl")} == set(TASKS)
    assert len(load_tasks(TASKS)) == len(TASKS)


def test_answers_are_of_the_kind_that_is_asked_for():
    kinds = {task.name: {question.kind for question in task.questions} for task in load_tasks(TASKS)}
    assert kinds == {
        "arithmetic": {"number"},
        "last-letters": {"name"},
        "dates": {"date"},
        "yes-no-facts": {"yes/no"},
        "commonsense": {"choice"},
    }


@pytest.mark.parametrize("name", TASKS)
def test_one_question_s_answer_does_not_pass_for_another_s(name):
    answers = {question.answer for question in load_task(name).questions}
    for one, other in itertools.permutations(answers, 2):
        assert match_answers(one, other) is False and match_answers(one, one) is True


@pytest.mark.parametrize("name", TASKS)
def test_a_demonstration_is_an_answer_that_the_rule_reads(name):
    task = load_task(name)
    kind = task.questions[0].kind
    for demonstration in task.demonstrations:
        for explained in (False, True):
            text = render_demonstration(demonstration, explained).split("Answer:", 1)[1]
            assert match_answers(extract_answer(text, kind).value, demonstration.answer, kind) is True


def test_answers_that_could_be_guessed_are_balanced():
    for name in ("yes-no-facts", "commonsense"):
        answers = [row["answer"] for row in read_rows(name) if row["part"] == "validation"]
        shares = [answers.count(answer) for answer in set(answers)]
        assert max(shares) - min(shares) <= 1, name


def test_a_choice_is_one_of_the_options():
    for row in read_rows("commonsense"):
        assert row["answer"] in ("(a)", "(b)", "(c)") and all(f"({letter}) " in row["question"] for letter in "abc")


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def compute(node: ast.AST) -> Fraction:
    """The value of a parsed sum of whole numbers, and of nothing else."""
    if isinstance(node, ast.BinOp):
        return OPERATORS[type(node.op)](compute(node.left), compute(node.right))
    assert isinstance(node, ast.Constant) and type(node.value) is int, ast.dump(node)
    return Fraction(node.value)


def test_sums_are_right():
    for row in read_rows("arithmetic"):
        expression = row["check"]["expression"]
        assert compute(ast.parse(expression, mode="eval").body) == Fraction(row["answer"]), row
        told = [int(part) for part in row["question"].replace(".", " ").replace(",", " ").split() if part.isdecimal()]
        asked = [node.value for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Constant)]
        assert sorted(told) == sorted(asked), row


def test_every_step_of_a_sum_is_right():
    for demonstration in load_task("arithmetic").demonstrations:
        first, *steps = demonstration.explanation.splitlines()
        assert first.endswith("at first.") and steps
        for step in steps:
            left, right = re.search(r"has ([0-9 +*/-]+) = ([0-9]+) ", step).groups()
            assert compute(ast.parse(left, mode="eval").body) == int(right), step
        assert right == demonstration.answer


def test_last_letters_are_right():
    for row in read_rows("last-letters"):
        first, second = row["check"]["words"]
        assert row["question"] == f"What are the last letters of {'-'.join(first)} and {'-'.join(second)}?"
        assert row["answer"] == f"{first[-1]} and {second[-1]}"


def write_date(day: date) -> str:
    return f"{day.day} {day:%B} {day.year}"


def test_dates_are_right():
    words = {"tomorrow": 1, "yesterday": -1, "in": 1, "ago": -1}
    for row in read_rows("dates"):
        start, days = date.fromisoformat(row["check"]["from"]), row["check"]["days"]
        assert row["question"].startswith(f"Today is {write_date(start)}. ")
        assert row["answer"] == write_date(start + timedelta(days=days)), row
        asked = row["question"].rpartition("date ")[2].rstrip("?").split()
        count = next((int(word) for word in asked if word.isdecimal()), 1)
        assert days == count * next(sign for word, sign in words.items() if word in asked), row


# Files of one's own


def test_a_file_of_ones_own(write):
    task = load_task(write(*GOOD, ""))
    assert task.name == "own" and [question.id for question in task.questions] == ["a", "own-line-3"]
    assert task.demonstrations[0].explanation == "1 + 1 = 2." and len(task.sha256) == 64
    assert "1 + 1 = 2.\nThe answer is 2." in render_prompt(TEMPLATES["cot"], "What?", task.demonstrations)


def test_the_fingerprint_is_of_the_bytes_that_were_parsed(tmp_path, monkeypatch):
    """The file is read once: what another program writes to it meanwhile is neither parsed nor recorded."""
    path, read, reads = tmp_path / "own.jsonl", Path.read_bytes, []
    path.write_bytes((FOLDER / f"{TASKS[0]}.jsonl").read_bytes())
    monkeypatch.setattr(Path, "read_bytes", lambda self: reads.append(read(self)) or reads[-1])
    assert load_task(str(path)).sha256 == hashlib.sha256(reads[0]).hexdigest() and len(reads) == 1


def test_without_demonstrations_only_what_shows_them_is_refused(write):
    task = load_task(write(GOOD[1]))
    assert render_prompt(TEMPLATES["standard"], task.questions[0].question, task.demonstrations)
    assert EXPLANATIONS in TEMPLATES["cot"].text
    with pytest.raises(ValueError, match="the task set has none"):
        render_prompt(TEMPLATES["cot"], task.questions[0].question, task.demonstrations)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "line 4: not JSON"),
        ("[" * 100_000, "line 4: not JSON"),
        ("[1]", "line 4: expected a row such as"),
        ({"part": "test", "question": "x"}, 'line 4: expected an object with "part"'),
        ({"part": ["validation"]}, 'line 4: expected an object with "part"'),
        (GOOD[1] | {"answer": " "}, "line 4: 'answer' must be a text that is not empty"),
        (GOOD[1] | {"answer": 4}, "line 4: 'answer' must be a text"),
        (GOOD[1] | {"id": 4}, "line 4: 'id' must be a text"),
        (GOOD[1] | {"awnser": "4"}, "line 4: a validation has no 'awnser'"),
        (GOOD[0] | {"id": "b"}, "line 4: a demonstration has no 'id'"),
        ({"part": "demonstration", "question": "x", "answer": "y"}, "line 4: 'explanation' must be"),
        (GOOD[1] | {"question": "What is 5 + 5?"}, "two questions with the id 'a'"),
        (GOOD[1] | {"id": "b", "question": "what is  1 + 1?"}, "one of its demonstrations answers"),
    ],
)
def test_files_that_are_wrong(write, row, message):
    with pytest.raises(ValueError, match=message):
        load_task(write(*GOOD, row))


def test_no_task_set(write, tmp_path):
    with pytest.raises(ValueError, match="no task set 'sums': name one of arithmetic, "):
        load_task("sums")
    with pytest.raises(ValueError, match=r"cannot read .*none\.jsonl: No such file"):
        load_task(str(tmp_path / "none.jsonl"))
    (tmp_path / "latin.jsonl").write_bytes(b"\n{'x': '\xe9'}")
    with pytest.raises(ValueError, match=r"latin\.jsonl, line 2: this is not UTF-8"):
        load_task(str(tmp_path / "latin.jsonl"))
    with pytest.raises(ValueError, match="asks nothing"):
        load_task(write(GOOD[0]))


def test_task_sets_are_named_once(write):
    with pytest.raises(ValueError, match="'arithmetic-1' is asked twice"):
        load_tasks(["arithmetic", "arithmetic"])
    with pytest.raises(ValueError, match="at least one task set"):
        load_tasks([])
