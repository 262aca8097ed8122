"""Watch it learn: a small recall model trains while the page shows what it recites, its scores, one of its heads.

"Facts of your own" starts the same training on a table that is uploaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr
from gradio.context import get_blocks_context
from markupsafe import Markup

from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data import corpora, facts
from a3core.birthplace.figures import plot_head, plot_progress, tabulate_head
from a3core.birthplace.training.live import PUBLIC_SIZES, SIZES, LiveTraining
from a3core.birthplace.training.snapshot import PAUSED, Probe, TrainingSnapshot
from a3core.common import hosting, tabular
from a3core.llm.offered import list_models
from a3core.ui.birthplace.cards import CARDS, cut
from a3core.ui.birthplace.families import FACTS, FACTS_QUESTION, load_texts, load_training_example
from a3core.ui.shared import errors, html, limits, screen

if TYPE_CHECKING:
    from a3core.ui.attention.tab import AttentionLinks

TEXTS = load_texts("learn")
COLUMNS = ("name", "answer", "sentence")  # what a table of facts is read for
RUNNING_SECONDS, IDLE_SECONDS = 2, 15  # between two updates of an open panel
LONGEST = 200  # characters of a recitation that are shown, more than any true sentence has: noise goes on and on
LONGEST_TRUTH = 4_000  # characters of a true sentence that are compared: those of one's own facts have half as many


class LivePanel:
    """Everything that an update sets, from the buttons to the tables behind the pictures; `families`: Ask's first.

    example: a finished training, shown until one is started.
    """

    def __init__(self, families: Sequence[gr.Radio], sizes: Sequence[int], example: TrainingSnapshot | None = None):
        self.example = example
        self.version = gr.State(0)  # of the snapshot that the page shows
        with screen.build_screen("screen-learn"):
            with screen.build_settings(*TEXTS["leads"]):
                sizes = [(f"{n:,}", n) for n in sizes]
                self.people = gr.Radio(sizes, value=sizes[0][1], label="People to learn", elem_classes="a3-field")
                with gr.Row():
                    self.start = gr.Button("Start", variant="primary")
                    self.pause = gr.Button("Pause", interactive=False)
                    self.stop = gr.Button("Stop", interactive=False)
            with screen.build_results("What it recalls while it learns"):
                self.waits = gr.HTML(elem_classes="a3-progress")  # no tick fills it, which would end what it says
                self.state = gr.HTML(LIVE.state(TrainingSnapshot(), "", example))
                with gr.Row(visible=False) as self.uses:
                    self.ask = gr.Button("Ask this model")
                    self.open_attention = gr.Button("See its attention")
                    self.download = gr.DownloadButton("Download the model", interactive=True)
                self.recited = gr.HTML(LIVE.recited(example.probes[-1]) if example else "")
                with gr.Row():
                    self.progress = gr.Plot(label="Loss, and shares right", visible=False)
                    with gr.Column():
                        self.head = gr.Plot(label="Where one head looks", visible=False)
                        self.head_text = gr.Markdown()
                self.numbers = gr.HTML(LIVE.numbers(example) if example else "")
        self.family, *self.others = families
        self.fast = gr.Timer(RUNNING_SECONDS, active=False)
        self.slow = gr.Timer(IDLE_SECONDS, active=False)
        own = ("others", "waits", "example")
        # every widget that `update_panel` has a value for
        self.outputs = [widget for name, widget in vars(self).items() if name not in own] + self.others


def build_live_panel(
    checkpoints: CheckpointStore,
    question: gr.Textbox,
    families: Sequence[gr.Radio],
    sections: tuple[gr.Tabs, Mapping[str, gr.Tab]],
    live: LiveTraining | None = None,
) -> gr.Button:
    """The sections "learn" and "facts"; returns the button that `link_live` wires once the Attention tab is built."""
    live = live or LiveTraining(checkpoints, PUBLIC_SIZES if hosting.is_space() else SIZES)
    (panels, by_name), choices = sections, list(families[0].choices)
    with by_name["learn"]:
        panel = LivePanel(families, live.sizes, load_training_example(checkpoints))

    def show(current: str, request: gr.Request):
        return update_panel(panel, live.snapshot, name_page(request), choices, checkpoints, current)

    def tick(version: int, current: str, request: gr.Request):
        """Nothing is sent while nothing has changed."""
        return {panel.version: gr.skip()} if version == live.snapshot.version else show(current, request)

    @errors.tells_errors
    def start(count: int, current: str, request: gr.Request):
        live.start(name_page(request), count)
        yield show(current, request)
        live.wait()  # so long it has the slot of the long jobs
        yield show(current, request)

    @errors.tells_errors
    def pause(current: str, request: gr.Request):
        switch = live.resume if live.snapshot.state == PAUSED else live.pause
        switch(name_page(request))
        return show(current, request)

    @errors.tells_errors
    def stop(current: str, request: gr.Request):
        live.stop(name_page(request))
        return show(current, request)

    @errors.tells_errors
    def ask(request: gr.Request):
        _, corpus = find_result(checkpoints, name_page(request))
        return corpus, checkpoints.ask_somebody(corpus), gr.Tabs(selected="ask")

    @errors.tells_errors
    def download_model(request: gr.Request):
        name, _ = find_result(checkpoints, name_page(request))
        folder = checkpoints.folders[name]
        return shutil.make_archive(str(limits.make_folder() / folder.name), "zip", folder.parent, folder.name)

    outputs, family = panel.outputs, families[0]
    by_name["learn"].select(show, family, outputs, **screen.QUIET)
    left = [section.select for name, section in by_name.items() if name != "learn"]
    gr.on(left, lambda: [gr.Timer(active=False)] * 2, None, [panel.fast, panel.slow], queue=False, **screen.QUIET)
    gr.on([panel.fast.tick, panel.slow.tick], tick, [panel.version, family], outputs, queue=False, **screen.QUIET)
    starting = {"show_progress": "full", "show_progress_on": panel.waits, "trigger_mode": "once", **limits.LONG_JOB}
    screen.act(panel.start.click, "screen-learn", fn=start, inputs=[panel.people, family], outputs=outputs, **starting)
    panel.pause.click(pause, family, outputs, **screen.QUIET)
    panel.stop.click(stop, family, outputs, **screen.QUIET)
    screen.press(panel.ask.click(ask, None, [family, question, panels], **screen.QUIET).success, "screen-ask")
    panel.download.click(download_model, None, panel.download, **screen.PRIVATE)

    with by_name["facts"]:
        build_facts_panel(live, show, panels, family, outputs)

    def leave(request: gr.Request) -> None:
        live.leave(name_page(request))

    get_blocks_context().root_block.unload(leave)
    return panel.open_attention


def update_panel(
    panel: LivePanel, snapshot: TrainingSnapshot, page: str, families: list, checkpoints: CheckpointStore, current: str
) -> dict:
    """Values for every widget of the panel, as one page gets a snapshot; `families`: the choices of every page."""
    own, example = snapshot.active and snapshot.owner == page, None if snapshot.version else panel.example
    drawn = example or snapshot
    probe = drawn.probes[-1] if drawn.probes else None  # before the first, nothing is drawn, nor plotly imported
    choices = list(families)
    for name, corpus in checkpoints.live_of(page).items():
        spec = corpora.CorpusSpec.parse(corpus)
        choices.append((f"Live: {f'{int(spec.size):,} people' if spec.size else spec.source} ({name})", corpus))
    is_offered = current in [corpus for _, corpus in choices]  # what is chosen stays, unless it is gone
    return {
        panel.version: snapshot.version,
        panel.state: LIVE.state(snapshot, page, example),
        panel.start: gr.Button(interactive=not snapshot.active),
        panel.pause: gr.Button("Resume" if snapshot.state == PAUSED else "Pause", interactive=own),
        panel.stop: gr.Button(interactive=own),
        panel.uses: gr.Row(visible=len(choices) > len(families)),
        panel.fast: gr.Timer(active=snapshot.active),
        panel.slow: gr.Timer(active=not snapshot.active),
        panel.family: gr.Radio(choices) if is_offered else gr.Radio(choices, value=choices[0][1]),
        **{other: gr.Radio(choices) for other in panel.others},
        panel.recited: LIVE.recited(probe) if probe else "",
        panel.progress: gr.Plot(plot_progress(drawn) if probe else None, visible=probe is not None),
        panel.head_text: describe_head(probe) if probe else "",
        panel.head: gr.Plot(plot_head(probe.head) if probe else None, visible=probe is not None),
        panel.numbers: LIVE.numbers(drawn) if probe else "",
    }


def name_page(request: gr.Request | None) -> str:
    """The open page that asks: reloaded, it is another one."""
    return getattr(request, "session_hash", None) or ""


def find_result(checkpoints: CheckpointStore, page: str) -> tuple[str, str]:
    """(name, corpus) of the live model of a page. Raises ValueError if it has none."""
    if not (own := checkpoints.live_of(page)):
        raise ValueError("this page has trained no model yet, or another training has replaced it: press Start")
    return list(own.items())[-1]


def link_live(button: gr.Button, checkpoints: CheckpointStore, attention: AttentionLinks, tabs: gr.Tabs) -> None:
    """The button opens the Attention tab, one of the page's `tabs`, on this page's model, and shows its weights."""

    @errors.tells_errors
    def open_attention(request: gr.Request):
        page = name_page(request)
        name, corpus = find_result(checkpoints, page)
        menu = gr.Dropdown([*checkpoints.menu(page), *list_models()], value=name)
        return [*attention.fill(menu, checkpoints.ask_somebody(corpus)), gr.Tabs(selected="attention")]

    opened = button.click(open_attention, None, [*attention.filled, tabs], **screen.QUIET)
    attention.showing(opened.success)


def cut_noise(sentence: str) -> str:
    """The beginning of a recitation."""
    return cut(sentence, LONGEST, " …")


def highlight_matches(sentence: str, truth: str) -> Markup:
    """The sentence as HTML, cut where it is very long; words that stand in the truth, in its order, are marked."""
    words, true = cut_noise(sentence).split(), truth[:LONGEST_TRUTH].split()
    recalled, true = ([word.strip(",.()") for word in text] for text in (words, true))
    steps = SequenceMatcher(None, recalled, true, autojunk=False).get_opcodes()
    return LIVE.matches([(kind == "equal", " ".join(words[i:end])) for kind, i, end, _, _ in steps if end > i])


# A live training as HTML: its state, three recalled sentences beside the true ones, and all its numbers
CALLED = {"highlight_matches": highlight_matches, "cut": cut_noise, "tabulate_head": tabulate_head}
LIVE = html.load_macros(__file__, "live.html", verdict=CARDS.verdict, **CALLED)


def describe_head(probe: Probe) -> str:
    """What the picture of the head shows, in words."""
    others = [share for layer in probe.head.shares for share in layer]
    return TEXTS["head"].format(head=probe.head, name=probe.recited[0].name, mean=sum(others) / len(others))


def build_facts_panel(live: LiveTraining, show: Callable, panels: gr.Tabs, family: gr.Radio, outputs: list) -> None:
    """Facts of one's own: uploaded, checked, learned. show(family, request) has values for `outputs`."""
    name, texts = "screen-facts", load_texts("facts")
    with screen.build_screen(name):
        with screen.build_settings(texts["lead"]):
            kinds = {"file_types": list(tabular.SUFFIXES), "height": 120}
            file = gr.File(str(FACTS), label="Table of facts", elem_classes="a3-field", **kinds)
            with gr.Row():
                check, start = gr.Button("Check the table"), gr.Button("Learn these facts", variant="primary")
            question = gr.Textbox(FACTS_QUESTION, label="Question", info="{name} is where a name goes", max_length=200)
            share = gr.Slider(0.1, 0.5, 0.2, step=0.05, label="Share of names that is held out")
            questions = gr.File(label="Or a second table: the names to hold out", **kinds)
            choice = {"allow_custom_value": True, "min_width": 200}
            columns = [gr.Dropdown([use], value=use, label=f"{use.capitalize()} column", **choice) for use in COLUMNS]
            info = "{answer} is where the answer goes; the name comes before it"
            written = gr.Textbox(facts.WRITTEN, label="Sentence, where the table has none", info=info, max_length=300)
        with screen.build_results("What was understood of your table"):
            example = describe_corpus(facts.load_facts(FACTS, facts.FactsFormat(question=FACTS_QUESTION)))
            summary = gr.Markdown(f"An example. {example}")
    inputs = {file, question, share, questions, *columns, written}

    def read(values: dict) -> corpora.Corpus:
        if not values[file]:
            raise ValueError("choose a file first: CSV, TSV, JSON, JSONL, Excel or Parquet")
        chosen = {f"{use}_column": values[menu] or "" for use, menu in zip(COLUMNS, columns, strict=True)}
        held_out = {"hold_out_share": values[share], "questions_file": values[questions] or ""}
        chosen["templates"] = [values[written]] if values[written] else None
        return facts.load_facts(Path(values[file]), facts.FactsFormat(question=values[question], **chosen, **held_out))

    @errors.tells_errors
    def offer_columns(path: str, asked: str) -> list:
        # by their headings, else in order; the example's question would be nonsense of another table
        there = list(tabular.read_table(Path(path), facts.KIND).columns)
        name = "name" if "name" in there else there[0]
        others = [column for column in there if column != name]
        guessed = [name, "answer" if "answer" in others else next(iter(others), "")]
        guessed.append("sentence" if "sentence" in others else "")
        menus = [gr.Dropdown(there, value=value, allow_custom_value=True) for value in guessed]
        return [f"What is the {guessed[1] or 'answer'} of {{name}}?" if asked == FACTS_QUESTION else gr.skip(), *menus]

    @errors.tells_errors
    def describe_facts(values: dict) -> str:
        return describe_corpus(read(values))

    @errors.tells_errors
    def start_facts(values: dict, request: gr.Request):
        corpus = read(values)
        live.start(name_page(request), corpus=corpus)
        yield {summary: describe_corpus(corpus), panels: gr.Tabs(selected="learn"), **show(values[family], request)}
        live.wait()  # so long it has the slot of the long jobs
        yield show(values[family], request)

    offered = screen.act(file.upload, name, fn=offer_columns, inputs=[file, question], outputs=[question, *columns])
    screen.act(offered.success, name, fn=describe_facts, inputs=inputs, outputs=summary)
    screen.act(check.click, name, fn=describe_facts, inputs=inputs, outputs=summary)
    learning = {"trigger_mode": "once", "show_progress": "full", "show_progress_on": summary, **limits.LONG_JOB}
    outputs = [summary, panels, *outputs]
    screen.act(start.click, name, fn=start_facts, inputs={*inputs, family}, outputs=outputs, **learning)


def describe_corpus(corpus: corpora.Corpus) -> str:
    """What was understood of a file, with its first facts; all text from it is code, so that none is markup."""
    split = f"{len(corpus.train):,} answers are learned, {len(corpus.dev):,} are held out"
    lines = [f"{len(corpus.names):,} names, {len(corpus.documents):,} sentences. {split}. The first three:"]
    documents = corpus.documents_by_name
    for question in corpus.train[:3]:
        texts = (documents[question.name][0], question.question, question.place)
        lines.append("- read: `{}` asked: `{}` answer: `{}`".format(*(text.replace("`", "'")[:200] for text in texts)))
    return "\n".join(lines)
