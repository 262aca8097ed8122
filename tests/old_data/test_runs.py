"""Half-finished runs, an interrupted training and checkpoints of commit 77e427d go on with the present code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from fakes import BagOfWords
from safetensors.torch import load_file

from a3core.birthplace.checkpoints import CheckpointStore

# All names of the program that these tests use.
from a3core.birthplace.data.corpora import Question as BirthplaceQuestion
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.examples import SpanCorruptionDataset
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.model.vocabulary import build_vocabulary
from a3core.birthplace.service import BirthplaceService, to_json
from a3core.birthplace.training.args import TrainingArgs
from a3core.birthplace.training.trainer import read_curve, train
from a3core.fewshot.encoder import embed_texts
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.retrieval import Retriever
from a3core.fewshot.sweep.report import load_results
from a3core.fewshot.sweep.run import Sweep, SweepArgs
from a3core.grader.runs.birthplaces import BirthplaceRun, GoldQuestion
from a3core.grader.runs.generation import CotArgs, CotRun, load_run
from a3core.grader.runs.tasks import Demonstration as SolvedQuestion
from a3core.grader.runs.tasks import Question, TaskSet

ROOT = Path(__file__).resolve().parents[2]
OLD = Path(__file__).parent / "runs"


@pytest.fixture
def copy(tmp_path):
    """A copy of an old folder, so that no test changes it."""
    return lambda name: Path(shutil.copytree(OLD / name, tmp_path / name))


def read_log(folder: Path) -> list[dict]:
    """The log's entries; then it gets half a line, which is what a killed run leaves."""
    entries = read_lines(folder / "answers.jsonl")
    with (folder / "answers.jsonl").open("ab") as file:
        file.write(b'{"key": "half a li')
    return entries


def parse(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# Chain of thought

SUMS = TaskSet(
    "sums",
    tuple(Question(f"a{n - 1}", f"What is {n} + {n}?", str(2 * n)) for n in (2, 3, 4)),
    (SolvedQuestion("What is 1 + 1?", "One and one more.\n1 + 1 = 2.", "2"),),
    "0" * 64,
)
TOWNS = TaskSet(
    "towns",
    (Question("t1", "Where is the tower of Arlen?", "Arlen"),),
    (SolvedQuestion("Where is the tower of Brask?", "It stands there.", "Brask"),),
    "1" * 64,
)


class Counter:
    """Adds right with explanations, says 4 without; names Arlen in a sentence. Records what it was asked."""

    name = "counter"

    def __init__(self):
        self.asked: list[str] = []

    def __repr__(self) -> str:
        return "Counter(tiny)"

    def generate(self, prompts, decoding, cancel=None):
        self.asked += prompts
        return [[self._answer(prompt, i) for i in range(decoding.n)] for prompt in prompts]

    def _answer(self, prompt: str, sample: int) -> str:
        question = prompt.rpartition("Question: ")[2]
        if "tower" in question:
            return " The answer is old Arlen town.\n\n"
        a, b = (int(word.rstrip("?")) for word in question.split() if word.rstrip("?").isdecimal())
        if "1 + 1 = 2." in prompt:
            return f" {a} and {b} more.\n{a} + {b} = {a + b + sample}.\nThe answer is {a + b + sample}.\n"
        return " 4" if "Question: What is 1 + 1" in prompt else " I do not know."


def test_a_chain_of_thought_run_goes_on(copy):
    folder, model = copy("cot"), Counter()
    done = len(read_log(folder))
    run = CotRun((SUMS, TOWNS), model, CotArgs(samples=2, temperature=0.7), folder)
    list(run.run())
    assert done and len(model.asked) == 12 - done
    run.save()
    assert read_lines(folder / "responses.jsonl") == read_lines(OLD / "cot_expected" / "responses.jsonl")
    assert parse(folder / "run.json") == parse(OLD / "cot_expected" / "run.json")
    assert load_run(OLD / "cot_expected").responses == load_run(folder).responses


# Sweep

SUBJECTS = {
    "rivers": ["Which river flows through {}?", "Into which sea does the river of {} flow?"],
    "food": ["Which spice gives the stew of {} its colour?", "What do people in {} eat for breakfast?"],
    "music": ["Who composed the old anthem of {}?", "Which instrument is plucked at weddings in {}?"],
}
TOWN_NAMES = ["Arlen", "Brask", "Corvo", "Dellin", "Estra", "Farn", "Gollo", "Hirst", "Ivola", "Jarne"]
ASKED = [(subject, form.format(town)) for subject, forms in SUBJECTS.items() for form in forms for town in TOWN_NAMES]
ROWS = [
    Demonstration(f"q{i}", question, (f"Answer {i}", f"The answer {i}"), f"Answer {i}", subject)
    for i, (subject, question) in enumerate(ASKED)
]


class Parrot:
    """Repeats the last demonstration's answer; greedy says it twice. Records what it was asked."""

    name, window = "parrot", 400

    def __init__(self):
        self.asked: list[str] = []

    def __repr__(self) -> str:
        return "Parrot(400)"

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def generate(self, prompts, decoding, cancel=None):
        self.asked += prompts
        return [[self._answer(prompt, decoding)] for prompt in prompts]

    def _answer(self, prompt: str, decoding) -> str:
        answers = [line.removeprefix("Answer: ") for line in prompt.splitlines() if line.startswith("Answer: ")]
        return " ".join(answers[-1:] * (2 if decoding.method == "greedy" else 1))

    def log_probability(self, prompts, continuations, cancel=None):
        self.asked += prompts
        return [-1000.0 / len(prompt) for prompt in prompts]


@pytest.mark.slow
def test_a_sweep_goes_on(copy):
    folder, model, encoder = copy("sweep"), Parrot(), BagOfWords()
    done = len(read_log(folder))
    pool = Pool("shown", tuple(row for i, row in enumerate(ROWS) if i % 4))
    questions = Pool("asked", tuple(row for i, row in enumerate(ROWS) if not i % 4))
    retriever = Retriever(pool, encoder, embed_texts(encoder, pool.questions))
    args = SweepArgs(k=(0, 2), decoding=("greedy", "sampling"), n=10, n_log_probability=12)
    sweep = Sweep(retriever, questions, model, args, folder)
    list(sweep.run())
    assert done and len(model.asked) == 96 - done
    sweep.save()
    for name in ("summary.csv", "comparisons.csv"):
        before, after = ((path / name).read_text(encoding="utf-8") for path in (OLD / "sweep_expected", folder))
        assert drop_seconds(after) == drop_seconds(before)
    assert {**parse(folder / "grid.json"), "model": ""} == {**parse(OLD / "sweep_expected/grid.json"), "model": ""}
    assert len(load_results(OLD / "sweep_expected").summary) == len(load_results(folder).summary) > 0


def drop_seconds(table: str) -> list[list[str]]:
    rows = [line.split(",") for line in table.splitlines()]
    timed = {i for i, name in enumerate(rows[0]) if "seconds" in name}
    return [[cell for i, cell in enumerate(row) if i not in timed] for row in rows]


# Birthplaces

PLACES = ["Leeds", "Rome", "St. Louis", "New York"]
PEOPLE = [GoldQuestion(f"Where was P. {i} Fox born?", PLACES[i % 4]) for i in range(12)]


def answer_rome(questions):
    return [SimpleNamespace(place="Rome", sentence=None) for _ in questions]


def recall(questions):
    gold = dict(PEOPLE)
    places = [{"New York": "Albany"}.get(gold[question], gold[question]) for question in questions]
    return [SimpleNamespace(place=place, sentence=f" He was born in {place}. ") for place in places]


def test_a_birthplace_run_gives_what_it_gave(tmp_path):
    """It was never resumable: nothing of it was on the disk before its end."""
    run = BirthplaceRun(PEOPLE, {"plain": answer_rome, "reciter": recall}, "builtin:60")
    list(run.run())
    run.save(tmp_path, {"seed": 0})
    assert read_lines(tmp_path / "responses.jsonl") == read_lines(OLD / "birthplace_expected" / "responses.jsonl")
    assert parse(tmp_path / "run.json") == parse(OLD / "birthplace_expected" / "run.json")


@pytest.mark.parametrize("name", ["cot_run", "recall_run"])
def test_the_shipped_runs_open(name):
    run = load_run(ROOT / "assets" / name)
    assert run.responses and run.notes


@pytest.mark.parametrize("name", ["builtin", "triviaqa"])
def test_the_shipped_sweeps_open(name):
    assert len(load_results(ROOT / "assets" / "fewshot_grid" / name).summary)


# Training and checkpoints


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="the state is of Muon, which PyTorch has from 2.9 on")
def test_an_interrupted_training_goes_on(copy):
    folder = copy("training")
    places = ("Leeds", "Rio", "Örebro", "Paris", "Bonn", "Oslo")
    documents = [f"Ada {letter} was born in {place}." for letter, place in zip("BCDEFG", places, strict=True)] * 12
    characters = build_vocabulary([*documents, build_question("")]).characters
    model = GPT(characters, 64, 1, 2, 16)
    dataset = SpanCorruptionDataset(documents, model.vocabulary, model.block_size)
    epochs = list(train(model, dataset, TrainingArgs(epochs=4, tokens=1024, save_every=1, bf16=False), folder))
    assert [epoch.epoch for epoch in epochs] == [3, 4]
    curve, before = (read_curve(path) for path in (folder, OLD / "training_expected"))
    assert [epoch.tokens for epoch in curve] == [epoch.tokens for epoch in before]
    assert [epoch.loss for epoch in curve] == pytest.approx([epoch.loss for epoch in before], abs=1e-3)
    expected = load_file(OLD / "training_expected" / "weights.safetensors")
    assert model.state_dict().keys() == expected.keys()
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-3)  # 0.02 without momenta


def test_checkpoints_of_ones_own_answer_as_they_did():
    service = BirthplaceService(CheckpointStore(OLD / "checkpoints"))
    for text, before in parse(OLD / "checkpoints_expected.json").items():
        assert_alike(to_json([service.ask(text, "builtin:10")]), before)


def test_the_evaluation_of_a_file_gives_what_it_gave():
    """It was never resumable, and left nothing on the disk."""
    expected = parse(OLD / "evaluation_expected.json")
    asked = [BirthplaceQuestion(*row[:2]) for row in expected["prediction_table"]["data"]]
    evaluation = FileEvaluation(asked, CheckpointStore(OLD / "checkpoints"), "builtin:10")
    list(evaluation.run())
    assert evaluation.describe() == expected["said"]
    for name in ("accuracy_table", "comparison_table", "prediction_table"):
        table = getattr(evaluation, name)()
        assert list(table.columns) == expected[name]["columns"]
        assert_alike(table.to_numpy().tolist(), expected[name]["data"])
    assert_alike(
        {name: [[*point] for point in points] for name, points in evaluation.coverage().items()}, expected["coverage"]
    )


def assert_alike(after, before) -> None:
    """Equal, numbers to 1e-4."""
    if isinstance(before, float):
        assert after == pytest.approx(before, abs=1e-4, rel=0)
    elif isinstance(before, dict):
        assert_alike(list(after), list(before))
        assert_alike(list(after.values()), list(before.values()))
    elif isinstance(before, list):
        assert len(after) == len(before)
        for one, other in zip(after, before, strict=True):
            assert_alike(one, other)
    else:
        assert after == before
