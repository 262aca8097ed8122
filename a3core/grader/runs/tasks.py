"""Task sets: questions with gold answers, and the worked demonstrations that a prompt may show before them.

A file of JSON lines, in any order of its two parts; assets/cot_tasks/ holds the project's own, ten questions each:

    {"part": "demonstration", "question": "Mila has 4 pencils and finds 3 more. How many pencils has she now?",
     "explanation": "Mila has 4 pencils at first.\\nShe finds 3 more, so she has 4 + 3 = 7 pencils.", "answer": "7"}
    {"part": "validation", "id": "arithmetic-1",
     "question": "Ivo has 5 marbles and finds 2 more. How many marbles has he now?", "answer": "7"}

An explanation has one step on each line. `id` may be left out; `check` may say how the answer is computed, and is read
by the tests alone. What an answer is compared as (number, date, yes/no, choice, name) is seen from the gold answer.

    task = load_task("arithmetic")           one of TASKS, or a file of one's own
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common.paths import ASSETS
from a3core.common.tabular import Kind, parse_table, read_content, read_each
from a3core.grader.answers.values import guess_kind
from a3core.grader.runs.responses import find_duplicate, fold_text

TASKS = ("arithmetic", "last-letters", "dates", "yes-no-facts", "commonsense")
FOLDER = ASSETS / "cot_tasks"
# what a row of each part holds, and what it may hold
NEEDED = {"validation": ("question", "answer"), "demonstration": ("question", "explanation", "answer")}
ALLOWED = {"validation": ("id", "check"), "demonstration": ("check",)}
TASK_FILE = Kind(name="task file", rows='rows with a "part", a question and an answer')


class Question(NamedTuple):
    """What is asked."""

    id: str
    question: str
    answer: str  # gold

    @property
    def kind(self) -> str:
        """What answers are looked for: one of a3core.grader.answers.values.KINDS."""
        return guess_kind(self.answer)


class Demonstration(NamedTuple):
    """A question that a prompt answers itself; the prompt has its explanation or leaves it out."""

    question: str
    explanation: str  # one step a line
    answer: str


@dataclass(frozen=True)
class TaskSet:
    """Questions of one sort. Raises ValueError for none, for two with the same id, or for one that is demonstrated."""

    name: str
    questions: tuple[Question, ...]
    demonstrations: tuple[Demonstration, ...]
    sha256: str  # of the file

    def __post_init__(self):
        if not self.questions:
            raise ValueError(f"{self.name} asks nothing: a task set needs rows whose part is validation")
        if twice := find_duplicate(question.id for question in self.questions):
            raise ValueError(f"{self.name} has two questions with the id {twice!r}")
        demonstrated = {fold_text(demonstration.question) for demonstration in self.demonstrations}
        for question in self.questions:
            if fold_text(question.question) in demonstrated:
                raise ValueError(f"{self.name} asks {question.question!r}, which one of its demonstrations answers")


def load_task(name: str) -> TaskSet:
    """One of the project's own task sets, or the JSON lines file of that name. Raises ValueError with the bad line."""
    path = FOLDER / f"{name}.jsonl" if name in TASKS else Path(name).expanduser()
    if name not in TASKS and path.suffix != ".jsonl":
        raise ValueError(
            f"There is no task set {name!r}: name one of {', '.join(TASKS)}, or a file that ends with .jsonl"
        )
    content = read_content(path, TASK_FILE.largest_file, TASK_FILE.rows)
    table = parse_table(path, content, TASK_FILE)
    rows = read_each(path.name, range(len(table.rows)), lambda row: _parse_row(table.location(row), table.rows[row]))
    questions, demonstrations = [], []
    for number, row in zip(table.lines, rows, strict=True):
        if row["part"] == "validation":
            questions.append(Question(row.get("id") or f"{path.stem}-line-{number}", row["question"], row["answer"]))
        else:
            demonstrations.append(Demonstration(row["question"], row["explanation"], row["answer"]))
    return TaskSet(path.stem, tuple(questions), tuple(demonstrations), hashlib.sha256(content).hexdigest())


def load_tasks(names: Iterable[str]) -> list[TaskSet]:
    """Several task sets. Raises ValueError for none, or where two have a question with the same id."""
    tasks = [load_task(name) for name in names]
    if not tasks:
        raise ValueError(f"Name at least one task set, of {', '.join(TASKS)}")
    if twice := find_duplicate(question.id for task in tasks for question in task.questions):
        raise ValueError(f"the question {twice!r} is asked twice: every task set once, and every id once")
    return tasks


def _parse_row(location: str, row: dict[str, Any]) -> dict[str, str]:
    """The row's texts. Raises ValueError that says what is wrong with it."""
    part = row.get("part")
    if part not in list(NEEDED):  # not the dict itself: a part may be unhashable
        raise ValueError(f'{location}: expected an object with "part": "validation" or "part": "demonstration"')
    needed, known = NEEDED[part], (*NEEDED[part], *ALLOWED[part])
    if unknown := sorted({*row} - {"part", *known}):
        raise ValueError(f"{location}: a {part} has no {unknown[0]!r}; it has {', '.join(known)}")
    for name in (*needed, *(["id"] if "id" in row else [])):
        if not isinstance(row.get(name), str) or not row[name].strip():
            raise ValueError(f"{location}: {name!r} must be a text that is not empty")
    return {name: cell.strip() for name, cell in row.items() if name != "check"}
