"""What people and models wrote, on every card: it was never markup at commit 77e427d, and is not now."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html import unescape

from pinned import HOSTILE, compare

# All names of the program that these tests use.
from a3core.attention.lab.claims import run_claim
from a3core.attention.lab.result import LabResult, Quantity
from a3core.birthplace.data.loading import HELD_OUT, KnownPerson
from a3core.birthplace.evaluation import Accuracy
from a3core.birthplace.prediction.predictor import Candidate, Prediction
from a3core.birthplace.service import BASELINE, Reply
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
from a3core.ui.birthplace.cards import render_reply
from a3core.ui.birthplace.live import LIVE
from a3core.ui.fewshot.cards import render_answers, render_notes
from a3core.ui.fewshot.sweep import format_source
from a3core.ui.grader.report import render_board
from a3core.ui.shared.html import render
from a3core.ui.tour import render_steps

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
