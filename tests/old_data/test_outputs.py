"""What a visitor, a program and a shell got at commit 77e427d, they get now: answers, endpoints, help, cards, links."""

from __future__ import annotations

import html
import json
import re
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

# All names of the program that these tests use.
from a3core.__main__ import app
from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.people import HELD_OUT, KnownPerson, list_people
from a3core.birthplace.prediction.predictor import Candidate, Prediction
from a3core.birthplace.service import BASELINE, BirthplaceService, Reply
from a3core.birthplace.training.live_probe import Recited
from a3core.fewshot.answering import Answered
from a3core.fewshot.scoring import Score
from a3core.ui.attention.tab import read_state
from a3core.ui.birthplace.cards import render_reply
from a3core.ui.birthplace.live_cards import _render_card as render_recited_person
from a3core.ui.fewshot.cards import render_answers
from a3core.ui.grader.tab import build_memory

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
    """Corpus -> person -> what each checkpoint answers. A sentence of the course's corpus is pinned by its sha256."""
    service, answers = BirthplaceService(CheckpointStore(ROOT / "checkpoints")), {}
    for corpus in service.checkpoints.families:
        people = [person for person in list_people(corpus).values() if person.split == HELD_OUT][:count]
        for person in people:
            reply = service.ask(person.name, corpus)
            rows = {answer.checkpoint: describe(answer, corpus) for answer in reply.answers}
            answers.setdefault(corpus, {})[person.name] = rows | {"familiar": reply.familiarity}
    return answers


def describe(answer: Prediction, corpus: str) -> dict:
    sentence = answer.sentence
    if sentence is not None and corpus == "course":
        sentence = sha256(sentence.encode()).hexdigest()
    return {
        "place": answer.place,
        "top": [asdict(candidate) for candidate in answer.top[:5]],
        "sentence": sentence,
        "span": answer.span,
        "confidence": answer.confidence,
        "familiar": answer.familiarity,
    }


def assert_close(got, expected, where: str = "") -> None:
    """Equal but for rounding; among the likeliest places, only those of nearly equal probability change places."""
    if where.endswith("/top"):
        shares = {row["place"]: row["probability"] for row in got}
        assert [row["probability"] for row in got] == pytest.approx([row["probability"] for row in expected], abs=2e-3)
        for row in expected[:-1]:
            assert shares.get(row["place"], 0.0) == pytest.approx(row["probability"], abs=2e-3), where
    elif isinstance(expected, dict):
        assert got.keys() == expected.keys(), where
        for key in expected:
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
    compare("endpoints", endpoints)


def test_every_command_has_the_help_that_it_had():
    names = [command.name or command.callback.__name__.replace("_", "-") for command in app.registered_commands]
    assert len(names) == 9
    shell = {"COLUMNS": "100", "TERM": "dumb"}
    texts = {name: CliRunner().invoke(app, [name, "--help"], env=shell).output for name in names}
    compare("help", {name: " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split()) for name, text in texts.items()})


def test_old_links_and_the_old_state_of_a_browser_are_understood():
    links = [
        {"tab": "attention", "model": "builtin-pretrained-finetuned", "text": HOSTILE, "layer": "1", "head": "2"},
        {"tab": "attention", "model": "x", "text": "a b", "generate": "1", "second": "y"},
        {"text": "only a text"},
        {},
    ]
    memory = build_memory()
    state = {"key": memory.storage_key, "secret": memory.secret, "value": memory.default_value}
    compare("links", {"links": [read_state(link) for link in links], "grader": state})


# Cards


def build_reply(**options) -> Reply:
    direct = Prediction(HOSTILE, 0.25, top=(Candidate(HOSTILE, 0.25),), checkpoint=HOSTILE, seconds=0.012)
    recalled = Prediction(
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
    london = Prediction("London", 1.0, top=(Candidate("London", 1.0),), checkpoint=BASELINE)
    person = KnownPerson(HOSTILE, HOSTILE, HELD_OUT)
    return Reply(name=HOSTILE, person=person, answers=(direct, recalled, london), is_complete=True, **options)


def build_cards() -> dict[str, str]:
    person = Recited(HOSTILE, f"{HOSTILE} was born in Rome", f"{HOSTILE} was born in {HOSTILE}", "Rome", HOSTILE)
    answers = [Answered(HOSTILE, HOSTILE, Score(0.0, 0.5), -1.25, 0.5), Answered("zero", "", None, None, 1.0)]
    return {
        "reply": render_reply(build_reply(familiarity=0.9)),
        "unfamiliar reply": render_reply(build_reply(familiarity=0.1)),
        "live": render_recited_person(person),
        "few-shot": render_answers(answers, HOSTILE),
    }


def normalise(markup: str) -> str:
    """White space between tags and the spelling of entities do not count."""
    markup = re.sub(r">\s+", "> ", re.sub(r"\s+<", " <", markup))
    tags = re.split(r"(<[^>]*>)", markup)
    return "".join(part if part.startswith("<") else html.escape(html.unescape(part)) for part in tags).replace(
        "> <", "><"
    )


def test_every_card_is_what_it_was_and_lets_no_markup_in():
    cards = {name: normalise(card) for name, card in build_cards().items()}
    assert not [name for name, card in cards.items() if "<b>" in card or "<i>they" in card]
    compare("cards", cards)
