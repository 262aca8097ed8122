"""The header, and the tour in it: five clicks, and each opens a tab, fills in an example and runs it.

    path = build_guide(checkpoints)                            the header
    lead_through(path, tabs, ...)                              once the tabs are there

Which step was taken last is known to the page alone. Its script is assets/guide/view.js, which also
holds the states of the screens (ui/shared/screen.py).
"""

import json
import tomllib
from collections.abc import Callable

import gradio as gr
from markupsafe import Markup

from a3core.birthplace.checkpoints import RECALL, CheckpointStore
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.loading import HELD_OUT, choose_person, fold_name, list_people
from a3core.common.paths import ASSETS
from a3core.fewshot.service import FewShot
from a3core.grader.labels.schema import propose_annotator
from a3core.ui.attention.tab import AttentionLinks
from a3core.ui.birthplace.families import choose_best
from a3core.ui.birthplace.tab import BirthplaceLinks
from a3core.ui.fewshot.tab import FewShotLinks, find_preset
from a3core.ui.grader.service import SHIPPED_RUNS, GraderLinks, GraderService, show_runs
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import read_template, render
from a3core.ui.shared.screen import PRIVATE, QUIET

FILES = ASSETS / "guide"
# Both are held out: they stand in the pretraining text, and their answers were never shown.
PERSON = "Albert Pujols"  # the pretrained checkpoint knows it, the one that was only finetuned does not
RECITED_PERSON = "Mickey Mantle"  # the shipped checkpoints answer wrongly at once, and rightly after reciting
BANK_QUESTION = "What do doctors call the shoulder blade?"
BRING_INTO_VIEW = "() => { document.querySelector(%s)?.scrollIntoView({ block: 'nearest' }); }"


# name, of its event; verb; result, its selector on the page; look: at what, once it is done
STEPS = [{"name": name, **step} for name, step in tomllib.loads(read_template(__file__, "tour.toml")).items()]


def list_steps(checkpoints: CheckpointStore) -> list[dict]:
    """The steps that the checkpoints of this page allow."""
    missing = {"remembers", "attends"} if not find_family(checkpoints) else set()
    if not find_family(checkpoints, RECALL):
        missing.add("recites")
    return [step for step in STEPS if step["name"] not in missing]


def build_guide(checkpoints: CheckpointStore) -> gr.HTML:
    """The header of the page, with the tour's strip below it; each step is an event of its name."""
    steps = list_steps(checkpoints)
    events = json.dumps([step["name"] for step in steps])
    return gr.HTML(
        html_template=render_steps(steps, is_header=True),
        js_on_load=f"const EVENTS = {events};\n" + (FILES / "view.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="a3-header",
        label="The header of the page",
    )


def render_steps(steps: list[dict], is_header: bool = False) -> Markup:
    """The strip of the tour, of 38 px once it is on; with the header above it."""
    return render(read_template(__file__, "tour.html"), steps=steps, is_header=is_header)


def lead_through(
    path: gr.HTML,
    tabs: gr.Tabs,
    checkpoints: CheckpointStore,
    fewshot: FewShot,
    grading: GraderService,
    links: tuple[BirthplaceLinks | None, AttentionLinks, FewShotLinks, GraderLinks],
) -> None:
    """Wires the strip that `build_guide` made; `links` are what the builders of the four tabs returned."""
    birthplace, attention, asked, grader = links
    results = {step["name"]: step["result"] for step in STEPS}

    def lead(name: str, tab: str, fills: list, fill: Callable, event: Callable, reads=(), ended_by=None) -> None:
        """A step opens a tab by its id; `fill` gets the values of `reads` and returns those of `fills`; then the event
        runs, at the trigger that it gets. `ended_by`: the tab's button that stops what runs.
        """
        taken = getattr(path, name)(open_tab(tab, fill), reads, [tabs, *fills], **QUIET)
        last = event(taken.success)
        if ended_by:
            ended_by.click(None, cancels=[taken, last], **PRIVATE)
        last.success(None, js=BRING_INTO_VIEW % json.dumps(results[name]), **PRIVATE)

    def ask(name: str, corpus: str, person: str) -> None:
        widgets = [birthplace.panels, birthplace.question, birthplace.family]
        fill = lambda: (gr.Tabs(selected="ask"), choose_question(corpus, person), corpus)  # noqa: E731
        lead(name, "birthplace", widgets, fill, birthplace.ask_on)

    def judge(name: str):
        """The run that is shipped. Who has not given a name gets one: labels need one."""
        name, run = (name or "").strip() or propose_annotator(), find_shipped(grading)
        return gr.Tabs(selected="label"), show_runs(grading, run), name, [name, run]

    if family := find_family(checkpoints):
        ask("remembers", family, PERSON)
        best = choose_best(checkpoints, family)  # over the same question
        attend = lambda: attention.fill(best, choose_question(family))  # noqa: E731
        lead("attends", "attention", attention.filled, attend, attention.showing)
    preset = lambda: find_preset(fewshot, BANK_QUESTION)  # noqa: E731
    lead("is_shown", "fewshot", asked.filled, preset, asked.ask_on, ended_by=asked.stop)
    if recalls := find_family(checkpoints, RECALL):
        ask("recites", recalls, RECITED_PERSON)
    widgets = [grader.panels, grader.run, grader.annotator, grader.remembered]
    lead("is_judged", "grader", widgets, judge, lambda trigger: trigger(**grader.showing), [grader.annotator])


def open_tab(tab: str, fill: Callable) -> Callable:
    """The handler of a step: opens a tab, and fills it in."""

    @tells_errors
    def open_stop(*values) -> list:
        return [gr.Tabs(selected=tab), *fill(*values)]

    return open_stop


# Where the steps of this page lead


def find_family(checkpoints: CheckpointStore, stage: str | None = None) -> str | None:
    """The corpus to ask about, or that of which a checkpoint is at this stage; one that names the person, if any."""
    found = [
        corpus
        for corpus in checkpoints.families
        if any(stage in (None, checkpoints.trainings[name].stage) for name in checkpoints.names(corpus))
    ]
    return max(found, key=names_person, default=None)


def names_person(corpus: str, person: str = PERSON) -> bool:
    """Whether the pretraining text names the person, and the answer was never shown."""
    known = list_people(corpus).get(fold_name(person))
    return known is not None and known.split == HELD_OUT


def choose_question(corpus: str, person: str = PERSON) -> str:
    return build_question(person if names_person(corpus, person) else choose_person(list_people(corpus)))


def find_shipped(grading: GraderService) -> int:
    """The run of this project with which the path ends, or any other. Raises ValueError if there is none."""
    ids = {info.name: info.id for info in grading.store.runs()}
    files = [folder / "run.json" for folder in SHIPPED_RUNS if (folder / "run.json").is_file()]
    shipped = [json.loads(file.read_text(encoding="utf-8"))["name"] for file in files]
    found = next((ids[name] for name in [*shipped, *ids] if name in ids), None)
    if found is None:
        raise ValueError("There is no run to label: import one in the Grader, or generate it there.")
    return found
