"""Direct against recall: who is drawn, what becomes a response, what the report makes of the two kinds."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from labelled import label_fields

from a3core.grader.labels.schema import ANSWER, CONVINCING, EXPLANATION
from a3core.grader.report.tables import build_all
from a3core.grader.runs.birthplaces import (
    CHUNK,
    DIRECT,
    RECALL,
    BirthplaceRun,
    GoldQuestion,
    add_once,
    build_question_run,
    draw_people,
)
from a3core.grader.runs.generation import RUN_FILE, load_run

PLACES = ["Leeds", "Rome", "St. Louis", "New York"]
PEOPLE = [GoldQuestion(f"Where was P. {i} Fox born?", PLACES[i % 4]) for i in range(60)]
GOLD = dict(PEOPLE)


def answer_rome(questions):
    return [SimpleNamespace(place="Rome", sentence=None) for _ in questions]


def recall(questions):
    """Recites the right sentence of everybody; says of those born in New York that it was Albany."""
    places = [{"New York": "Albany"}.get(GOLD[question], GOLD[question]) for question in questions]
    return [SimpleNamespace(place=place, sentence=f" He was born in {place}. ") for place in places]


def ask(people=PEOPLE, **checkpoints) -> BirthplaceRun:
    run = BirthplaceRun(people, checkpoints or {"plain": answer_rome, "reciter": recall}, "builtin:60")
    list(run.run())
    return run


def test_the_recalled_answer_comes_first_with_its_sentence():
    recalled, direct = ask().to_run().responses[:2]
    assert (recalled.prompt_kind, recalled.explanation, recalled.answer) == (
        RECALL,
        "He was born in Leeds.",
        "Leeds",
    )
    assert (direct.prompt_kind, direct.explanation, direct.answer) == (DIRECT, "", "Rome")
    assert direct.gold_answer == recalled.gold_answer == "Leeds" and direct.model == recalled.model
    assert not direct.explained and recalled.explained


def test_progress_ends_at_the_total():
    run = BirthplaceRun(PEOPLE, {"plain": answer_rome, "reciter": recall}, "builtin:60")
    steps = [(step.done, step.total) for step in run.run()]
    assert steps[0] == (0, 120) and steps[-1] == (120, 120) and (60 + CHUNK, 120) in steps
    assert steps == sorted(steps)


def test_the_rule_counts_by_kind():
    rows = {row.prompt_kind: (row.correct, row.n) for row in ask().accuracy()}
    assert rows == {RECALL: (45, 60), DIRECT: (15, 60)}


def test_several_checkpoints_of_a_kind_are_told_apart():
    run = ask(PEOPLE[:2], one=answer_rome, two=answer_rome, reciter=recall)
    assert [r.prompt_kind for r in run.to_run().responses[:3]] == [RECALL, "direct: one", "direct: two"]
    assert "'recall' is reciter" in run.to_run().notes[0] and "'direct: two'" in run.to_run().notes[0]


def test_people_are_drawn_by_the_seed_alone():
    drawn = draw_people(PEOPLE, 20, seed=3)
    assert drawn == draw_people(PEOPLE, 20, seed=3) != draw_people(PEOPLE, 20, seed=4)
    assert len(set(drawn)) == 20 and drawn == sorted(drawn, key=PEOPLE.index)
    assert draw_people(PEOPLE, 60) == PEOPLE


@pytest.mark.parametrize(("questions", "people"), [(PEOPLE, 0), (PEOPLE, 61), ([], 1)])
def test_nobody_and_too_many_are_refused(questions, people):
    with pytest.raises(ValueError, match="to draw from"):
        draw_people(questions, people)


def test_a_run_without_people_or_checkpoints_is_refused():
    for people, checkpoints in (([], {"plain": answer_rome}), (PEOPLE, {})):
        with pytest.raises(ValueError, match="at least one person"):
            BirthplaceRun(people, checkpoints, "builtin:60")
    with pytest.raises(ValueError, match="no responses"):
        BirthplaceRun(PEOPLE, {"plain": answer_rome}, "builtin:60").to_run()


def test_what_is_saved_is_what_is_labelled(tmp_path):
    run = ask()
    run.save(tmp_path, {"people": {"seed": 3}})
    assert load_run(tmp_path) == run.to_run()
    facts = json.loads((tmp_path / RUN_FILE).read_text())
    assert facts["people"] == {"seed": 3}
    assert [(row["prompt_kind"], row["correct"]) for row in facts["accuracy"]] == [(RECALL, 45), (DIRECT, 15)]
    again = ask()
    again.save(tmp_path / "again", {"people": {"seed": 3}})
    for file in tmp_path.glob("*.json*"):
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()


def label_all(store, run: int) -> None:
    for response in store.responses(run):
        right = response.answer == response.gold_answer
        values = {ANSWER: "correct" if right else "wrong"}
        if response.explained:
            values |= {EXPLANATION: "correct" if right else "flawed", CONVINCING: "yes"}
        label_fields(store, run, response.id, "ann", values)


@pytest.mark.slow
def test_the_report_pairs_the_kinds_and_leaves_missing_explanations_out(store):
    run = store.add_run(ask().to_run())
    label_all(store, run)
    everything = build_all(store, run)
    report = everything.report
    (pair,) = report.pairs
    assert (pair["kind_a"], pair["kind_b"], pair["n"]) == (RECALL, DIRECT, 60)
    assert [pair[name] for name in ("both", "only_a", "only_b", "neither")] == [15, 30, 0, 15] and pair["p"] < 0.001
    direct, recalled = report.group(DIRECT), report.group(RECALL)
    assert (direct.labelled, recalled.labelled) == (60, 60)
    assert (direct.shares["answer correct"].k, recalled.shares["answer correct"].k) == (15, 45)
    assert (direct.shares["explanation correct"].n, recalled.shares["explanation correct"].n) == (0, 60)
    assert direct.shares["explanation correct"].share is None
    assert report.overall.table["n"] == 60  # the responses that have both
    assert "60 of 60" in report.overall.sentences[0]
    assert [group.prompt_kind for group in report.groups[1:3]] == [RECALL, DIRECT]
    cells = [
        [report.overall.table["cells"][2 * (not answer) + (not explained)]["n"] for explained in (True, False)]
        for answer in (True, False)
    ]
    assert cells == [[45, 0], [0, 15]]  # what the pictures show


SAID = {
    "plain": SimpleNamespace(place="Rome", sentence=None),
    "reciter": SimpleNamespace(place="Leeds", sentence="He was born in Leeds."),
}


def test_the_same_answers_are_one_run_and_other_answers_another(store):
    run = build_question_run(PEOPLE[0], SAID, "builtin:60")
    first = add_once(store, run)
    assert add_once(store, run) == first and len(store.runs()) == 1
    assert store.run_info(first).name == "Where was P. 0 Fox born? (builtin:60)"
    other = add_once(
        store, build_question_run(PEOPLE[0], {"plain": SimpleNamespace(place="Oslo", sentence=None)}, "builtin:60")
    )
    assert other != first and store.run_info(other).name.endswith("(builtin:60), version 2")
    assert add_once(store, run) == first and len(store.runs()) == 2


def test_a_question_of_any_length_has_a_title(store):
    long = GoldQuestion(f"Where was {'x' * 400} born?", None)
    run = store.add_run(build_question_run(long, SAID, "builtin:60"))
    assert [r.gold_answer for r in store.responses(run)] == [None, None]
    assert store.responses(run)[0].question == long.question
