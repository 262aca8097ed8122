"""The benchmarks of recall-then-answer: what is read off a run, chosen, counted and drawn, with a tiny taught model."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import pytest
from taught import CORPUS, DOCUMENTS, PLACES, QUESTIONS
from tiny_training import build_tiny

from a3core.birthplace.checkpoints import Measurement, save_checkpoint, write_training
from a3core.birthplace.data.corpora import Question, build_question, split_held_out
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.evaluation import Accuracy, count_recall
from a3core.birthplace.prediction.confidence import measure_coverage
from a3core.birthplace.training import recipes
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from benchmarks import answer_shape, recall_ablation, recall_cost, recall_dev, recall_folds, recall_scaling, svg_figure
from benchmarks.recall_dev import Said
from benchmarks.recall_runs import build_command, is_finished, load_held_out, train_run

PARTS = ("", "-seed", "-half-0", "-half-1", "-more", "-towns")  # of the folders of answer_shape
UNREAD = Question("Where was Nobody Atall born?", "Rome")


# What the scripts share


def test_a_run_is_trained_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(recipes, "GPT", build_tiny)
    for _ in range(2):
        train_run(load_corpus("builtin:10"), TrainingArgs(epochs=1), RecallArgs(subwords=400), tmp_path / "run")
    assert is_finished(tmp_path / "run") and capsys.readouterr().out.count("training ") == 1


def test_held_out_questions_are_those_of_the_run(build_gpt, training, tmp_path):
    corpus = load_corpus("builtin:20")
    facts = replace(training, corpus="builtin:20", sha256=corpus.sha256)
    save_checkpoint(build_gpt(), tmp_path, facts)
    with pytest.raises(ValueError, match="was shown every train question"):
        load_held_out(tmp_path)
    command = "python -m a3core train-recall --corpus builtin:20 --out 'my run' --epochs 3 --hold-out 4"
    save_checkpoint(build_gpt(), tmp_path, replace(facts, command=command))
    assert load_held_out(tmp_path)[1] == split_held_out(corpus.train, 4)[1]
    save_checkpoint(build_gpt(), tmp_path, replace(facts, command=command, sha256="1" * 64))
    with pytest.raises(ValueError, match="is not what the checkpoint has read"):
        load_held_out(tmp_path)


# Choosing how to answer


# What each part is worth

RUN = {"epochs": 3, **vars(RecallArgs())}


@pytest.fixture
def course(training):
    """A finished run of twenty people, with the corpus it read."""
    corpus = load_corpus("builtin:20")
    command = build_command("builtin:20", "runs/recall", TrainingArgs(epochs=3), RecallArgs(), 200)
    facts = replace(training, corpus=corpus.name, sha256=corpus.sha256, command=command, args=RUN, stage="recall")
    return corpus, facts


def test_a_run_must_be_what_its_row_says(build_gpt, course, tmp_path):
    corpus, facts = course
    save_checkpoint(build_gpt(), tmp_path, facts)
    assert is_finished(tmp_path) and recall_ablation.check_run(tmp_path, RecallArgs(), corpus, 3) == facts
    (tmp_path / "training_state.safetensors").touch()
    assert not is_finished(tmp_path)
    for recall, epochs, said in [(RecallArgs(swap=0.0), 3, "'swap': 0.4"), (RecallArgs(), 4, "'epochs': 3")]:
        with pytest.raises(ValueError, match=f"was trained with .{said}"):
            recall_ablation.check_run(tmp_path, recall, corpus, epochs)
    write_training(tmp_path, replace(facts, command=facts.command.replace("--hold-out 200", "")))
    with pytest.raises(ValueError, match="'held out': 0"):
        recall_ablation.check_run(tmp_path, RecallArgs(), corpus, 3)


def test_commands_are_those_of_the_runs():
    args = TrainingArgs(epochs=3)
    assert (
        build_command("course", "runs/a/direct", args, recall_ablation.SETTINGS["direct"].recall, 200)
        == "python -m a3core train-recall --corpus course --out runs/a/direct --epochs 3 --no-recite --hold-out 200"
    )
    assert build_command("builtin:500", "runs/500", args, RecallArgs()).endswith("--out runs/500 --epochs 3")
    compiled = build_command("builtin:500", "runs/500", TrainingArgs(epochs=3, compile=True), RecallArgs())
    assert compiled.endswith("--epochs 3 --compile")


def test_the_ablation_is_told_beside_the_whole(training):
    whole = recall_ablation.Measured(replace(training, args={"subwords": 9}), [True, True, False, True], [True] * 4)
    direct = recall_ablation.Measured(training, [True, False, False, False], None)
    said = recall_ablation.describe_runs({"recall": whole, "direct": direct}, 1800).splitlines()
    assert said[2].startswith("| **recall-then-answer, 1,800 train questions** | 3 out of 4: 75.0%")
    assert "there was none | 6,789 sub-words |" in said[2]
    assert said[3].startswith("| direct answer") and "| 0 : 2, p = 0.5 |  |  |  | 6,789 characters |" in said[3]
    commands = {"recall": "python one", "direct": "python two"}
    assert "Not trained yet: direct answer" in recall_ablation.describe_commands(commands, ["direct"])
    assert "Not trained" not in recall_ablation.describe_commands(commands, [])


# As people grow


def test_bits_are_counted_from_below():
    four = ["Leeds", "Rome", "York", "Oslo"] * 5
    assert recall_scaling.count_bits(1.0, four) == pytest.approx(2.0)
    assert recall_scaling.count_bits(0.25, four) == pytest.approx(0.0)  # by chance
    half = 2 - 1 - 0.5 * math.log2(3)  # H - h(1/2) - e log2(M - 1)
    assert recall_scaling.count_bits(0.5, four) == pytest.approx(half)
    assert recall_scaling.count_bits(0.9, ["London", *["Rome"] * 9]) == pytest.approx(0.0)  # always the commonest
    assert recall_scaling.count_bits(1.0, ["Rome"] * 9) == 0.0  # nothing to know
    shares = [recall_scaling.count_bits(i / 20, four) for i in range(5, 21)]
    assert shares == sorted(shares)


def test_the_dev_sample_is_drawn_once():
    corpus = load_corpus("builtin:500")
    assert sorted(recall_scaling.sample_dev(corpus)) == sorted(corpus.dev)
    large = replace(corpus, dev=corpus.dev * 6)
    assert len(recall_scaling.sample_dev(large)) == 500
    assert recall_scaling.sample_dev(large) == recall_scaling.sample_dev(large)


@pytest.fixture
def sizes(training):
    facts = replace(training, args={"epochs": 3}, parameters=1000)
    return [
        recall_scaling.Size(
            people, 5 * people, replace(facts, seconds=0.6 * people), Accuracy(right, 50),
            count_recall([True] * right + [False] * (50 - right), [True] * 40 + [False] * 10), ["Leeds", "Rome"], 8000,
        )
        for people, right in [(500, 50), (2000, 45)]
    ]  # fmt: skip


def test_sizes_are_a_row_each_and_a_figure(sizes, tmp_path, monkeypatch):
    monkeypatch.setattr(svg_figure, "FIGURES", tmp_path / "figures")
    said = recall_scaling.describe(sizes, ["8000", "all"], ["python one"])
    assert "| 500 | 2,500 | 3 | 6,789 | 5.0 | 50 out of 50: 100.0%" in said
    assert f"| {500 / 1000:.4f} [" in said and "| 8.00 |" in said
    assert "](../../benchmarks/figures/recall_scaling.svg)" in said and "Not trained yet: 8000, all people." in said
    picture = (tmp_path / "figures" / "recall_scaling.svg").read_text(encoding="utf-8")
    assert len(ElementTree.fromstring(picture)) == 2 and "500: 100%, 2,000: 90%" in picture
    assert "](benchmarks" not in recall_scaling.describe(sizes[:1], [], [])


def test_a_size_must_be_made_by_the_recipe(build_gpt, course, tmp_path):
    corpus, facts = course
    save_checkpoint(build_gpt(), tmp_path / "20", facts)
    assert recall_scaling.load_size(tmp_path / "20") == (facts, corpus)
    save_checkpoint(build_gpt(), tmp_path / "30", facts)
    with pytest.raises(ValueError, match="was trained on builtin:20"):
        recall_scaling.load_size(tmp_path / "30")
    write_training(tmp_path / "20", replace(facts, args=RUN | {"swap": 0.1}))
    with pytest.raises(ValueError, match=r"with {'swap': 0.1}"):
        recall_scaling.load_size(tmp_path / "20")


# A shipped checkpoint

SAID = Said("Leeds", "Ada Smith was born in Leeds, York, England .", (22, 27), 0.9)


@pytest.mark.parametrize(("place", "beside"), [("York", True), ("England", True), ("Ada", False), ("Rome", False)])
def test_a_town_and_its_country_are_one_place(place, beside):
    assert recall_dev.is_beside(SAID, place) == beside
    assert recall_dev.is_beside(SAID._replace(place="Leeds, York", span=(22, 33)), "Leeds")
    assert not recall_dev.is_beside(SAID._replace(span=None), place)


def test_every_miss_has_one_reason():
    said = [
        SAID._replace(place="Leeds", sentence=DOCUMENTS[0], span=(22, 27)),  # right
        SAID._replace(place="Rome", sentence="Zoe Ek was born in Rome .", span=(19, 23)),  # recited wrongly
        SAID._replace(place="Bo", sentence=DOCUMENTS[2], span=(0, 2)),
        SAID._replace(place="York", sentence=DOCUMENTS[3], span=(20, 24)),  # asked for a place that no text states
    ]
    questions = [*QUESTIONS[:3], QUESTIONS[3]._replace(place="Lima")]
    reasons = recall_dev.sort_misses(said, questions, [True, False, True, True], CORPUS)
    assert reasons == Counter([recall_dev.GARBLED, recall_dev.ELSEWHERE, recall_dev.UNSTATED])
    assert "Of 4, 3 were missed" in recall_dev.describe_misses(reasons, 4)


def test_what_a_wording_costs():
    plain = [True] * 99 + [False]
    marks = {recall_dev.PLAIN: plain, "lower case": [True] * 97 + [False] * 3, "only the name": plain}
    said = recall_dev.describe_wordings(marks)
    assert "| lower case | 97 out of 100: 97.0%, 95% CI [91.5, 99.0] | +2.0 | 2 : 0, p = 0.5 |" in said
    assert "Most is lost by *lower case*: 2.0 points. **The aim of at most 2 points is met.**" in said
    marks["only the name"] = [True] * 96 + [False] * 4
    assert "*only the name*: 3.0 points. **The aim of at most 2 points is not met.**" in recall_dev.describe_wordings(
        marks
    )


def test_what_can_be_answered_surely(tmp_path, monkeypatch):
    monkeypatch.setattr(svg_figure, "FIGURES", tmp_path)
    said = [SAID._replace(confidence=i / 100) for i in range(100)]
    right = [i >= 10 for i in range(100)]
    told = recall_dev.describe_coverage(said, right, "recall")
    assert "](../../benchmarks/figures/recall_coverage.svg)" in told and "**The aim of 85% is met.**" in told
    assert "At 97 % accuracy it answers 92.0% of the questions." in told
    ElementTree.parse(tmp_path / "recall_coverage.svg")
    assert "carries no confidence" in recall_dev.describe_coverage([SAID._replace(confidence=None)], [True], "recall")
    assert ElementTree.fromstring(recall_dev.plot_points(measure_coverage([0.5, 0.4], [True, False]))) is not None


def test_a_checkpoint_is_asked_each_wording_once(taught, training, tmp_path, monkeypatch):
    save_checkpoint(taught, tmp_path / "recall", training)
    asked = []
    predictor = recall_dev.load_predictor(tmp_path / "recall")
    counted = SimpleNamespace(predict=lambda q: asked.append(len(q)) or predictor.predict(q))
    monkeypatch.setattr(recall_dev, "load_predictor", lambda folder: counted)
    wordings = recall_dev.list_wordings(QUESTIONS)
    assert (
        wordings[recall_dev.PLAIN][0] == "Where was Ada Smith born?"
        and "where was ada smith born?" in wordings["lower case"]
    )
    first = recall_dev.ask_once(tmp_path / "recall", wordings, tmp_path / "kept")
    assert asked == [5] * len(wordings) and [said.place for said in first["upper case"]] == list(PLACES.values())
    assert recall_dev.ask_once(tmp_path / "recall", wordings, tmp_path / "kept") == first
    assert len(asked) == len(wordings)
    recall_dev.ask_once(tmp_path / "recall", {"other": ["Zoe Ek"]}, tmp_path / "kept")
    assert asked[-1] == 1


def test_times_are_taken_in_turn():
    asked = []
    predictors = {
        name: SimpleNamespace(predict=lambda questions, number=number: asked.append((number, *questions)))
        for number, name in enumerate("ab", 1)
    }
    seconds = recall_dev.time_answers(predictors, ["x", "y"])
    assert asked == [(1, "x"), (2, "x"), (1, "x"), (2, "x"), (1, "y"), (2, "y")]
    assert [len(times) for times in seconds.values()] == [2, 2]
    said = recall_dev.describe_times({"recall": [0.1, 0.2, 0.1], "direct": [0.02, 0.02, 0.02]}, "recall")
    assert "| recall | 100 ms | 190 ms |" in said and "5.0x (5.0 to 7.5) as long as direct." in said
    assert "**The aim of 150 ms is met.**" in said


def test_the_whole_section(taught, training, tmp_path, monkeypatch):
    monkeypatch.setattr(svg_figure, "FIGURES", tmp_path)
    save_checkpoint(taught, tmp_path / "recall", training)
    asked = [*QUESTIONS[:3], Question(build_question("Cleo Ray"), "Paris")]
    said = recall_dev.describe(tmp_path / "recall", CORPUS, asked, tmp_path / "recall", tmp_path / "kept")
    assert "- Right: 3 out of 4: 75.0%" in said and "- Recited word for word: 4 out of 4" in said
    assert f"| {recall_dev.UNSTATED} | 1 |" in said and "### How long it takes" in said


# What it cost


def test_costs_count_what_a_checkpoint_starts_from(build_gpt, training, tmp_path):
    recall = replace(training, stage="recall", seconds=60.0, tokens=3_000_000, args={"subwords": 9})
    save_checkpoint(build_gpt(), tmp_path / "pretrained", replace(training, seconds=540.0, tokens=9_000_000))
    measured = (Measurement("dev", "0" * 64, 3, 10),)
    answering = replace(training, base="pretrained", seconds=60.0, tokens=1_000_000, measurements=measured)
    for name, facts in {"recall": recall, "pretrained-finetuned": answering}.items():
        save_checkpoint(build_gpt(), tmp_path / name, facts)
    speed = recall_cost.Speed(400_000, 100, "two cores")
    said = recall_cost.describe_costs([tmp_path / "recall", tmp_path / "pretrained-finetuned"], speed).splitlines()
    assert said[2] == "| recall | 3.0 M sub-words | 50,000 | 1.0 | 1.0x | 2 CPU cores | not measured |"
    assert said[3].startswith("| pretrained-finetuned, with pretrained | 10.0 M characters | 16,667 | 10.0 | 10.0x |")
    assert "3 out of 10: 30.0%" in said[3] and "estimated | 244 M characters | 4,000 | 1,018 |" in said[4]
    assert "650 epochs of 2,937 blocks of 128 characters" in said[-1] and "would take 17 hours" in said[-1]
    with pytest.raises(ValueError, match="name one checkpoint"):
        recall_cost.main()


def test_the_course_is_as_fast_as_it_was_measured():
    row = "| the course's recipe, its best epoch | 200 | 2.789 | 1,000,000 |"
    section = f"<!-- training-cost -->\n## Training cost\n\n`python -m x 5`, on A, 2 cores\n\n| a |\n{row}\n"
    assert recall_cost.read_speed(f"`y`, on B\n{section}") == recall_cost.Speed(1_000_000, 200, "A, 2 cores")
    with pytest.raises(ValueError, match="no section training-cost"):
        recall_cost.read_speed("# Benchmarks")


# What was tried to answer better


@pytest.mark.slow
def test_what_answer_shape_needs_is_trained_once_and_measured(tmp_path, monkeypatch, training):
    monkeypatch.setattr(recipes, "GPT", build_tiny)
    monkeypatch.setattr(recipes, "SUBWORD_BLOCK", 160)  # so untaught, it fills its window with noise
    monkeypatch.setattr(recall_folds, "FOLDS", 2)
    corpus = replace(load_corpus("builtin:20"), name="course")
    given = replace(training, args={**vars(TrainingArgs(epochs=2)), **vars(RecallArgs(subwords=400))})
    held = recall_folds.split_folds(corpus.train)[0]
    recall_folds.train_fold(corpus, held, given, tmp_path / "recall-0")
    for variant in answer_shape.TRAINED:
        assert answer_shape.answer_again(corpus, 0, variant, tmp_path) is None
        answer_shape.train_variant(corpus, 0, variant, tmp_path)
        assert len(answer_shape.answer_again(corpus, 0, variant, tmp_path)) == len(held)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/model.safetensors")}
    assert {path.parent.name for path in written} == {f"recall-0{part}" for part in PARTS}
    for variant in answer_shape.TRAINED:
        answer_shape.train_variant(corpus, 0, variant, tmp_path)
    for variant in answer_shape.ANSWERED_OTHERWISE:
        assert len(answer_shape.answer_again(corpus, 0, variant, tmp_path)) == len(held)
    assert written == {path: path.stat().st_mtime_ns for path in written}, "what is trained is not trained again"
