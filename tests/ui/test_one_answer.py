"""Whoever asks a checkpoint, by whatever door, gets the same place and the same sentence."""

from __future__ import annotations

import pytest
from shipped import ask_forty, list_asked, open_service
from typer.testing import CliRunner

from a3core.__main__ import app
from a3core.attention.capture import capture_pattern
from a3core.birthplace.data.corpora import Question, build_question
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.common.paths import CHECKPOINTS
from a3core.grader.runs.birthplaces import BirthplaceRun, GoldQuestion
from a3core.ui.attention.models import AttentionModels

CORPUS, FEW = "builtin:1000", 3


def read_attention(model, question: str) -> tuple[str, str | None]:
    """(place, sentence) of the text in the Attention tab."""
    capture = capture_pattern(model, question, generate=True)
    end = capture.n_prompt + capture.n_recited
    place = model.join(model.encode("".join(capture.tokens[end:]))).removesuffix("⁇").removeprefix(" ")
    sentence = "".join(capture.tokens[:end]).removesuffix("⁇").partition("⁇")[2]
    return place, sentence if capture.n_recited else None


def ask_everywhere(evaluation: FileEvaluation, name: str) -> dict[str, list]:
    """(place, sentence) of each question by the other doors, a command's without the sentence."""
    store, questions = evaluation.checkpoints, evaluation.questions
    texts = [question.question for question in questions]
    model = AttentionModels(store).load(name)
    gold = [GoldQuestion(question.question, question.place) for question in questions]
    run = BirthplaceRun(gold, {name: store.predictor(name).predict}, CORPUS)
    list(run.run())
    recalled = evaluation.recalled.get(name, [])
    sentences = [answer.sentence for answer in recalled] or [None] * len(texts)
    command = CliRunner().invoke(app, ["predict", str(CHECKPOINTS / name), *texts])
    return {
        "attention": [read_attention(model, text) for text in texts],
        "grader": [(response.answer, response.explanation or None) for response in run.to_run().responses],
        "file": list(zip([answer.place for answer in evaluation.answers[name]], sentences, strict=True)),
        "command": command.output.splitlines(),
    }


def pick_answer(reply, name: str) -> tuple[str, str | None]:
    """(place, sentence) of one checkpoint of all that were asked."""
    (answer,) = (answer for answer in reply.answers if answer.checkpoint == name)
    return answer.place, answer.sentence


@pytest.mark.slow
def test_forty_people_get_one_answer_by_every_door():
    service, replies = open_service(), list(ask_forty(CORPUS).values())  # by name, many at once
    questions = [Question(build_question(person.name), person.place) for person in list_asked(CORPUS)]
    asked = [service.ask(question.question, CORPUS) for question in questions[:FEW]]  # by question, one by one
    *_, watched = service.stream(questions[0].question, CORPUS)
    evaluation = FileEvaluation(questions, service.checkpoints, CORPUS)
    list(evaluation.run())
    for name in service.checkpoints.names(CORPUS):
        one = [pick_answer(reply, name) for reply in replies]
        doors = ask_everywhere(evaluation, name)
        assert len(one) == 40 and pick_answer(watched, name) == one[0], name
        assert [pick_answer(reply, name) for reply in asked] == one[:FEW], name
        assert doors["attention"] == doors["file"] == one, name
        assert [place for place, _ in one] == doors["command"], name
        assert doors["grader"] == [(place, sentence and sentence.strip()) for place, sentence in one], name
