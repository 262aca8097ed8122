"""From birthplaces to the Grader: the link of an answer, and a fresh run of direct against recall; tiny checkpoints."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import pytest

from a3core.birthplace.checkpoints import CheckpointStore, Training, save_checkpoint
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.grader.runs.birthplaces import DIRECT, RECALL
from a3core.grader.session.grading import GradingSession

CORPUS = "builtin:40"
NOBODY = SimpleNamespace(username=None)


@pytest.fixture(scope="module")
def store(build_gpt, tmp_path_factory):
    """A checkpoint that was shown answers alone, one that has read, too, and one that recites; all random."""
    corpus, root = load_corpus(CORPUS), tmp_path_factory.mktemp("checkpoints")
    merges = build_subwords([*corpus.documents, build_question("")], 330).text
    facts = Training("finetuned", CORPUS, "a table", corpus.sha256, "a command", {}, 1, 2, 9.0, "a machine")
    for stage in ("finetuned", "pretrained-finetuned", "recall"):
        model = build_gpt(merges, block_size=256, tied=True, tagged=stage == "recall")
        save_checkpoint(model, root / f"builtin-{stage}", replace(facts, stage=stage))
    return CheckpointStore(root)


@pytest.fixture(scope="module")
def grading(tmp_path_factory):
    from a3core.ui.grader.service import GraderService

    return GraderService(f"sqlite:///{tmp_path_factory.mktemp('labels') / 'labels.sqlite'}")


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)


@pytest.fixture(scope="module")
def page(grading, fewshot, store):
    from a3core.ui.demo import build_demo

    return build_demo(*store.roots, fewshot=fewshot, grading=grading)


def find(page, name: str):
    return next(event for event in page.fns.values() if getattr(event.fn, "__name__", "") == name)


def grade(page, text: str, name: str = "ann") -> tuple:
    """(the page's tab, the Grader's tab, the run, what the browser remembers) that the link opens."""
    event = find(page, "grade_answers")
    told = event.fn(text, CORPUS, name, NOBODY)
    tabs, panels, run, remembered = (told[output] for output in event.outputs)
    return tabs.selected, panels.selected, run, remembered


@pytest.mark.slow
def test_an_answer_opens_in_the_grader_ready_to_be_labelled(page, grading):
    tab, panel, run, remembered = grade(page, "where was  babe ruth born")
    assert (tab, panel, remembered) == ("grader", "label", ["ann", run.value])
    assert run.value in [id_ for _, id_ in run.choices]
    assert grading.store.run_info(run.value).name == "Where was Babe Ruth born? (builtin:40)"
    recalled, *direct = grading.store.responses(run.value)
    assert recalled.prompt_kind == RECALL and recalled.explanation.startswith("Babe Ruth")
    assert [r.prompt_kind for r in direct] == ["direct: builtin-finetuned", "direct: builtin-pretrained-finetuned"]
    assert {r.gold_answer for r in (recalled, *direct)} == {"Baltimore"}
    assert not any(r.explained for r in direct) and "London" not in [r.model for r in direct]
    session = GradingSession(grading.store, run.value, "ann")
    view = session.show()
    assert view["lines"] == [recalled.explanation] and not view["revealed"]
    session.act("label", {"place": view["place"], "field": "explanation", "value": "correct"})
    assert [label.value for label in grading.store.labels(run.value)] == ["correct"]


@pytest.mark.slow
def test_asked_again_it_is_the_same_run_with_its_labels(page, grading):
    first, again = (grade(page, text)[2].value for text in ("Babe Ruth", "Where was BABE RUTH born?"))
    assert first == again
    assert len([info for info in grading.store.runs() if "Babe Ruth" in info.name]) == 1
    assert grade(page, "Nobody Atall")[2].value != first
    nobody = grading.store.responses(grading.store.runs()[-1].id)
    assert [r.gold_answer for r in nobody] == [None] * 3


@pytest.mark.slow
@pytest.mark.parametrize(("text", "says"), [("", "type a name"), (None, "type a name"), ("a " * 300, "shorten")])
def test_a_question_that_cannot_be_asked_adds_no_run(page, grading, text, says):
    before = len(grading.store.runs())
    with pytest.raises(gr.Error, match=says):
        grade(page, text)
    assert len(grading.store.runs()) == before


def test_hostile_names_are_text(page, grading):
    _, _, run, _ = grade(page, "<img src=x onerror=alert(1)>")
    assert "<img src=x" in grading.store.responses(run.value)[0].question


def test_a_public_page_adds_no_run(page, grading, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/space")
    with pytest.raises(gr.Error, match="read-only"):
        grade(page, "Babe Ruth")
    with pytest.raises(gr.Error, match="read-only"):
        list(find(page, "ask_people").fn(CORPUS, 10, 1, "", NOBODY))


def ask_people(page, people=3, seed=1, name="") -> list[dict]:
    """The updates: "status" at each, "run" at the last."""
    event = find(page, "ask_people")
    status, run = event.outputs
    steps = event.fn(CORPUS, people, seed, name, NOBODY)
    return [{"status": step[status], "run": step[run].value if run in step else None} for step in steps]


def test_a_fresh_run_is_made_with_progress(page, grading):
    steps = ask_people(page)
    assert steps[0]["status"] == "0 of 6 answers …"
    assert "right by rule" in steps[-1]["status"] and f"| {RECALL} |" in steps[-1]["status"]
    chosen = steps[-1]["run"]
    dev = {question.question: question.place for question in load_corpus(CORPUS).dev}
    responses = grading.store.responses(chosen)
    assert [r.prompt_kind for r in responses] == [RECALL, DIRECT] * 3
    assert all(dev[r.question] == r.gold_answer for r in responses)
    assert "builtin-pretrained-finetuned" in grading.store.run_info(chosen).notes[0]


@pytest.mark.slow
def test_another_draw_is_another_run_and_the_same_draw_the_same(page, grading):
    first, again, other = (ask_people(page, 2, seed)[-1]["run"] for seed in (1, 1, 2))
    same = [r.question for r in grading.store.responses(first)] == [r.question for r in grading.store.responses(other)]
    assert first == again and (first == other) == same
    assert ask_people(page, 2, 1, None)[-1]["run"] == first  # an empty box, as a program may send it
    named = ask_people(page, 2, 1, "mine")[-1]["run"]
    assert grading.store.run_info(named).name == "mine"


def test_more_people_than_there_are_are_all_of_them(page, grading):
    run = ask_people(page, 200)[-1]["run"]
    assert len(grading.store.responses(run)) == 2 * len(load_corpus(CORPUS).dev)


@pytest.mark.parametrize("people", [0, 10_000])
def test_a_request_out_of_range_is_one_sentence(page, people):
    with pytest.raises(gr.Error, match="1 to 200 people"):
        ask_people(page, people)


@pytest.mark.slow
def test_without_a_checkpoint_that_recites_the_form_says_so(checkpoint_root, fewshot, grading):
    from a3core.ui.demo import build_demo
    from a3core.ui.grader.birthplaces import NO_RECALL, build_run, list_compared

    demo = build_demo(checkpoint_root, fewshot=fewshot, grading=grading)
    assert NO_RECALL in [block.value for block in demo.blocks.values() if isinstance(block, gr.Markdown)]
    assert list_compared(CheckpointStore(checkpoint_root), "builtin:10") == []
    with pytest.raises(ValueError, match="Choose a family"):
        build_run(CheckpointStore(checkpoint_root), "builtin:10", 10, 1)


def test_plumbing_is_private(page):
    public = {event.api_name for event in page.fns.values() if event.api_visibility == "public"}
    assert not {"grade_answers", "ask_people"} & public
