"""The Birthplace tab: ask a name, and see what each checkpoint of a family answers."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import gradio as gr
import pandas as pd
from markupsafe import Markup

from a3core.birthplace.data.corpora import CorpusSpec
from a3core.birthplace.data.loading import is_facts_file
from a3core.birthplace.data.people import UNSEEN, KnownPerson
from a3core.birthplace.service import BirthplaceService, Reply, to_json
from a3core.ui.birthplace.cards import render_reply
from a3core.ui.birthplace.changed_sentence import build_changed_sentence_panel
from a3core.ui.birthplace.example import FAMILY as EXAMPLE_FAMILY
from a3core.ui.birthplace.example import load_example
from a3core.ui.birthplace.live import build_live_panel
from a3core.ui.birthplace.panels import (
    build_confidence_panel,
    build_curves_panel,
    build_file_panel,
    build_memory_panel,
)
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.html import render
from a3core.ui.shared.limits import PREDICTION
from a3core.ui.shared.screen import (
    act,
    build_chips,
    build_lead,
    build_more,
    build_results,
    build_screen,
    build_settings,
    render_status,
)

FAMILY_NAMES = {"builtin": "Baseball people: {}", "course": "Wikipedia people: the course's corpus"}
TOP_COLUMNS = ["checkpoint", "rank", "place", "probability"]
UNSEEN_LISTED = 500  # the page need not carry twenty thousand names
EMPTY = '<p class="a3-told">Ask about somebody: every checkpoint answers, side by side.</p>'
SCREEN = "screen-ask"  # its id on the page
LEAD = (
    "A 3 M GPT reads sentences about people, then learns where <em>some</em> of them were born. Asked about the "
    "others, it answers from what it remembers."
)
EXAMPLES = ("Albert Pujols", "where was  babe ruth born", "Mickey Mantle", "Grace Hopper")
RESULT = (
    '<div class="a3 a3-answers">{{ status }}<div{% if complete %} class="a3-result"{% endif %}>{{ cards }}</div></div>'
)
NO_CHECKPOINTS = (
    "There is no checkpoint in the folder given by `--checkpoints`. Train one with "
    "`python -m a3core pretrain --corpus builtin:500 --out checkpoints/my-pretrained` and `python -m a3core finetune`."
)


class BirthplaceLinks(NamedTuple):
    """What other tabs fill, read and wire."""

    question: gr.Textbox
    family: gr.Radio  # whose checkpoints are asked
    grade: gr.Button  # opens the Grader on the answers
    open_attention: gr.Button  # opens the Attention tab on the model that this page has trained
    ask_on: Callable  # ask_on(trigger) asks at a trigger, such as `question.submit` or the success of another event


def build_birthplace_tab(service: BirthplaceService) -> BirthplaceLinks | None:
    """Widgets, then wiring; returns the links. Without a checkpoint, the tab says how to make one."""
    checkpoints = service.checkpoints
    families = checkpoints.families
    if not any(checkpoints.names(family) for family in families):
        gr.Markdown(NO_CHECKPOINTS)
        return None
    example = load_example(checkpoints)
    with build_screen(SCREEN):
        with build_settings():
            build_lead(LEAD)
            question = gr.Textbox(
                example.name if example else None,
                label="Name or question",
                placeholder="Where was Babe Ruth born?",
                max_length=500,
                elem_classes="a3-field",
            )
            with gr.Row():
                ask, surprise = gr.Button("Ask", variant="primary", scale=2), gr.Button("Surprise me", scale=1)
            chips = build_chips(EXAMPLES)
            build_more()
            family = gr.Radio(
                [(name_family(corpus), corpus) for corpus in families],
                value=EXAMPLE_FAMILY if example else families[0],
                label="They read about",
                elem_classes=["a3-list", "a3-second"],
            )
            person = gr.Dropdown(
                list_choices(checkpoints.people(family.value)),
                value=None,
                label="Or choose a person",
                elem_classes=["a3-second", "a3-quiet-field"],
            )
        with build_results():
            answers = gr.HTML(render_result(example) if example else EMPTY)
            with gr.Row():
                grade = gr.Button("Grade these answers", size="sm", scale=0, min_width=180)
            picture = gr.Plot(label="The five likeliest places", visible=False, elem_classes="a3-result")
            with gr.Accordion("The five likeliest places as a table", open=False):
                table = gr.Dataframe(
                    headers=TOP_COLUMNS, interactive=False, label="The five likeliest places", elem_classes="a3-result"
                )

    @tells_errors
    def answer(text: str, corpus: str):
        for reply in service.stream(text or "", corpus):
            below = {picture: draw_top_places(reply), table: tabulate_top_places(reply)} if reply.is_complete else {}
            yield {answers: render_result(reply), **below}

    def ask_on(trigger: Callable):
        outputs = [answers, picture, table]
        return act(trigger, SCREEN, fn=answer, inputs=[question, family], outputs=outputs, **PREDICTION)

    def draw_name(corpus: str) -> str:
        """Somebody at random; each split, trained on, held out and never read, is as likely."""
        people = list(checkpoints.people(corpus).values())
        split = random.choice(sorted({person.split for person in people}))
        return random.choice([person.name for person in people if person.split == split])

    def show_people(corpus: str):
        return gr.Dropdown(list_choices(checkpoints.people(corpus)), value=None)

    ask_on(ask.click)
    ask_on(question.submit)
    for chip, text in zip(chips, EXAMPLES, strict=True):
        ask_on(chip.click(lambda text=text: text, None, question, api_visibility="private").success)
    ask_on(person.input(lambda name: name, person, question, api_visibility="private").success)
    ask_on(surprise.click(draw_name, family, question, api_visibility="private").success)
    family.change(show_people, family, person, api_visibility="private")
    gr.api(build_endpoint(service), api_name="predict_birthplace", **PREDICTION)

    with build_results():
        build_changed_sentence_panel(service, question, family)
        open_attention = build_live_panel(checkpoints, question, family)
        build_confidence_panel(checkpoints, family)
        build_memory_panel(checkpoints, family)
        build_file_panel(checkpoints, family)
        build_curves_panel(checkpoints, family)
    return BirthplaceLinks(question, family, grade, open_attention, ask_on)


def render_result(reply: Reply) -> str:
    """The cards below their status line; while a sentence grows they are no old result, so that nothing dims them."""
    seconds = sum(answer.seconds for answer in reply.answers)
    status = render_status(f"answered in {seconds:.1f} s")
    return render(RESULT, status=status, cards=Markup(render_reply(reply)), complete=reply.is_complete)


def name_family(corpus: str) -> str:
    """What the page calls a corpus: "builtin:1000:shuffled" is "Baseball people: the 1000 best-known, shuffled"."""
    spec = CorpusSpec.parse(corpus)
    if is_facts_file(spec.source):
        return f"Your own facts: {spec.source}"
    people = "all" if spec.size == "all" else f"the {spec.size} best-known"
    name = FAMILY_NAMES.get(spec.source, spec.source).format(people)
    return f"{name}, shuffled" if spec.shuffled else name


def list_choices(known: dict[str, KnownPerson]) -> list[tuple[str, str]]:
    """Names of a corpus, each with what the models have read about the person; of those never read, the first few."""
    people = list(known.values())
    unseen = [person for person in people if person.split == UNSEEN]
    listed = [person for person in people if person.split != UNSEEN] + unseen[:UNSEEN_LISTED]
    return [(f"{person.name} · {person.split}", person.name) for person in listed]


def draw_top_places(reply: Reply) -> gr.Plot:
    """Bars of the likeliest places of each checkpoint."""
    from a3core.birthplace.figures import plot_top_places

    return gr.Plot(plot_top_places(reply), visible=True)


def tabulate_top_places(reply: Reply) -> pd.DataFrame:
    """The likeliest places of each checkpoint, best first: TOP_COLUMNS."""
    rows = [
        (answer.checkpoint, rank, candidate.place, f"{candidate.probability:.2%}")
        for answer in reply.answers
        for rank, candidate in enumerate(answer.top, 1)
    ]
    return pd.DataFrame(rows, columns=TOP_COLUMNS)


def build_endpoint(service: BirthplaceService):
    """The public endpoint over every family of checkpoints."""

    @tells_errors
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
