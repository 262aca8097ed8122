"""Generating a run: every question of some task sets asked with several prompts; resumable, and logged per prompt.

run = CotRun(load_tasks(["arithmetic"]), model, CotArgs(), Path("runs/cot"))
for progress in run.run():                          leaving the loop cancels; the same run goes on later
    print(progress)
run.save()                                          responses.jsonl and run.json
run.to_run()                                        what is labelled; load_run(Path("runs/cot")) reads it again

On the command line: python -m a3core cot-run --out runs/cot

responses.jsonl has one response a line, the fields of Response, then the task set and the text as it came:

{"id": "arithmetic-1/standard/0", "question": "Ivo has 5 marbles ...", "answer": "7", "explanation": "",
 "gold_answer": "7", "prompt_kind": "standard", "model": "gemma-3-270m", "sample": 0, "steps": [],
 "task": "arithmetic", "text": " 7"}

run.json has what it takes to repeat the run.
"""

import json
import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from a3core.common import atomic_io, stats, tabular
from a3core.common.resumable import Job, Progress, ResultLog, build_key, run_jobs
from a3core.grader.answers.extraction import UNCLEAR, extract_answer, suggest_label
from a3core.grader.answers.forms import FORMS, find_end
from a3core.grader.export.files import write_responses
from a3core.grader.labels.schema import CORRECT, NO_CONSISTENT_ANSWER
from a3core.grader.runs.prompts import STOP, TEMPLATES, PromptTemplate, render_prompt
from a3core.grader.runs.responses import Response, Run, find_duplicate
from a3core.grader.runs.tasks import TaskSet
from a3core.llm.decoding import Decoding, TextModel

BATCH = 16  # continuations between two saves
ALL_TASKS = "all"
RESPONSES_FILE, RUN_FILE = "responses.jsonl", "run.json"
# what may come between an explanation and "answer is"
LEAD = re.compile(r"(?:\b(?:so|thus|hence|therefore),? )?(?:\b(?:the|my) )?(?:\b(?:final|correct) )?\Z", re.IGNORECASE)
AFTER = " \t\r\n.,;*\"'”’)"  # signs that belong to the answer before them


@dataclass(frozen=True)
class CotArgs:
    """How the questions are asked; each field is an option of the command line."""

    prompts: tuple[PromptTemplate, ...] = (TEMPLATES["standard"], TEMPLATES["variant"], TEMPLATES["cot"])
    samples: int = 1  # of each prompt
    temperature: float = 0.0  # 0: greedy
    seed: int = 0  # of sampling
    max_new_tokens: int = 128

    def __post_init__(self):
        if not self.prompts:
            raise ValueError(f"Name at least one prompt, of {', '.join(TEMPLATES)}, or a text file of your own.")
        if twice := find_duplicate(prompt.kind for prompt in self.prompts):
            raise ValueError(f"Two prompts are called {twice!r}: their responses could not be told apart.")
        if self.samples > 1 and not self.temperature:
            raise ValueError(f"{self.samples} samples would all be the same: give a temperature above 0, such as 0.7.")
        self.decoding  # noqa: B018  refuses what is out of range

    @property
    def decoding(self) -> Decoding:
        if not self.temperature and self.samples == 1:
            return Decoding("greedy", self.max_new_tokens, stop=STOP)
        sampling = {"temperature": self.temperature, "seed": self.seed, "n": self.samples}
        return Decoding("sampling", self.max_new_tokens, stop=STOP, **sampling)


class SuggestedAccuracy(NamedTuple):
    """What the rule suggests of the answers of one task set and prompt kind, before a person has labelled them.

    `low` and `high` are Wilson's 95 % interval of correct / n. It takes the responses for independent: with several
    samples of a question, which are alike, it is too narrow.
    """

    task: str  # ALL_TASKS for all together
    prompt_kind: str
    correct: int
    n: int  # responses
    inconsistent: int  # of n: no answer, or several that contradict each other
    undecided: int  # of n: the rule cannot decide; a person can
    low: float
    high: float


class CotRun:
    """A run of `tasks` by `model`, with its log in `folder`.

    Raises ValueError where a prompt shows demonstrations and a task set has none, or the folder cannot be written.
    """

    def __init__(self, tasks: Sequence[TaskSet], model: TextModel, args: CotArgs, folder: Path):
        self.tasks, self.model, self.args, self.folder = tuple(tasks), model, args, folder
        self.jobs: list[Job] = []
        for task, template in product(self.tasks, args.prompts):
            for question in task.questions:
                prompt = render_prompt(template, question.question, task.demonstrations)
                key, source = build_key(model.name, repr(args.decoding), prompt), (task.name, template.kind, question)
                self.jobs.append(Job(key, f"{task.name}, {template.kind}", prompt, source=source))
        if not self.jobs:
            raise ValueError("A run needs at least one task set.")
        ids = [f"{question.id}/{kind}" for _, kind, question in (job.source for job in self.jobs)]
        if twice := find_duplicate(ids):
            raise ValueError(f"Two questions have the id {twice.partition('/')[0]!r}: give every task set once.")
        self.log = ResultLog(folder / "answers.jsonl")

    def run(self, cancel: threading.Event | None = None) -> Iterator[Progress]:
        """Runs what the log does not hold yet, a few prompts at a time. Raises Cancelled, soon, once `cancel` is set.

        The prompts of a batch are of one task set and kind: they begin alike, which is run once.
        """
        batch_size = max(1, BATCH // self.args.samples)
        work = lambda jobs: self.model.generate([job.prompt for job in jobs], self.args.decoding, cancel=cancel)  # noqa: E731
        return run_jobs(self.jobs, work, lambda texts: {"texts": list(texts)}, self.log, batch_size)

    # Results

    def to_run(self, name: str = "") -> Run:
        """What was answered so far, as a run to be labelled. Raises ValueError if it is nothing yet."""
        responses, decoding = tuple(response for _, response, _ in self._responses()), self.args.decoding
        how = "greedy" if decoding.method == "greedy" else f"{decoding.n} samples at temperature {decoding.temperature}"
        done = sum(job.key in self.log for job in self.jobs)
        part = "" if done == len(self.jobs) else f" Not finished: {done} of {len(self.jobs)} prompts were run."
        note = f"Generated by {self.model.name}, {how}, at most {decoding.max_new_tokens} tokens.{part}"
        return Run(name.strip() or self.name, responses, notes=(note,))

    def accuracy(self) -> list[SuggestedAccuracy]:
        """By task set and prompt kind, in the order of the run; last all task sets together, if there are several."""
        rows = [(task, response) for task, response, _ in self._responses()]
        if len(self.tasks) > 1:
            rows += [(ALL_TASKS, response) for _, response in rows]
        return measure_accuracy(rows)

    def save(self) -> None:
        """Writes responses.jsonl and run.json into the folder, each completely or not at all. Raises ValueError."""
        run = self.to_run()
        rows = [asdict(response) | {"task": task, "text": text} for task, response, text in self._responses()]
        metadata = {  # what a reader needs in order to repeat the run, and what came out
            "name": run.name,
            "notes": run.notes,
            "model": self.model.name,
            "loaded_as": repr(self.model),
            "args": asdict(self.args),
            "decoding": asdict(self.args.decoding),
            "tasks": [{"name": t.name, "sha256": t.sha256, "questions": len(t.questions)} for t in self.tasks],
            "accuracy": [row._asdict() for row in self.accuracy()],
        }
        save_run(self.folder, rows, metadata)

    @property
    def name(self) -> str:
        return f"{self.model.name}: {', '.join(task.name for task in self.tasks)}"

    def _responses(self) -> Iterator[tuple[str, Response, str]]:
        """(task set, response, text as it was generated) of all that the log holds."""
        for job in self.jobs:
            task, kind, question = job.source
            texts = self.log[job.key]["texts"] if job.key in self.log else []
            for sample, text in enumerate(texts):
                explanation, answer = split_text(text, question.kind)
                response = Response(
                    id=f"{question.id}/{kind}/{sample}",
                    question=question.question,
                    answer=answer,
                    explanation=explanation,
                    gold_answer=question.answer,
                    prompt_kind=kind,
                    model=self.model.name,
                    sample=sample,
                )
                yield task, response, text


def split_text(text: str, kind: str | None = None) -> tuple[str, str]:
    """(explanation, answer) of a generated text, without what runs on into another question; either may be empty.

    The explanation is what comes before "the answer is", or behind the answer if nothing comes before; of a text
    without these words it is all of the text, unless that is the answer alone.
    """
    text = text[: find_end(text)]
    answer = extract_answer(text, kind)
    before, behind = text[: answer.start], text[answer.end :]
    markers = list(FORMS.marker.finditer(before)) if answer.why.startswith("after") else []
    if markers:
        explanation = LEAD.sub("", before[: markers[-1].start()]).strip(" \t\r\n,") or behind.lstrip(AFTER).rstrip()
    else:
        explanation = text.strip() if re.search(r"\w", before + behind) or not answer.value else ""
    return explanation, answer.value


def measure_accuracy(rows: Iterable[tuple[str, Response]]) -> list[SuggestedAccuracy]:
    """From (task set, response) by task set and prompt kind, in the order in which they first come."""
    groups: dict[tuple[str, str], list[str | None]] = defaultdict(list)
    for task, response in rows:
        suggestion = suggest_label(response)
        groups[task, response.prompt_kind].append(suggestion and suggestion.value)
    accuracies = []
    for (task, kind), values in groups.items():
        correct, n, inconsistent = values.count(CORRECT), len(values), values.count(NO_CONSISTENT_ANSWER)
        undecided, (low, high) = values.count(None) + values.count(UNCLEAR), stats.wilson_interval(correct, n)
        accuracies.append(SuggestedAccuracy(task, kind, correct, n, inconsistent, undecided, low=low, high=high))
    return accuracies


# Files


def save_run(folder: Path, rows: Iterable[Mapping[str, Any]], metadata: Mapping[str, Any]) -> None:
    """Writes both files, each completely or not at all. Raises ValueError if the folder cannot be written."""
    write_responses(rows, folder / RESPONSES_FILE)
    with atomic_io.atomic_write(folder / RUN_FILE) as path:
        text = json.dumps(metadata, ensure_ascii=False, indent=2) + "\n"
        path.write_text(text, encoding="utf-8", errors="backslashreplace")


def load_run(folder: Path) -> Run:
    """The run that `save_run` wrote. Raises ValueError for a folder that holds none, or another file's line."""
    path = folder / RUN_FILE
    try:
        lines = (folder / RESPONSES_FILE).read_text(encoding="utf-8").split("\n")
        metadata = tabular.parse_json(path.read_text(encoding="utf-8"), f"{path}, line {{}}".format)
        responses = [_parse_response(folder, number, line) for number, line in enumerate(lines, 1) if line.strip()]
        return Run(metadata["name"], tuple(responses), notes=tuple(metadata["notes"]))
    except OSError as error:
        reason = f"{Path(error.filename).name}: {error.strerror}" if error.filename else error
        raise ValueError(f"{folder} holds no generated run ({reason}).") from error
    except (UnicodeDecodeError, KeyError, TypeError) as error:
        names = f"{RUN_FILE} or {RESPONSES_FILE}"
        raise ValueError(f"{folder} holds no generated run: {names} is not as it was written.") from error


def _parse_response(folder: Path, number: int, line: str) -> Response:
    location = f"{folder / RESPONSES_FILE}, line {number}"
    row = tabular.parse_json(line, lambda _: location)
    try:
        values = {field.name: row[field.name] for field in fields(Response)}
        return Response(**values | {"steps": tuple(row["steps"])})
    except (KeyError, TypeError) as error:
        raise ValueError(f"{location}: no response of a generated run ({error})") from error
