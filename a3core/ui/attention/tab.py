"""The Attention tab: where real models look, and the laboratory below the second of its own tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import gradio as gr

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.model.vocabulary import MASK
from a3core.common.hosting import is_space
from a3core.ui.attention.lab import build_lab_panel
from a3core.ui.attention.models import MODEL_NAME, AttentionModels, describe_terms
from a3core.ui.attention.panels import build_ablation_panel, build_download_panel
from a3core.ui.attention.presets import list_presets
from a3core.ui.attention.view import build_pattern_view
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.progress import report_to
from a3core.ui.shared.screen import (
    act,
    build_chips,
    build_lead,
    build_more,
    build_results,
    build_screen,
    build_sections,
    build_settings,
)

TAB = "attention"  # its id among the page's tabs
NONE = ""  # of the second model
MODES = [("the text as it is", False), ("the text and what the model writes after it", True)]
INTRODUCTION = (
    "Each head gives every token a set of weights over the tokens before it. Choose a head; point at a token, or move "
    "with the arrow keys. ␣ is a space, ⁇ the mask around an answer."
)
SCREEN = "screen-pattern"
DEFAULT_TEXT = "Where was Babe Ruth born?"


class AttentionLinks(NamedTuple):
    """What other tabs fill, and what then shows the patterns."""

    model: gr.Dropdown
    text: gr.Textbox
    second: gr.Dropdown
    generate: gr.Radio
    showing: Callable  # shows the patterns after a trigger
    panels: gr.Tabs | None = None  # the tab's own, of which "models" is one


def build_attention_tab(
    checkpoints: CheckpointStore, question_box: gr.Textbox | None, tabs: gr.Tabs | None
) -> AttentionLinks:
    """Two tabs of its own; returns what other tabs fill.

    For the link: question_box is the Birthplace tab's question, tabs are the page's.
    """
    models = AttentionModels(checkpoints)
    with build_sections() as panels:
        with gr.Tab("Real models", id="models"), build_screen(SCREEN):
            links = build_models_panel(models, question_box, tabs)
        with gr.Tab("Laboratory"), build_results():
            build_lab_panel()
    gr.api(build_endpoint(models), api_name="attention_pattern")
    return links._replace(panels=panels)


def build_models_panel(models: AttentionModels, question_box: gr.Textbox | None, tabs: gr.Tabs | None):
    """Widgets, then wiring; returns the links."""
    presets = list_presets(models.checkpoints)
    with build_settings():
        build_lead(INTRODUCTION)
        text = gr.Textbox(DEFAULT_TEXT, label="Text", lines=2, max_lines=6, max_length=20_000, elem_classes="a3-field")
        generate = gr.Radio(MODES, value=True, label="Look at", elem_classes="a3-list")
        show = gr.Button("Show", variant="primary")
        build_more()
        model, second = build_model_menus(models)
        with gr.Column(elem_classes="a3-second", min_width=0):
            preset_buttons = build_chips([preset.label for preset in presets])
            ask = gr.Button("Ask this in Birthplace", size="sm", visible=question_box is not None)

    def fetch_pattern(request: dict) -> dict:
        return fetch_matrix(models, request)

    with build_results():
        note = gr.Markdown()  # progress shows here, not over the pictures
        with gr.Row(elem_classes="a3-result"):
            first_view = build_pattern_view(fetch_pattern, "first")
            second_view = build_pattern_view(fetch_pattern, "second", visible=False)
        chosen = build_ablation_panel(models, model, text)
        build_download_panel(models, model, text, generate)

    def show_patterns(model: str, second: str, text: str, generate: bool, progress) -> dict:
        payload = describe_capture(models, model, text, generate, second, progress)
        other = describe_capture(models, second, text, generate, NONE, progress) if second else None
        terms = describe_terms(model) or describe_terms(second)
        return {first_view: payload, second_view: gr.HTML(other, visible=bool(second)), note: terms}

    @tells_errors
    def show_chosen(model: str, second: str, text: str, generate: bool, progress=gr.Progress()):  # noqa: B008
        return show_patterns(model, second, text, generate, progress)

    @tells_errors
    def restore(request: gr.Request, progress=gr.Progress()):  # noqa: B008
        state = read_state(dict(request.query_params))
        if not state:
            return {note: ""}
        updates = {tabs: gr.Tabs(selected=TAB)} if tabs is not None else {}
        updates |= dict(zip(widgets, state, strict=True))
        if not {*state[:2]} <= {*models.checkpoints.trainings, MODEL_NAME, NONE}:
            return {**updates, note: "This link names another model: press Show to load it."}
        return {**updates, **show_patterns(*state, progress)}

    widgets, outputs = [model, second, text, generate], [first_view, second_view, note]
    progress = {"api_visibility": "private", "show_progress": "full", "show_progress_on": note}

    def show_by(trigger):
        return act(trigger, SCREEN, fn=show_chosen, inputs=widgets, outputs=outputs, **progress)

    show_by(show.click)
    show_by(text.submit)
    for button, preset in zip(preset_buttons, presets, strict=True):
        show_by(button.click(preset.values, None, widgets, api_visibility="private").success)
    first_view.choose(name_heads, None, chosen, api_visibility="private", queue=False)
    above = [tabs] if tabs is not None else []
    gr.on(None, restore, None, [*above, *widgets, *outputs], **progress)
    if question_box is not None:
        ask.click(ask_in_birthplace, text, [question_box, *above], api_visibility="private")
    return AttentionLinks(model, text, second, generate, show_by)


def build_model_menus(models: AttentionModels) -> tuple[gr.Dropdown, gr.Dropdown]:
    """The model, and the one beside it. Any hub id or folder can be typed, but not on a public Space."""
    names, free = models.names, not is_space()
    hint = "or type a hub id or a folder" if free else "a checkpoint of this project, or a language model"
    first = next((name for name, t in models.checkpoints.trainings.items() if t.base), names[0])
    model = gr.Dropdown(names, value=first, label="Model", info=hint, allow_custom_value=free, elem_classes="a3-second")
    second = gr.Dropdown(
        [("(none)", NONE), *names],
        value=NONE,
        label="Beside it",
        info="on the same text",
        allow_custom_value=free,
        elem_classes="a3-second",
    )
    return model, second


def describe_capture(models: AttentionModels, name: str, text: str, generate: bool, second: str, progress) -> dict:
    """The payload of the view, with the request that brings it back."""
    from a3core.attention.payload import build_payload

    capture = models.capture(name, text or "", generate, report_to(progress))
    request = {"model": capture.model, "text": text, "generate": generate, "second": second}
    return {**build_payload(capture), "request": request}


def fetch_matrix(models: AttentionModels, request: dict) -> dict:
    """What the view's script asks for when heads are chosen: {"matrix": base64}, or {"error": sentence}."""
    from a3core.attention.payload import encode_matrix, select_matrix

    try:
        heads = [(int(layer), int(head)) for layer, head in request["heads"]]
        capture = models.find_capture(str(request["model"]), str(request["text"]), bool(request["generate"]))
        return {"matrix": encode_matrix(select_matrix(capture, heads, bool(request.get("rollout"))))}
    except ValueError as error:
        return {"error": str(error)}
    except (KeyError, TypeError, AttributeError, OverflowError):
        return {"error": "The request names no heads of a captured pattern."}


def read_state(query: dict[str, str]) -> list | None:
    """[model, second, text, generate] as the view wrote them into the page's address; None if it did not."""
    if query.get("tab") != TAB or not query.get("model") or not query.get("text"):
        return None
    return [query["model"], query.get("second", NONE), query["text"], query.get("generate") == "1"]


def name_heads(event: gr.EventData) -> str:
    """The heads chosen in the view, as the ablation panel lists them."""
    return ", ".join(f"L{int(layer)} H{int(head)}" for layer, head in event.heads)


@tells_errors
def ask_in_birthplace(text: str) -> list:
    """The question for the Birthplace tab, and its opening."""
    question = (text or "").partition(MASK)[0].strip()
    if not question:
        raise ValueError("type a name, such as Babe Ruth, or a question about one")
    return [question[:500], gr.Tabs(selected="birthplace")]


def build_endpoint(models: AttentionModels):
    """The public endpoint over every model of the menu."""

    @tells_errors
    def attention_pattern(text: str, model: str) -> dict:
        """Every attention weight of a transformer over a text: where each token looks, in each head of each layer.

        The answer has n_layer * n_head * T * T numbers for T tokens: keep the text short (a sentence), for with a few
        hundred tokens it is refused as too large. Example: text "Where was Babe Ruth born?", model
        "builtin-pretrained-finetuned" (4 layers of 8 heads, one token a character).

        Args:
            text: what the model reads, 2 to 512 tokens, or fewer where the model reads fewer
            model: a checkpoint that predict_birthplace names, "gemma-3-270m", or, on a page of your own, a hub id

        Returns:
            tokens: the text of each of the T tokens
            shape: the four numbers n_layer, n_head, T, T
            pattern: weights as nested lists [layer][head][query_pos][key_pos], all from 0 on; rows sum to 1
        """
        return models.capture(model, text or "", False).to_json()

    return attention_pattern
