"""Whoever asks a checkpoint, by whatever door, gets the same place and the same sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from a3core.__main__ import app
from a3core.attention.capture import capture_pattern
from a3core.birthplace.checkpoints import CheckpointStore
from a3core.birthplace.data.corpora import Question, build_question
from a3core.birthplace.data.loading import HELD_OUT, list_people
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.service import BirthplaceService
from a3core.grader.runs.birthplaces import BirthplaceRun, GoldQuestion
from a3core.ui.attention.models import AttentionModels

ROOT = Path(__file__).resolve().parents[2] / "checkpoints"
CORPUS = "builtin:1000"


@pytest.fixture(scope="module")
def service() -> BirthplaceService:
    return BirthplaceService(CheckpointStore(ROOT))


def read_attention(model, question: str) -> tuple[str, str | None]:
    """(place, sentence) of the text in the Attention tab."""
    capture = capture_pattern(model, question, generate=True)
    end = capture.n_prompt + capture.n_recited
    place = model.join(model.encode("".join(capture.tokens[end:]))).removesuffix("⁇").removeprefix(" ")
    sentence = "".join(capture.tokens[:end]).removesuffix("⁇").partition("⁇")[2]
    return place, sentence if capture.n_recited else None


def ask_everywhere(service: BirthplaceService, name: str, questions: list[Question]) -> dict[str, list]:
    """(place, sentence) of each question by door, a command's without the sentence."""
    store, texts = service.checkpoints, [question.question for question in questions]
    replies = [service.ask(text, CORPUS) for text in texts]
    answers = [next(answer for answer in reply.answers if answer.checkpoint == name) for reply in replies]
    *_, watched = service.stream(texts[0], CORPUS)
    (last,) = (answer for answer in watched.answers if answer.checkpoint == name)
    model = AttentionModels(store).load(name)
    gold = [GoldQuestion(question.question, question.place) for question in questions]
    run = BirthplaceRun(gold, {name: store.predictor(name).predict}, CORPUS)
    list(run.run())
    evaluation = FileEvaluation(questions, store, CORPUS)
    list(evaluation.run())
    recalled = evaluation.recalled.get(name, [])
    sentences = [answer.sentence for answer in recalled] or [None] * len(texts)
    command = CliRunner().invoke(app, ["predict", str(ROOT / name), *texts])
    return {
        "service": [(answer.place, answer.sentence) for answer in answers],
        "watched": [(last.place, last.sentence)],
        "attention": [read_attention(model, text) for text in texts],
        "grader": [(response.answer, response.explanation or None) for response in run.to_run().responses],
        "file": list(zip([answer.place for answer in evaluation.answers[name]], sentences, strict=True)),
        "command": command.output.splitlines(),
    }


def check_doors(service: BirthplaceService, people: int) -> None:
    held_out = [person for person in list_people(CORPUS).values() if person.split == HELD_OUT][:people]
    questions = [Question(build_question(person.name), person.place) for person in held_out]
    for name in service.checkpoints.names(CORPUS):
        doors = ask_everywhere(service, name, questions)
        one = doors["service"]
        assert len(one) == people and doors["watched"] == one[:1], name
        assert doors["attention"] == doors["file"] == one, name
        assert [place for place, _ in one] == doors["command"], name
        assert doors["grader"] == [(place, sentence and sentence.strip()) for place, sentence in one], name


@pytest.mark.slow
def test_three_people_get_one_answer_by_every_door(service):
    check_doors(service, 3)


@pytest.mark.slow
def test_forty_people_get_one_answer_by_every_door(service):
    check_doors(service, 40)
