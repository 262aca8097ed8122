"""What a visitor, a program and a shell got at commit 77e427d, they get now: answers, endpoints, help, cards, links."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from dataclasses import asdict, astuple, replace
from hashlib import sha256
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from typer.testing import CliRunner

# All names of the program that these tests use.
from a3core.__main__ import app
from a3core.attention.lab.claims import run_claim
from a3core.attention.lab.result import LabResult, Quantity
from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.people import HELD_OUT, KnownPerson, list_people
from a3core.birthplace.evaluation import Accuracy
from a3core.birthplace.prediction.predictor import Candidate, Prediction
from a3core.birthplace.service import BASELINE, BirthplaceService, Reply
from a3core.birthplace.training.live import FAILED, FINISHED, PREPARING, RUNNING, TrainingSnapshot
from a3core.birthplace.training.live_probe import Probe, Recited
from a3core.birthplace.training.trainer import Epoch
from a3core.fewshot.answering import Answered
from a3core.fewshot.pool_map import format_question
from a3core.fewshot.pools import Demonstration, Pool
from a3core.fewshot.prompt import BuiltPrompt, Prompt
from a3core.fewshot.retrieval import Chosen
from a3core.fewshot.scoring import Score
from a3core.grader.labels.schema import DEFAULT_SCHEMA
from a3core.grader.report.build import build_report
from a3core.grader.report.figures import show_text
from a3core.grader.runs.responses import Label, Response
from a3core.ui.attention.lab import render_result
from a3core.ui.attention.panels import ERROR
from a3core.ui.attention.tab import read_state
from a3core.ui.birthplace.cards import render_reply
from a3core.ui.birthplace.live import LIVE
from a3core.ui.fewshot.cards import render_answers, render_notes
from a3core.ui.fewshot.sweep import format_source
from a3core.ui.grader.board import render_board
from a3core.ui.grader.service import GraderService
from a3core.ui.grader.tab import build_cot_tab, build_memory
from a3core.ui.shared.html import render
from a3core.ui.tour import render_steps

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = Path(__file__).parent / "outputs"
PEOPLE, FAST_PEOPLE = 40, 3
HOSTILE = "<b>&\"' Ada"


def compare(name: str, got, check=None) -> None:
    """Compares with the pinned output, which is JSON."""
    path = OUTPUTS / f"{name}.json"
    expected = json.loads(path.read_text(encoding="utf-8"))
    (check or assert_equal)(json.loads(json.dumps(got)), expected)


def assert_equal(got, expected) -> None:
    assert got == expected


# Answers


def ask_everybody(count: int) -> dict:
    """Corpus -> person -> what each checkpoint answers. Of the course's sentences, sha256 sums are pinned."""
    service, answers = BirthplaceService(CheckpointStore(ROOT / "checkpoints")), {}
    for corpus in service.checkpoints.families:
        people = sorted(list_people(corpus).values(), key=lambda person: person.split != HELD_OUT)
        for person in people[:count]:  # the course has only twenty held-out people: others follow
            reply = service.ask(person.name, corpus)
            rows = {answer.checkpoint: describe(answer, corpus) for answer in reply.answers}
            answers.setdefault(corpus, {})[person.name] = rows | {"familiar": reply.familiarity}
    return answers


def describe(answer: Prediction, corpus: str) -> dict:
    sentence, top = (
        answer.sentence,
        [asdict(candidate) for candidate in answer.top[: 5 if answer.sentence is None else 1]],
    )
    if sentence is not None and corpus == "course":
        sentence = hash_text(sentence)
        for row in top:  # what is not the answer may be any words of the sentence
            row["place"] = row["place"] if row["place"] == answer.place else hash_text(row["place"])
    return {
        "place": answer.place,
        "top": top,
        "sentence": sentence,
        "span": answer.span,
        "confidence": answer.confidence,
        "familiar": answer.familiarity,
        **({} if answer.is_stated else {"guess": True}),
    }


def hash_text(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def assert_close(got, expected, where: str = "") -> None:
    """Equal but for rounding; among the likeliest places, only those of nearly equal probability change places.

    How sure an answer is, and how familiar a name, is fitted anew by `benchmarks.recall_folds`, and not compared. Where
    the sentence states no place, the answer is a guess now: of that only the sentence is compared. Of a recalled answer
    the others of the five have the shape of a taught place now, so only the first is compared.
    """
    if isinstance(got, dict) and got.get("guess"):
        got, expected = {"sentence": got["sentence"]}, {"sentence": expected["sentence"]}
    if where.endswith("/top"):
        shares, expected = (
            {row["place"]: row["probability"] for row in got},
            expected[: len(got) if len(got) == 1 else 5],
        )
        assert [row["probability"] for row in got] == pytest.approx([row["probability"] for row in expected], abs=2e-3)
        for row in expected[:-1] or expected:
            assert shares.get(row["place"], 0.0) == pytest.approx(row["probability"], abs=2e-3), where
    elif isinstance(expected, dict):
        assert got.keys() == expected.keys(), where
        for key in expected.keys() - {"confidence", "familiar"}:
            assert_close(got[key], expected[key], f"{where}/{key}")
    elif isinstance(expected, float):
        assert got == pytest.approx(expected, abs=2e-3), where
    else:
        assert got == expected, where


def test_a_few_people_get_the_answers_that_they_got(monkeypatch):
    monkeypatch.delenv("BIRTHPLACE_DATA", raising=False)
    compare("answers_fast", ask_everybody(FAST_PEOPLE), assert_close)


@pytest.mark.slow
def test_forty_people_get_the_answers_that_they_got(monkeypatch):
    monkeypatch.delenv("BIRTHPLACE_DATA", raising=False)
    compare("answers", ask_everybody(PEOPLE), assert_close)


# Endpoints, commands, links


def test_the_endpoints_are_those_that_programs_know(demo):
    info = demo.get_api_info()
    assert not info["unnamed_endpoints"]
    endpoints = {
        name: {
            "parameters": [
                {key: parameter.get(key) for key in ("parameter_name", "parameter_has_default", "type")}
                for parameter in endpoint["parameters"]
            ],
            "returns": [{key: value.get(key) for key in ("label", "type")} for value in endpoint["returns"]],
        }
        for name, endpoint in info["named_endpoints"].items()
    }
    compare(
        "endpoints", {name: each for name, each in endpoints.items() if name != "/attention_measures"}
    )  # a newer one


def test_every_command_has_the_help_that_it_had():
    names = [command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands]
    assert len(names) >= 9
    shell = {"COLUMNS": "100", "TERM": "dumb"}
    texts = {name: CliRunner().invoke(app, [name, "--help"], env=shell).output for name in names}
    compare("help", {name: list_words(text) for name, text in texts.items()}, assert_still_offered)


def list_words(text: str) -> list[str]:
    """The words of a help text, less its frames, the marks of a sentence, and what an argument may be ("<path>")."""
    words = re.sub(r"[│╭╮╰╯─]", " ", text).split()
    return [word.strip(".,;:()…") for word in words if word[0] not in "<[{*"]


def assert_still_offered(got: dict[str, list[str]], expected: dict[str, str]) -> None:
    """A command may offer more than it did: every option and every word of its old help is there."""
    missing = {name: Counter(list_words(text)) - Counter(got[name]) for name, text in expected.items()}
    assert not any(missing.values()), missing


def test_old_links_and_the_old_state_of_a_browser_are_understood():
    links = [
        {"tab": "attention", "model": "builtin-pretrained-finetuned", "text": HOSTILE, "layer": "1", "head": "2"},
        {"tab": "attention", "model": "x", "text": "a b", "generate": "1", "second": "y"},
        {"text": "only a text"},
        {},
    ]
    memory = build_memory()
    state = {"key": memory.storage_key, "secret": memory.secret, "value": memory.default_value}
    states = [read_state(link) for link in links]
    compare("links", {"links": [found and list(astuple(found)) for found in states], "grader": state})


@pytest.fixture
def grading(tmp_path, monkeypatch):
    monkeypatch.delenv("SPACE_ID", raising=False)
    return GraderService(f"sqlite:///{tmp_path / 'labels.sqlite'}")


def test_what_a_browser_kept_opens_its_run_and_is_kept_in_the_same_shape(grading, fewshot, tmp_path):
    with gr.Blocks() as page:
        build_cot_tab(grading, fewshot, CheckpointStore(tmp_path), page, build_memory())
    (open_page,) = [event.fn for event in page.fns.values() if [is_memory(widget) for widget in event.inputs] == [True]]
    opened = {}
    for kept in ([HOSTILE, 1], [HOSTILE, 2], ["Ann", 999], ["Ann", None], ["", None], None):
        result = open_page(kept, SimpleNamespace(username=None))
        run, annotator = (next(value for key, value in result.items() if key.label == label) for label in LABELS)
        names = {run.id: run.name for run in grading.store.runs()}
        name = annotator._constructor_args[0].get("value")
        # where none was kept, a name is proposed now, which signs nothing before it is confirmed
        opened[json.dumps(kept)] = [names[run.value], None if re.fullmatch(r"visitor-\w+", name or "") else name]
    (keep,) = [event for event in page.fns.values() if len(event.outputs) == 1 and is_memory(event.outputs[0])]
    assert [widget.label for widget in keep.inputs] == ["Your name", "Run"]
    compare("memory", {"opened": opened, "kept": keep.fn("Ann", 2)})


LABELS = ("Run", "Your name")


def is_memory(widget) -> bool:
    return isinstance(widget, gr.BrowserState)


def test_an_old_link_fills_the_tab_that_it_names(demo):
    (restore,) = [
        event.fn
        for event in demo.fns.values()
        if any(kind == "load" for _, kind in event.targets)
        and {"Model", "Text"} <= {getattr(widget, "label", None) for widget in event.outputs}
    ]
    model = {"tab": "attention", "model": "builtin-pretrained-finetuned", "layer": "1", "head": "2"}
    links = {
        "one model": model | {"text": HOSTILE},
        "beside another": model | {"text": "Ada", "generate": "1", "second": "builtin-finetuned"},
        "without its tab": {"text": "Ada"},
    }
    filled = {name: restore(SimpleNamespace(query_params=link), ignore) for name, link in links.items()}
    compare("filled", {name: describe_widgets(values) for name, values in filled.items()})


def ignore(*args, **options) -> None:
    """No progress is shown."""


def describe_widgets(filled: dict) -> dict:
    """What a link puts into the page: the tab, the settings, and the request of each view."""
    values = {}
    for widget, value in filled.items():
        if isinstance(widget, gr.Tabs):
            values["tab"] = value.selected
        elif isinstance(widget, gr.Dropdown | gr.Textbox | gr.Radio):
            values[widget.label] = value
        elif isinstance(widget, gr.Checkbox):
            values["Look at"] = value  # two radio buttons of that name were there before
        elif isinstance(widget, gr.HTML):
            view = getattr(value, "value", value)
            values.setdefault("views", []).append(view and view["request"])
    return values


def test_the_script_reads_and_writes_the_parameters_of_old_links():
    script = (ROOT / "a3core" / "attention" / "view" / "events.js").read_text(encoding="utf-8")
    states = re.findall(r"(?:const state = |assign\(state, )\{(.*?)\}", script)
    written = ", ".join(state.strip() for state in states)
    read = re.findall(r"""(?:get|list)\("(\w+)"\)""", script)
    keys = re.findall(r"(?:^|,)\s*(\w+)\s*(?=[:,]|$)", written)
    compare("link_keys", {"written": sorted(keys), "read": sorted(set(read))}, assert_still_linked)


def assert_still_linked(got: dict[str, list[str]], expected: dict[str, list[str]]) -> None:
    """A link may hold more than it did."""
    assert all(set(keys) <= set(got[kind]) for kind, keys in expected.items()), got


# Cards


PERSON = KnownPerson(HOSTILE, HOSTILE, HELD_OUT)
DIRECT = Prediction(HOSTILE, 0.25, top=(Candidate(HOSTILE, 0.25),), checkpoint=HOSTILE, seconds=0.012)
RECALLED = Prediction(
    checkpoint=f"{HOSTILE}-recall",
    place=HOSTILE,
    probability=0.75,
    top=(Candidate(HOSTILE, 0.75),),
    seconds=0.2,
    sentence=f"Ada was born in {HOSTILE}, so <i>they</i> wrote.",
    sentence_probability=0.5,
    span=(16, 16 + len(HOSTILE)),
    confidence=0.8,
    familiarity=0.3,
)
LONDON = Prediction("London", 1.0, top=(Candidate("London", 1.0),), checkpoint=BASELINE)


def build_replies() -> dict[str, Reply]:
    whole = {"name": HOSTILE, "person": PERSON, "answers": (DIRECT, RECALLED, LONDON), "is_complete": True}
    growing = replace(RECALLED, is_complete=False)
    return {
        "reply": Reply(**whole, familiarity=0.9),
        "unfamiliar reply": Reply(**whole, familiarity=0.1),
        "reply to an unknown name": Reply(**whole | {"person": None}, familiarity=None),
        "growing reply": Reply(**whole | {"answers": (DIRECT, growing), "is_complete": False}, familiarity=None),
    }


def build_snapshots() -> dict[str, TrainingSnapshot]:
    curve = (Epoch(1, 3.0, 1.0, 100, 4.0), Epoch(2, 2.0, 0.0, 200, 9.0))
    facts = {"owner": "me", "people": 200, "parameters": 1_000_000, "epochs": 8, "curve": curve, "seconds": 60.0}
    return {
        "live, none": TrainingSnapshot(),
        "live, preparing": TrainingSnapshot(PREPARING, owner="me", people=200),
        "live, running": TrainingSnapshot(RUNNING, **facts),
        "live, watched": TrainingSnapshot(RUNNING, **facts | {"owner": "another"}),
        "live, failed": TrainingSnapshot(FAILED, **facts, error=HOSTILE),
        "live, finished": TrainingSnapshot(FINISHED, **facts, name=HOSTILE),
    }


def build_lab_result(within: bool) -> LabResult:
    quantities = (Quantity(HOSTILE, 1.0, 0.5, 0.1, 0.01), Quantity("share", 0.5, 0.5, is_share=True))
    caveat = "" if within else f"Outside the assumptions: {HOSTILE}."
    drawn = run_claim("1.3b")
    return LabResult("1.3b", quantities, HOSTILE, within, drawn.table, drawn.picture, caveat)


def render_hostile_board() -> str:
    """The head of a report in which everything that people write is hostile."""
    responses = [Response(str(i), "?", "1", prompt_kind=HOSTILE, model=HOSTILE) for i in range(2)]
    labels = [Label("0", HOSTILE, "answer", "correct"), Label("0", HOSTILE, "explanation", "flawed")]
    report = build_report(responses, labels, DEFAULT_SCHEMA)
    overall = replace(report.overall, sentences=(HOSTILE,) * 3)
    report = replace(report, groups=(overall, *report.groups[1:]), notes=(HOSTILE,))
    return render_board(report, HOSTILE, [HOSTILE], [HOSTILE], HOSTILE)


def build_cards() -> dict[str, str]:
    person = Recited(HOSTILE, f"{HOSTILE} was born in Rome", f"{HOSTILE} was born in {HOSTILE}", "Rome", HOSTILE)
    answers = [Answered(HOSTILE, HOSTILE, Score(0.0, 0.5), -1.25, 0.5), Answered("zero", "", None, None, 1.0)]
    pool = Pool(HOSTILE, (Demonstration("1", HOSTILE, (HOSTILE,), subject=HOSTILE),), notes=(HOSTILE,))
    prompt = Prompt(HOSTILE, 1234, included=(0,), notes=(HOSTILE,))
    built = BuiltPrompt(Chosen(HOSTILE, (), notes=(HOSTILE,)), prompt, pairs=(), tokens=(), window=2048)
    source = {"model": HOSTILE, "pool": {"name": HOSTILE, "rows": HOSTILE}, "encoder": HOSTILE}
    return {
        **{name: render_reply(reply) for name, reply in build_replies().items()},
        **{name: LIVE.state(snapshot, "me") for name, snapshot in build_snapshots().items()},
        "live": LIVE.person(person),
        "live, recited": LIVE.recited(Probe(5, (person,), Accuracy(1, 3), Accuracy(1, 3), head=None)),
        "few-shot": render_answers(answers, HOSTILE),
        "few-shot, notes": render_notes(built, pool),
        "few-shot, sweep": format_source(source | {"validation": {"name": HOSTILE}}),
        "few-shot, map": format_question(pool, 0),
        "attention, heads off": render(ERROR, sentence=HOSTILE),  # the view's script writes the rest
        "lab": render_result(build_lab_result(True)),
        "lab, outside": render_result(build_lab_result(False)),
        "lab, numbers": render_result(build_lab_result(True)),
        "report": render_hostile_board(),
        "report, figure": show_text(HOSTILE),
        "guide": render_steps([{"name": "remembers", "verb": "It remembers", "result": "#answers", "look": HOSTILE}]),
    }


def normalise(markup: str) -> str:
    """White space between tags and the spelling of entities do not count."""
    markup = re.sub(r">\s+", "> ", re.sub(r"\s+<", " <", markup)).replace("&#39;", "&#x27;").replace("&#34;", "&quot;")
    tags = re.split(r"(<[^>]*>)", markup)
    return "".join(part if part.startswith("<") else html.escape(html.unescape(part)) for part in tags).replace(
        "> <", "><"
    )


def test_no_card_lets_markup_in():
    """A card may have another look: what came from outside is a text in it, as often as it was or more."""
    cards = {name: normalise(card) for name, card in build_cards().items()}
    assert not [name for name, card in cards.items() if "<b>&amp;&quot;" in card or "<i>they" in card]
    compare("cards", {name: count_hostile(card) for name, card in cards.items()}, assert_no_less_hostile)


def count_hostile(card: str) -> int:
    """How often the hostile text is there to be read."""
    return unescape(re.sub(r"<[^>]*>", "", card)).count(HOSTILE)


def assert_no_less_hostile(got: dict[str, int], expected: dict[str, str]) -> None:
    assert got.keys() >= expected.keys()
    fewer = {
        name: (got[name], count_hostile(card)) for name, card in expected.items() if got[name] < count_hostile(card)
    }
    assert not fewer


def test_the_sentence_whose_span_is_filled_is_no_markup(demo):
    (event,) = [event for event in demo.fns.values() if getattr(event.fn, "__name__", "") == "fill_sentence"]
    card = normalise(event.fn(f"{HOSTILE} was born in ___, {HOSTILE}", "builtin:10"))
    before, filled, after = re.split(r"<mark[^>]*>|</mark>", card)
    assert before == f"<p>{html.escape(HOSTILE)} was born in " and after.startswith(f", {html.escape(HOSTILE)}</p>")
    assert "<" not in filled and "builtin-pretrained, probability of the whole span" in after
