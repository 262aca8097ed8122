"""The Birthplace tab: ask a name, and see what each checkpoint of a family answers."""

from __future__ import annotations

import random

import gradio as gr
import pandas as pd

from a3core.birthplace import asking
from a3core.birthplace.asking import Checkpoints, Reply
from a3core.birthplace.people import NEVER_READ, list_people
from a3core.ui.birthplace_cards import render_reply
from a3core.ui.birthplace_panels import build_curves_panel, build_file_panel, build_memory_panel
from a3core.ui.errors import tells_errors

FAMILY_NAMES = {"builtin": "Baseball people: the {} best-known", "course": "Wikipedia people: the course's corpus"}
TOP_COLUMNS = ["checkpoint", "rank", "place", "probability"]
NEVER_LISTED = 500  # the page need not carry twenty thousand names
EMPTY = '<p class="a3-told">Ask about somebody: every checkpoint answers, side by side.</p>'
NO_CHECKPOINTS = (
    "There is no checkpoint in the folder given by `--checkpoints`. Train one with "
    "`python -m a3core pretrain --corpus builtin:500 --out checkpoints/my-pretrained` and `python -m a3core finetune`."
)


def build_birthplace_tab(checkpoints: Checkpoints) -> gr.Textbox | None:
    """Widgets, then wiring; returns the question's box. Without a checkpoint, the tab says how to make one."""
    families = checkpoints.families
    if not any(checkpoints.names(family) for family in families):
        gr.Markdown(NO_CHECKPOINTS)
        return None
    gr.Markdown(
        "A 3 M character GPT reads sentences about people, then is shown where *some* of them were born. "
        "Asked about the others, it can only answer from what it **remembers**."
    )
    family = gr.Radio(
        [(name_family(corpus), corpus) for corpus in families], value=families[0], label="Checkpoints trained on"
    )
    with gr.Row():
        question = gr.Textbox(
            label="Name or question",
            placeholder="Where was Babe Ruth born?",
            submit_btn="Ask",
            scale=3,
            max_length=500,
        )
        person = gr.Dropdown(list_choices(families[0]), value=None, label="Or choose a person", scale=2)
        surprise = gr.Button("Surprise me", scale=1, min_width=120, elem_classes="a3-low")
    gr.Examples(
        ["Albert Pujols", "where was  babe ruth born", "Mickey Mantle", "Grace Hopper"], question, label="Examples"
    )
    answers = gr.HTML(EMPTY)
    picture = gr.Plot(label="The five likeliest places", visible=False)
    with gr.Accordion("The five likeliest places as a table", open=False):
        table = gr.Dataframe(headers=TOP_COLUMNS, interactive=False, label="The five likeliest places")
    shown = [answers, picture, table]

    @tells_errors
    def answer(text: str, corpus: str):
        reply = checkpoints.ask(text or "", corpus)
        return render_reply(reply), draw_top_places(reply), tabulate_top_places(reply)

    asked = {"fn": answer, "inputs": [question, family], "outputs": shown, "api_visibility": "private"}
    question.submit(**asked)
    person.input(lambda name: name, person, question, api_visibility="private").success(**asked)
    surprise.click(draw_name, family, question, api_visibility="private").success(**asked)
    family.change(
        lambda corpus: gr.Dropdown(list_choices(corpus), value=None), family, person, api_visibility="private"
    )
    gr.api(build_endpoint(checkpoints), api_name="predict_birthplace")

    build_memory_panel(checkpoints, family)
    build_file_panel(checkpoints, family)
    build_curves_panel(checkpoints, family)
    return question


def name_family(corpus: str) -> str:
    """What the page calls a corpus: "builtin:1000" is "Baseball people: the 1000 best-known"."""
    family, _, size = corpus.partition(":")
    return FAMILY_NAMES.get(family, corpus).format(size)


def list_choices(corpus: str) -> list[tuple[str, str]]:
    """Names of a corpus, each with what the models were told about the person; of those never read, the first few."""
    people = list(list_people(corpus).values())
    never = [person for person in people if person.side == NEVER_READ]
    listed = [person for person in people if person.side != NEVER_READ] + never[:NEVER_LISTED]
    return [(f"{person.name} · {person.side}", person.name) for person in listed]


def draw_name(corpus: str) -> str:
    """Somebody at random; each side, trained on, held out and never read, is as likely."""
    people = list(list_people(corpus).values())
    side = random.choice(sorted({person.side for person in people}))
    return random.choice([person.name for person in people if person.side == side])


def draw_top_places(reply: Reply):
    from a3core.birthplace.figures import plot_top_places

    return gr.Plot(plot_top_places(reply), visible=True)


def tabulate_top_places(reply: Reply) -> pd.DataFrame:
    rows = [
        (answer.checkpoint, rank, candidate.place, f"{candidate.probability:.2%}")
        for answer in reply.answers
        for rank, candidate in enumerate(answer.top, 1)
    ]
    return pd.DataFrame(rows, columns=TOP_COLUMNS)


def build_endpoint(checkpoints: Checkpoints):
    """The public endpoint over every family of checkpoints."""

    @tells_errors
    def predict_birthplace(name: str) -> list[dict]:
        """Where every checkpoint of this project says that a person was born.

        Args:
            name: a name, or a question such as "Where was Babe Ruth born?"

        Returns:
            One row per checkpoint: checkpoint, place, probability (of the whole place and its end), top (the five
            likeliest places with theirs), familiar (whether the pretraining text probably has this name),
            recalled_sentence (what a checkpoint recited before it answered; null for one that answers at once).
        """
        return asking.to_json(checkpoints.ask_all(name))

    return predict_birthplace
