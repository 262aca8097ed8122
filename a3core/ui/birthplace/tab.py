"""The Birthplace tab: ask a name, and see what each checkpoint of a family answers; further sections beside it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import gradio as gr
from gradio.context import get_blocks_context

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.service import BirthplaceService, to_json
from a3core.ui.birthplace import families
from a3core.ui.birthplace import panels as others
from a3core.ui.birthplace.cards import render_reply
from a3core.ui.birthplace.live import build_live_panel, link_live
from a3core.ui.shared import errors, html, limits, screen

if TYPE_CHECKING:
    from a3core.ui.attention.tab import AttentionLinks

SCREEN = "screen-ask"  # its id on the page
TEXTS = families.load_texts("tab")


class BirthplaceLinks(NamedTuple):
    """What other tabs fill, read and wire."""

    question: gr.Textbox
    family: gr.Radio  # whose checkpoints are asked
    grade: gr.Button  # opens the Grader on the answers
    attend: gr.Button  # opens the Attention tab on the question
    open_attention: gr.Button  # opens the Attention tab on the model that this page has trained
    panels: gr.Tabs  # the sections, of which "ask" is one
    ask_on: Callable  # ask_on(trigger) asks at a trigger, such as the success of another event


def build_birthplace_tab(service: BirthplaceService) -> BirthplaceLinks | None:
    """Its sections; returns the links. Without a checkpoint, the tab says how to make one."""
    checkpoints = service.checkpoints
    if not any(checkpoints.names(family) for family in checkpoints.families):
        gr.Markdown(TEXTS["no_checkpoints"])
        return None
    with screen.build_sections() as panels:
        sections = {name: gr.Tab(label, id=name) for name, label in TEXTS["sections"].items()}
    with sections["ask"], screen.build_screen(SCREEN):
        links = build_ask(service, panels)
    with sections["change"]:
        choices = [links.family, others.build_changed_sentence_panel(service)]
    for name in ("confidence", "curves"):
        with sections[name] as section:
            choices.append(others.build_picture_panel(checkpoints, section, name))
    for name, build in (("memory", others.build_memory_panel), ("file", others.build_file_panel)):
        with sections[name]:
            choices.append(build(checkpoints))
    open_attention = build_live_panel(checkpoints, links.question, choices, (panels, sections))
    return links._replace(open_attention=open_attention)


def build_ask(service: BirthplaceService, panels: gr.Tabs) -> BirthplaceLinks:
    """Widgets, then wiring: a question, and what each checkpoint of a family answers."""
    checkpoints = service.checkpoints
    example = families.load_example(checkpoints)
    with screen.build_settings(TEXTS["lead"]):
        question = gr.Textbox(example.name if example else None, **TEXTS["question"])
        with gr.Row():
            ask, surprise = gr.Button("Ask", variant="primary", scale=2), gr.Button("Surprise me", scale=1)
        family = families.build_family(checkpoints, families.FAMILY if example else None)
        chips = screen.build_chips(families.list_examples(checkpoints, family.value))
        screen.build_more()
        person = gr.Dropdown(families.list_choices(checkpoints.people(family.value)), **TEXTS["person"])
    with screen.build_results():
        with gr.Row(elem_classes="a3-jumps"):
            attend, grade = gr.Button("See its attention", size="sm"), gr.Button("Grade these answers", size="sm")
        answers = gr.HTML(render_reply(example, checkpoints.trainings) if example else TEXTS["empty"])

    @errors.tells_errors
    def answer(text: str, corpus: str):
        for reply in service.stream(text or "", corpus):
            yield {answers: render_reply(reply, checkpoints.trainings)}

    def draw_name(corpus: str) -> str:
        """Somebody at random; each split, trained on, held out and never read, is as likely."""
        people = list(checkpoints.people(corpus).values())
        split = random.choice(sorted({person.split for person in people}))
        return random.choice([person.name for person in people if person.split == split])

    def offer_people(corpus: str) -> list:
        names = families.list_examples(checkpoints, corpus)
        return [gr.Dropdown(families.list_choices(checkpoints.people(corpus)), value=None), *map(gr.Button, names)]

    ask_on, inputs = (lambda trigger: screen.press(trigger, SCREEN)), [question, family]
    triggers = [ask.click, question.submit]
    answered = screen.act(triggers, SCREEN, fn=answer, inputs=inputs, outputs=answers, **limits.PREDICTION)
    answered.success(None, inputs, js=html.read_template(__file__, "write_link.js"), **screen.PRIVATE)
    for chip in chips:
        ask_on(chip.click(lambda name: name, chip, question, **screen.PRIVATE).success)
    ask_on(person.input(lambda name: name, person, question, **screen.PRIVATE).success)
    ask_on(surprise.click(draw_name, family, question, **screen.PRIVATE).success)
    family.change(offer_people, family, [person, *chips], **screen.QUIET)
    # the address leads back to the question and its family, where the page still has that family
    offered = json.dumps([corpus for _, corpus in family.choices])
    follow = html.read_template(__file__, "follow_link.js").replace("FAMILIES", offered).replace("SCREEN", SCREEN)
    get_blocks_context().root_block.load(None, inputs, inputs, js=follow, **screen.PRIVATE)
    gr.api(build_endpoint(service), api_name="predict_birthplace", **limits.PREDICTION)
    return BirthplaceLinks(question, family, grade, attend, attend, panels, ask_on)


def link_attention(
    links: BirthplaceLinks, checkpoints: CheckpointStore, attention: AttentionLinks, tabs: gr.Tabs
) -> None:
    """The question opens in the Attention tab, and so does the model that this page has trained; `tabs`: the page's."""

    @errors.tells_errors
    def attend(text: str, corpus: str) -> list:
        filled = attention.fill(families.choose_best(checkpoints, corpus), text)
        return [*filled, gr.Tabs(selected="attention")]

    inputs, outputs = [links.question, links.family], [*attention.filled, tabs]
    attention.showing(links.attend.click(attend, inputs, outputs, **screen.QUIET).success)
    link_live(links.open_attention, checkpoints, attention, tabs)


def build_endpoint(service: BirthplaceService):
    """The public endpoint over every family of checkpoints."""

    @errors.tells_errors
    def predict_birthplace(name: str) -> list[dict]:
        """Where each of several tiny language models (3 M parameters) says that a person was born.

        They know only the few thousand people that they read about, and make up a place for anybody else: look at
        `familiar` and, where there is one, at `confidence` before you believe a place. The last row is a baseline that
        always says London.

        Args:
            name: a full name, e.g. "Babe Ruth", or a question such as "Where was Babe Ruth born?"

        Returns:
            a list with one row per model: checkpoint, the model's name
            place: its answer
            probability: 0 to 1, of the whole place and its end
            top: up to five likeliest places, each with its probability
            familiar: whether the pretraining text probably has this name; null if that is not known
            recalled_sentence: what the model recited before it answered; null for one that answers at once
            confidence: 0 to 1, that the place is right, calibrated on held-out people; null for a model without one
        """
        return to_json(service.ask_all(name or ""))

    return predict_birthplace
