"""The header, and the tour in it: five clicks, and each opens a tab, fills in an example and runs it.

    path = build_guide(checkpoints)                            the header
    lead_through(path, tabs, [Stop(...), ...])           once the tabs are there

Which step was taken last is known to the page alone. Its script is assets/guide/view.js, which also
holds the states of the screens (ui/shared/screen.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import gradio as gr
from markupsafe import Markup

from a3core.birthplace.checkpoints import RECALL, CheckpointStore
from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.data.people import HELD_OUT, choose_person, fold_name, list_people
from a3core.common.paths import ASSETS
from a3core.fewshot.service import FewShot
from a3core.grader.labels.schema import propose_annotator
from a3core.ui.attention.tab import AttentionLinks
from a3core.ui.birthplace.families import choose_best
from a3core.ui.birthplace.tab import BirthplaceLinks
from a3core.ui.fewshot.tab import FewShotLinks, find_preset
from a3core.ui.grader.service import SHIPPED_RUNS, GraderLinks, GraderService, show_runs
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render

FILES = ASSETS / "guide"
# Both are held out: they stand in the pretraining text, and their answers were never shown.
PERSON = "Albert Pujols"  # the pretrained checkpoint knows it, the one that was only finetuned does not
RECITED_PERSON = "Mickey Mantle"  # the shipped checkpoints answer wrongly at once, and rightly after reciting
BANK_QUESTION = "What do doctors call the shoulder blade?"
HEADER = """<a class="skip" href="#a3-tabs">Skip to the tabs</a>
<div class="bar"><h1>What a transformer <mark>remembers</mark></h1><span class="fill"></span>
<button type="button" id="a3-tour" aria-expanded="false">Tour<span class="wide"> · {{ steps }} steps</span></button>
<button type="button" id="a3-mode" aria-label="Light or dark"><span aria-hidden="true">◐</span></button></div>
{{ tour }}"""
TOUR = """<nav aria-label="A guided path" id="guide" class="tour" data-on="0"><ol>
{% for step in steps %}
<li><button type="button" data-look="{{ step.look }}" data-verb="{{ step.verb }}" title="{{ step.verb }}">
<b>{{ loop.index }} {{ step.verb }}</b></button></li>
{% endfor %}
</ol><b></b><p role="status">Each step opens a tab, fills in an example and runs it.</p>
<button type="button" class="next">{% if steps %}Start: {{ steps[0].verb | lower }}{% endif %}</button>
<button type="button" class="end" aria-label="End the tour">✕</button></nav>"""
BRING_INTO_VIEW = "() => { document.querySelector(%s)?.scrollIntoView({ block: 'nearest' }); }"


class Step(NamedTuple):
    """What the strip says of one click."""

    name: str  # of its event
    verb: str
    tab: str
    result: str  # its selector on the page
    look: str  # at what, once it is done


REMEMBERS = Step(
    "remembers",
    "It remembers",
    "Birthplace",
    "section[aria-label=Answers]",
    "No training showed this answer. Only checkpoints that have read a sentence about him can know it: compare them.",
)
ATTENDS = Step(
    "attends",
    "It attends",
    "Attention",
    "#pattern-first",
    "The same question inside the model: choose a head, and see where it looks while the place is written.",
)
IS_SHOWN = Step(
    "is_shown",
    "It is shown",
    "Few-shot",
    "section[aria-label='Answers of the language model']",
    "Another model, a question of the bank: read its prompt, then what it answers with none, random, and the nearest "
    "demonstrations.",
)
RECITES = Step(
    "recites",
    "It says what it knows",
    "Birthplace",
    "section[aria-label=Answers]",
    "Another name. One checkpoint first recites the sentence that it read, then answers from it: compare the others.",
)
IS_JUDGED = Step(
    "is_judged",
    "You judge",
    "Grader",
    "#grading",
    "Read what was said before the answer, and label it: a click, or the key on the button. It is stored at once.",
)


def list_steps(checkpoints: CheckpointStore) -> list[Step]:
    """The steps that the checkpoints of this page allow."""
    asks = [REMEMBERS, ATTENDS] if find_family(checkpoints) else []
    return [*asks, IS_SHOWN, *([RECITES] if find_family(checkpoints, RECALL) else []), IS_JUDGED]


def build_guide(checkpoints: CheckpointStore) -> gr.HTML:
    """The header of the page, with the tour's strip below it; each step is an event of its name."""
    steps = list_steps(checkpoints)
    events = json.dumps([step.name for step in steps])
    return gr.HTML(
        html_template=render(HEADER, tour=render_steps(steps), steps=len(steps)),
        js_on_load=f"const EVENTS = {events};\n" + (FILES / "view.js").read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="a3-header",
        label="The header of the page",
    )


def render_steps(steps: list[Step]) -> Markup:
    """The strip of the tour, of 38 px once it is on."""
    return render(TOUR, steps=steps)


class Stop(NamedTuple):
    """Where a step leads: `fill` gets the values of `reads` and returns those of `fills`, then the events run."""

    step: Step
    tab: str  # its id
    fills: list
    fill: Callable
    events: list[Callable]  # each gets the trigger that it starts at
    reads: Sequence = ()
    ended_by: gr.Button | None = None  # where the tab has one that stops what runs


def lead_through(path: gr.HTML, tabs: gr.Tabs, stops: list[Stop]) -> None:
    """Wires the strip that `build_guide` made."""
    for stop in stops:
        taken = getattr(path, stop.step.name)(
            open_tab(stop), stop.reads, [tabs, *stop.fills], api_visibility="private", show_progress="hidden"
        )
        chain = [taken]
        for event in stop.events:
            chain.append(event(chain[-1].success))
        if stop.ended_by:
            stop.ended_by.click(None, cancels=chain, api_visibility="private")
        chain[-1].success(None, js=BRING_INTO_VIEW % json.dumps(stop.step.result), api_visibility="private")


def open_tab(stop: Stop):
    @tells_errors
    def open_stop(*values) -> list:
        return [gr.Tabs(selected=stop.tab), *stop.fill(*values)]

    return open_stop


# Where the steps of this page lead


def list_stops(
    checkpoints: CheckpointStore,
    fewshot: FewShot,
    grading: GraderService,
    links: tuple[BirthplaceLinks | None, AttentionLinks, FewShotLinks, GraderLinks],
) -> list[Stop]:
    """`links` are what the builders of the four tabs returned."""
    birthplace, attention, shown, grader = links
    made = {
        IS_SHOWN: stop_at_prompt(fewshot, shown),
        IS_JUDGED: stop_at_run(grading, grader),
    }
    family, recalls = find_family(checkpoints), find_family(checkpoints, RECALL)
    if family:
        made[REMEMBERS] = stop_at_question(REMEMBERS, family, PERSON, birthplace)
        made[ATTENDS] = stop_at_pattern(checkpoints, family, attention)
    if recalls:
        made[RECITES] = stop_at_question(RECITES, recalls, RECITED_PERSON, birthplace)
    return [made[step] for step in list_steps(checkpoints)]


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


def stop_at_question(step: Step, corpus: str, person: str, links: BirthplaceLinks) -> Stop:
    fill = lambda: (gr.Tabs(selected="ask"), choose_question(corpus, person), corpus)  # noqa: E731
    return Stop(step, "birthplace", [links.panels, links.question, links.family], fill, [links.ask_on])


def stop_at_pattern(checkpoints: CheckpointStore, corpus: str, links: AttentionLinks) -> Stop:
    """The model that answers best, over the same question."""
    best = choose_best(checkpoints, corpus)
    fill = lambda: (best, "", choose_question(corpus), True, gr.Tabs(selected="models"))  # noqa: E731
    widgets = [links.model, links.second, links.text, links.generate, links.panels]
    return Stop(ATTENDS, "attention", widgets, fill, [links.showing])


def stop_at_prompt(fewshot: FewShot, links: FewShotLinks) -> Stop:
    fill = lambda: find_preset(fewshot, BANK_QUESTION)  # noqa: E731
    return Stop(IS_SHOWN, "fewshot", links.filled, fill, [links.ask_on], ended_by=links.stop)


def stop_at_run(grading: GraderService, links: GraderLinks) -> Stop:
    """The run that is shipped. Who has not said who he is gets a name of his own: labels need one."""

    def fill(name: str):
        name, run = (name or "").strip() or propose_annotator(), find_shipped(grading)
        return gr.Tabs(selected="label"), show_runs(grading, run), name, [name, run]

    widgets = [links.panels, links.run, links.annotator, links.remembered]
    events = [lambda trigger: trigger(**links.showing)]
    return Stop(IS_JUDGED, "grader", widgets, fill, events, [links.annotator])


def find_shipped(grading: GraderService) -> int:
    """The run of this project with which the path ends, or any other. Raises ValueError if there is none."""
    ids = {info.name: info.id for info in grading.store.runs()}
    files = [folder / "run.json" for folder in SHIPPED_RUNS if (folder / "run.json").is_file()]
    shipped = [json.loads(file.read_text(encoding="utf-8"))["name"] for file in files]
    found = next((ids[name] for name in [*shipped, *ids] if name in ids), None)
    if found is None:
        raise ValueError("There is no run to label: import one in the Grader, or generate it there.")
    return found
