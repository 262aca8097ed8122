"""The guided path: where each step leads, what it fills in, and what then runs."""

from __future__ import annotations

import re
from types import SimpleNamespace

import gradio as gr
import pytest

from a3core.birthplace.checkpoints import RECALL, CheckpointStore
from a3core.birthplace.data.loading import HELD_OUT, fold_name, list_people
from a3core.grader.runs.responses import Response, Run
from a3core.ui.tour import (
    BANK_QUESTION,
    choose_question,
    find_family,
    find_shipped,
    list_steps,
    render_steps,
)

FAMILY = "builtin:10"


def list_taken(demo) -> dict:
    """The event of each step, by the id of the tab that it opens."""
    events = [event for event in demo.fns.values() if getattr(event.fn, "__name__", "") == "open_stop"]
    return {event.targets[0][1]: event for event in events}


def list_chain(demo, event) -> list[str]:
    """The functions that run one after the other once the event has succeeded; the page's own script is "js"."""
    after = [each for each in demo.fns.values() if each.trigger_after == event._id and each.trigger_only_on_success]
    name = event.fn.__name__ if event.fn else "js"
    return [name, *(name for each in after for name in list_chain(demo, each))]


def build_shelf(**stages: str) -> SimpleNamespace:
    """Checkpoints by name, "CORPUS STAGE" each."""
    trainings = {name: SimpleNamespace(corpus=each.split()[0], stage=each.split()[1]) for name, each in stages.items()}
    families = list(dict.fromkeys(training.corpus for training in trainings.values()))
    names = lambda corpus: [  # noqa: E731
        name for name, each in trainings.items() if each.corpus == corpus and each.stage != "pretrained"
    ]
    return SimpleNamespace(trainings=trainings, families=families, names=names)


def test_the_steps_lead_through_all_tabs_and_run_what_a_person_would(demo):
    taken = list_taken(demo)
    assert {name: list_chain(demo, event) for name, event in taken.items()} == {
        "remembers": ["open_stop", "js", "js"],  # it presses Ask
        "attends": ["open_stop", "show_chosen", "js", "js"],
        "is_shown": ["open_stop", "answer_question", "js", "js", "js"],
        "is_judged": ["open_stop", "show", "js"],
    }
    filled = {name: event.fn(*[""] * len(event.inputs)) for name, event in taken.items()}
    opened = [values[0].selected for values in filled.values()]
    assert opened == ["birthplace", "attention", "fewshot", "grader"]
    assert {name: len(values) for name, values in filled.items()} == {n: len(e.outputs) for n, e in taken.items()}
    assert all(event.api_visibility == "private" for event in taken.values())


def test_one_question_goes_from_birthplace_to_attention(demo):
    taken = list_taken(demo)
    _, sections, question, family = taken["remembers"].fn()
    assert sections.selected == "ask"
    assert family == FAMILY and list_people(FAMILY)[fold_name(question)].split == HELD_OUT
    _, model, second, text, generate, panels, layers = taken["attends"].fn()
    assert (model, second, text, generate, layers) == ("builtin-pretrained-finetuned", "", question, True, "")
    assert panels.selected == "models"


def test_the_bank_has_the_question_that_is_shown(demo):
    _, question, gold, *_ = list_taken(demo)["is_shown"].fn()
    assert question == BANK_QUESTION and gold


def test_the_bank_is_back_with_its_own_questions(demo):
    event = list_taken(demo)["is_shown"]
    (use_bank,) = [each for each in demo.fns.values() if getattr(each.fn, "__name__", "") == "use_bank"]
    assert event.outputs[4:] == use_bank.outputs
    *_, pool, validation, taken, changed, name, status = event.fn()
    assert taken.value is None and len(taken.choices) > 100
    assert (pool, validation, changed, name) == ("builtin", "builtin:validation", {}, "") and status.startswith(
        "In use: "
    )


def test_who_is_judging_keeps_a_name_and_others_get_one_of_their_own(demo):
    judge = list_taken(demo)["is_judged"].fn
    _, panels, run, name, remembered = judge(" kim ")
    assert panels.selected == "label" and name == "kim" and remembered == ["kim", run.value]
    assert run.value in [id_ for _, id_ in run.choices]
    made = {judge("")[3] for _ in range(5)}
    assert len(made) == 5 and all(re.fullmatch("visitor-[0-9a-f]{6}", each) for each in made)


def test_a_checkpoint_that_recites_adds_its_step():
    store = build_shelf(a=f"{FAMILY} finetuned", b="builtin:20 recall")
    assert [step["name"] for step in list_steps(store)] == ["remembers", "attends", "is_shown", "recites", "is_judged"]
    assert find_family(store) == FAMILY and find_family(store, RECALL) == "builtin:20"


def test_the_family_that_knows_the_person_comes_first():
    store = build_shelf(a=f"{FAMILY} finetuned", b="builtin:1000 finetuned")
    assert find_family(store) == "builtin:1000"
    assert choose_question("builtin:1000") == "Where was Albert Pujols born?"


def test_without_checkpoints_the_path_is_shorter(tmp_path):
    assert [step["name"] for step in list_steps(CheckpointStore(tmp_path))] == ["is_shown", "is_judged"]
    assert find_family(build_shelf(a="builtin:10 pretrained")) is None


def test_the_strip_is_a_list_of_buttons():
    steps = list_steps(build_shelf(a=f"{FAMILY} finetuned"))
    markup = render_steps(steps)
    assert re.findall(r"<b>(\d) ", markup) == ["1", "2", "3", "4"]
    assert len(re.findall(r'<li>\s*<button type="button"', markup)) == 4 and 'nav aria-label="A guided path"' in markup


def test_the_path_ends_at_a_run_of_this_project_or_at_any_other(grading, monkeypatch):
    assert grading.store.run_info(find_shipped(grading)).notes is not None
    monkeypatch.setattr("a3core.ui.tour.SHIPPED_RUNS", ())
    own = SimpleNamespace(store=SimpleNamespace(runs=lambda: [SimpleNamespace(name="mine", id=3)]))
    assert find_shipped(own) == 3
    own.store.runs = list
    with pytest.raises(ValueError, match="no run to label"):
        find_shipped(own)


def test_no_run_is_one_sentence_on_the_page(grading):
    from a3core.ui.tour import open_tab

    def fail():
        raise ValueError("There is no run to label")

    with pytest.raises(gr.Error, match="no run to label"):
        open_tab("grader", fail)()


def test_a_shipped_run_is_preferred_to_a_younger_one(grading):
    shipped = find_shipped(grading)
    grading.store.add_run(Run("a younger one", (Response("1", "q", "a", "e", "a"),)))
    assert find_shipped(grading) == shipped
