"""The Attention tab: where real models look, and the laboratory in the second of its sections."""

from __future__ import annotations  # the endpoints' results have no schema, as programs know them

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr

from a3core.attention.template import SCRIPTS, VIEW
from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.model.vocabulary import MASK
from a3core.common.hosting import is_space
from a3core.llm.local import GEMMA_TERMS, MODEL_NAME
from a3core.ui.attention.lab import build_lab_panel
from a3core.ui.attention.models import AttentionModels, answer_view, describe_capture, fetch_matrix
from a3core.ui.attention.panels import build_download_panel, build_heads_panel
from a3core.ui.attention.presets import list_presets, load_example
from a3core.ui.shared import screen
from a3core.ui.shared.errors import tells_errors
from a3core.ui.shared.limits import LONG_JOB

TAB = "attention"  # its id among the page's tabs
NONE = ""  # of the second model
INTRODUCTION = (
    "Each head gives every token a set of weights over the tokens before it. Choose a head; point at a token, or move "
    "with the arrow keys. ␣ is a space, ⁇ the mask around an answer."
)
SCREEN = "screen-pattern"


@dataclass(frozen=True)
class AttentionLinks:
    """What other tabs fill, and what then shows the patterns."""

    model: gr.Dropdown
    text: gr.Textbox
    second: gr.Dropdown
    generate: gr.Checkbox
    showing: Callable  # shows the patterns after a trigger
    layers: gr.Textbox
    panels: gr.Tabs  # the tab's own, of which "models" is one

    @property
    def filled(self) -> list:
        """What `fill` has values for."""
        return [self.model, self.second, self.text, self.generate, self.panels, self.layers]

    def fill(self, model: gr.Dropdown | str, text: str) -> list:
        """One model and a text, all layers: values for `filled`."""
        return [model, NONE, text, True, gr.Tabs(selected="models"), ""]


def build_attention_tab(
    checkpoints: CheckpointStore, question_box: gr.Textbox | None, tabs: gr.Tabs | None
) -> AttentionLinks:
    """Two sections; returns what other tabs fill.

    For the link: question_box is the Birthplace tab's question, tabs are the page's.
    """
    models = AttentionModels(checkpoints)
    with screen.build_sections() as panels:
        with gr.Tab("Real models", id="models"), screen.build_screen(SCREEN):
            links = build_models_panel(models, question_box, tabs, panels)
        with gr.Tab("Laboratory", id="laboratory"):
            build_lab_panel()
    for endpoint in build_endpoints(models):
        gr.api(endpoint, api_name=endpoint.__name__)
    return links


def build_models_panel(
    models: AttentionModels, question_box: gr.Textbox | None, tabs: gr.Tabs | None, panels: gr.Tabs
) -> AttentionLinks:
    """Widgets, then wiring; returns the links."""
    presets, example = list_presets(models.checkpoints), load_example(models.checkpoints)
    with screen.build_settings(INTRODUCTION):
        text = gr.Textbox(
            example["request"]["text"] if example else "Where was Babe Ruth born?",
            label="Text",
            lines=1,  # so that Enter shows it
            max_lines=6,
            max_length=20_000,
            elem_classes="a3-field",
        )
        generate = gr.Checkbox(True, label="also what the model writes after it", elem_classes="a3-check")
        show = gr.Button("Show attention", variant="primary")
        screen.build_more()
        model, second = build_model_menus(models, example)
        layers = gr.Textbox(
            label="Layers",
            placeholder="all, or 4-7",
            info="fewer, where the text is long and memory short",
            max_length=40,
            elem_classes="a3-second",
        )
        with gr.Column(elem_classes="a3-second", min_width=0):
            preset_buttons = screen.build_chips([preset.label for preset in presets])
        answer, mean, wire_heads = build_heads_panel(models, model)
        build_download_panel(models, model, text, generate, layers)

    with screen.build_results():
        note = gr.Markdown(elem_classes="a3-terms")
        with gr.Row():
            first_view = build_pattern_view(models, "first", example)
            second_view = build_pattern_view(models, "second")
        waits = gr.HTML(elem_classes="a3-progress")  # not over the picture

    def show_patterns(request: dict, layers: str, progress: gr.Progress) -> dict:
        second, other, report = request["second"], None, screen.report_to(progress)
        request |= {"layers": layers.strip()} if layers and layers.strip() else {}
        payload = describe_capture(models, request, report)
        if second:
            other = describe_capture(models, request | {"model": second, "second": ""}, report)
        terms = GEMMA_TERMS if MODEL_NAME in (request["model"], second) else ""
        return {first_view: payload, second_view: gr.HTML(other, visible=bool(second)), note: terms}

    fields = {"model": model, "second": second, "text": text, "generate": generate}

    @tells_errors
    def show_chosen(model: str, second: str, text: str, generate: bool, layers: str, progress=gr.Progress()):  # noqa: B008
        request = {"model": model, "second": second, "text": text, "generate": generate}
        return show_patterns(request, layers, progress)

    @tells_errors
    def restore(request: gr.Request, progress=gr.Progress()):  # noqa: B008
        query = dict(request.query_params)
        updates = {tabs: gr.Tabs(selected=TAB)} if tabs is not None and query.get("tab") == TAB else {}
        if query.get("tab") == TAB and query.get("claim"):
            return {**updates, panels: gr.Tabs(selected="laboratory"), note: ""}
        if not (state := read_state(query)):
            return {note: ""}
        updates |= {widget: state[name] for name, widget in fields.items()}
        updates |= {layers: chosen} if (chosen := query.get("layers", "")[:40]) else {}
        if not {state["model"], state["second"]} <= {*models.checkpoints.trainings, MODEL_NAME, NONE}:
            return {**updates, note: "This link names another model: press Show attention to load it."}
        return {**updates, **show_patterns(state, chosen, progress)}

    outputs = [first_view, second_view, note]
    progress = {**screen.PRIVATE, "show_progress": "full", "show_progress_on": first_view}

    def show_by(trigger: Callable):
        return screen.act(
            trigger, SCREEN, fn=show_chosen, inputs=[*fields.values(), layers], outputs=outputs, **progress
        )

    show_by([show.click, text.submit])
    for button, preset in zip(preset_buttons, presets, strict=True):
        fill = lambda preset=preset: (preset.model, preset.second, preset.text, True, "")  # noqa: E731
        show_by(button.click(fill, None, [*fields.values(), layers], **screen.PRIVATE).success)
    for view in (first_view, second_view):
        wire_questions(models, view, [answer, mean], waits)
    wire_heads(first_view)
    above = [tabs] if tabs is not None else []
    gr.on(None, restore, None, [*above, panels, model, second, text, generate, layers, *outputs], **progress)
    if question_box is not None:
        first_view.birthplace(ask_in_birthplace, None, [question_box, *above], **screen.QUIET)
    return AttentionLinks(model, text, second, generate, show_by, layers, panels)


def build_pattern_view(models: AttentionModels, slot: str, value: dict | None = None) -> gr.HTML:
    """A view of one capture; its value is `a3core.attention.payload.build_payload` with the `request` that made it.

    slot "first" writes the page's address and triggers `choose`, `ask` and `birthplace`;
    "second" is beside it.
    """

    def fetch_pattern(request: dict) -> dict:
        return fetch_matrix(models, request)

    return screen.build_file_view(
        VIEW,
        SCRIPTS,
        slot,
        value=value,
        server_functions=[fetch_pattern],
        elem_id=f"pattern-{slot}",
        label=f"Attention pattern, {slot} model",
        visible=slot == "first",
    )


def wire_questions(models: AttentionModels, view: gr.HTML, asked: list, waits: gr.HTML) -> None:
    """What the view asks of the server, about the text and model that it shows; `waits` has a long job's progress."""

    def measure(answer: str, mean: bool, event: gr.EventData):
        if event._data.get("kind") == "maps":
            raise gr.Error("Maps of every head have a queue of their own.", print_exception=False)
        return {"answer": answer_view(models, event._data, answer, mean)}

    def map_heads(answer: str, mean: bool, event: gr.EventData, progress=gr.Progress()):  # noqa: B008
        count = lambda done, total: progress((done, total), unit="variants")  # noqa: E731
        return {"answer": answer_view(models, event._data, answer, mean, count)}

    view.ask(measure, asked, view, trigger_mode="multiple", **screen.QUIET)
    view.map(map_heads, asked, view, show_progress="full", show_progress_on=waits, **screen.PRIVATE, **LONG_JOB)


def build_model_menus(models: AttentionModels, example: dict | None) -> tuple[gr.Dropdown, gr.Dropdown]:
    """The model, and the one beside it. Any hub id or folder can be typed, but not on a public Space."""
    names, free = models.names, not is_space()
    hint = "a checkpoint of this project, or a language model"
    if free:
        hint = "or a hub id or folder; T5 and BART with :cross, :encoder, :decoder"
    first = next((name for name, t in models.checkpoints.trainings.items() if t.base), names[0])
    first = example["model"] if example else first
    options = {"allow_custom_value": free, "elem_classes": "a3-second"}
    model = gr.Dropdown(names, value=first, label="Model", info=hint, **options)
    second = gr.Dropdown([("(none)", NONE), *names], value=NONE, label="Beside it", info="on the same text", **options)
    return model, second


def read_state(query: dict[str, str]) -> dict[str, str | bool] | None:
    """What the view wrote into the page's address: model, second, text and generate; None if it did not."""
    if query.get("tab") != TAB or not query.get("model") or not query.get("text"):
        return None
    texts = {"model": query["model"], "second": query.get("second", NONE), "text": query["text"]}
    return {**texts, "generate": query.get("generate") == "1"}


@tells_errors
def ask_in_birthplace(event: gr.EventData) -> list:
    """The question of the view's text for the Birthplace tab, and its opening."""
    question = str(event._data.get("text") or "").partition(MASK)[0].strip()
    if not question:
        raise ValueError("type a name, such as Babe Ruth, or a question about one")
    return [question[:500], gr.Tabs(selected="birthplace")]


def build_endpoints(models: AttentionModels) -> tuple[Callable, Callable]:
    """The public endpoints over every model of the menu: where heads look, and what they do."""

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
            pattern: weights as nested lists [layer][head][query_pos][key_pos], all from 0 on; rows sum to 1, or to
                less where a model has a sink that is no token
        """
        return models.capture(model, text or "", False).to_json()

    @tells_errors
    def attention_measures(text: str, model: str, answer: str = "") -> dict:
        """What each head does for the next token of a transformer: weights are not effects.

        Example: text "Where was Babe Ruth born?", model "builtin-pretrained-finetuned". A map has a list for each
        layer with a number for each head.

        Args:
            text: what the model reads, 2 to 512 tokens
            model: a checkpoint that predict_birthplace names, "gemma-3-270m", or, on a page of your own, a hub id
            answer: its first token is measured; empty: what the model writes

        Returns:
            needed_to_read: change of that token's log-probability in nats, the head off everywhere (zero ablation)
            needed_to_answer: the same with the head off only where the answer is written
            writes_directly: what the head adds to the token's logit less the mean of all logits (direct attribution)
            lens: for each layer the five likeliest tokens with their probabilities, and the token's rank
            scores: previous token, first token, duplicate token, induction, the name: mean weights, 0 to 1
            sentence: which token of which model, and what the maps do not see
        """
        from a3core.attention.measures.answers import Question, answer_question

        loaded = models.load(model)
        question = lambda kind: Question(kind, text or "", False, [(0, 0)], answer=answer or None)  # noqa: E731
        maps, lens, scores = (answer_question(loaded, question(kind)) for kind in ("maps", "lens", "scores"))
        names = ("needed_to_read", "needed_to_answer", "writes_directly")
        return {
            **{name: each["values"] for name, each in zip(names, maps["maps"], strict=False)},
            "lens": lens["rows"],
            "scores": {each["title"]: each["values"] for each in scores["scores"]},
            "sentence": maps["sentence"],
        }

    return attention_pattern, attention_measures
