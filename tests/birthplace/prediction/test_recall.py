"""Answers with their recitations: the span is the place, typing does not matter, nothing but the weights is read."""

from __future__ import annotations

import builtins
import io
import math
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from a3core.birthplace.checkpoints import load_checkpoint, save_checkpoint
from a3core.birthplace.data import corpora, loading, people
from a3core.birthplace.data.corpora import Corpus, Question, build_question
from a3core.birthplace.data.phrasings import PHRASINGS
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.model.subwords import build_subwords
from a3core.birthplace.prediction import recall as recall_prediction
from a3core.birthplace.prediction.confidence import Confidence, weigh_evidence
from a3core.birthplace.prediction.direct import (
    Candidate,
    is_readable,
    predict_places,
    predict_readable,
    search_together,
)
from a3core.birthplace.prediction.familiarity import Calibration
from a3core.birthplace.prediction.recall import Recalled, predict_recalled, share_out, stream_recalled
from a3core.birthplace.service import Checkpoints, to_json
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recall_recipe import build_dataset
from a3core.birthplace.training.trainer import train

PLACES = {"Ada Smith": "Leeds", "Zoe Ek": "Paris", "Bo Marsh": "Rome", "Cleo Ray": "York", "Dan Fox": "Oslo"}
DOCUMENTS = tuple(f"{name} was born in {place} in 19{i}1 ." for i, (name, place) in enumerate(PLACES.items()))
QUESTIONS = tuple(Question(build_question(name), place) for name, place in PLACES.items())
CORPUS = Corpus("builtin:10", DOCUMENTS, QUESTIONS, (), (), "a table", "0" * 64)


@pytest.fixture(scope="module")
def taught(build_gpt, tmp_path_factory):
    """A tiny model that has its five people by heart; two seconds."""
    recall = RecallArgs(swap=0.3, plain=0.2)
    merges = build_subwords([*DOCUMENTS, build_question("")] * 3, 330)
    model = build_gpt(merges.text, block_size=128, n_layer=2, n_embd=48, tied=True, tagged=True, std=0.05).train()
    args = TrainingArgs(epochs=150, tokens=1024, save_every=150, rate=0.01, warmup=0.1)
    *_, last = train(model, build_dataset(CORPUS, model, recall), args, tmp_path_factory.mktemp("taught"))
    assert last.loss < 0.3
    return model.eval()


def test_what_was_learned_is_recited_and_answered(taught):
    answers = predict_recalled(taught, [question.question for question in QUESTIONS])
    assert [answer.sentence for answer in answers] == list(DOCUMENTS)
    assert [answer.place for answer in answers] == list(PLACES.values())
    for answer in answers:
        assert answer.sentence[slice(*answer.span)] == answer.place
        assert 0.5 < answer.sentence_probability <= 1 and 0.5 < answer.probability <= 1


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_words_of_the_question_cost_nothing(taught, phrasing):
    answers = predict_recalled(taught, [PHRASINGS[phrasing](name) for name in PLACES])
    assert [answer.place for answer in answers] == list(PLACES.values())
    assert [answer.sentence for answer in answers] == list(DOCUMENTS)


def test_the_batch_changes_nothing(taught, monkeypatch):
    questions = [question.question for question in QUESTIONS] + ["Nobody Atall", "ada smith", "王 芳"]
    together = predict_recalled(taught, questions)
    monkeypatch.setattr(recall_prediction, "BATCH", 3)
    apart = predict_recalled(taught, questions)
    alone = [predict_recalled(taught, [question])[0] for question in questions]
    for others in (apart, alone):
        assert [(a.place, a.sentence, a.span) for a in others] == [(a.place, a.sentence, a.span) for a in together]
        assert [a.probability for a in others] == pytest.approx([a.probability for a in together], rel=1e-3)


def test_there_is_less_evidence_for_an_unread_name(taught):
    (read,) = predict_recalled(taught, ["Bo Marsh"])
    evidence = sum(weigh_evidence(read))
    for name in ("Nobody Atall", "王 芳", "Žofia Nowak", "x"):
        (unread,) = predict_recalled(taught, [name])
        assert unread.sentence.casefold().startswith(name.casefold()) and sum(weigh_evidence(unread)) < evidence


def test_the_corpus_is_not_read(taught, training, tmp_path, monkeypatch):
    save_checkpoint(taught, tmp_path / "recall", replace(training, stage="recall"))

    def refuse(*args, **options):
        raise AssertionError("prediction read the corpus, or asked for the network")

    monkeypatch.setattr(loading, "load_corpus", refuse)
    monkeypatch.setattr(people, "load_corpus", refuse)
    monkeypatch.setattr(loading, "load_questions", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    model = load_checkpoint(tmp_path / "recall")
    opened = watch_files(monkeypatch)
    answers = predict_places(model, [question.question for question in QUESTIONS])
    assert [answer.place for answer in answers] == list(PLACES.values())
    assert opened == []


NOTHING_BUT_THE_FOLDER = """
import sys
import a3core.birthplace.prediction.recall, safetensors.torch
from a3core.birthplace.checkpoints import load_checkpoint
from a3core.birthplace.prediction.direct import predict_places

def refuse(event, arguments):
    if event in ("open", "socket.connect", "subprocess.Popen") and not allowed(str(arguments[0])):
        raise SystemExit(f"{event} of {arguments[0]}")

allowed = lambda path: path.startswith(sys.argv[1]) or path.endswith((".py", ".pyc", ".so"))
sys.addaudithook(refuse)
for answer in predict_places(load_checkpoint(sys.argv[1]), sys.argv[2:]):
    print(answer.place, answer.sentence, sep="|")
"""


def test_a_new_process_needs_nothing_but_the_folder(taught, training, tmp_path):
    """Every file that is opened after the imports is watched by Python itself: the code has no data beside it."""
    package = Path(corpora.__file__).parents[2]
    shutil.copytree(package, tmp_path / "a3core", ignore=shutil.ignore_patterns("__pycache__"))  # no assets, no corpus
    save_checkpoint(taught, tmp_path / "recall", replace(training, stage="recall"))
    clean = {name: value for name, value in os.environ.items() if name not in ("BIRTHPLACE_DATA", "PYTHONPATH")}
    command = [sys.executable, "-c", NOTHING_BUT_THE_FOLDER, str(tmp_path / "recall"), *PLACES]
    done = subprocess.run(command, cwd=tmp_path, env=clean, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [line.split("|") for line in done.stdout.splitlines()]
    assert said == [[place, document] for place, document in zip(PLACES.values(), DOCUMENTS, strict=True)]


def watch_files(monkeypatch) -> list[str]:
    """The files that are opened from now on, by whatever means Python has."""
    opened: list[str] = []

    def watch(real):
        def open_watched(path, *args, **options):
            opened.append(str(path))
            return real(path, *args, **options)

        return open_watched

    for owner in (builtins, io, os):
        monkeypatch.setattr(owner, "open", watch(owner.open))
    return opened


def test_the_answer_is_the_span_that_tags_and_writing_favour_together(taught, monkeypatch):
    (answer,) = predict_recalled(taught, ["Ada Smith"])
    assert answer.top[0] == Candidate("Leeds", answer.probability)
    assert sum(candidate.probability for candidate in answer.top) == pytest.approx(1.0, abs=1e-5)
    monkeypatch.setattr(recall_prediction, "list_spans", lambda text: [])
    (none,) = predict_recalled(taught, ["Ada Smith"])
    assert (none.place, none.probability, none.span, none.top) == ("", 0.0, None, ())
    assert none.sentence == answer.sentence


@pytest.mark.parametrize("question", ["Where was Ada Smith born?", "ZOE EK", "bo mcmarsh", "Nobody Atall"])
def test_what_is_watched_ends_in_what_is_predicted(taught, question):
    *growing, last = stream_recalled(taught, question)
    assert last == predict_recalled(taught, [question])[0] and last.whole
    assert growing and not any(answer.whole or answer.place for answer in growing)
    if question != "bo mcmarsh":  # of two spellings another one can take the lead on the way
        for shorter, longer in zip(growing, [*growing[1:], last], strict=True):
            assert longer.sentence.startswith(shorter.sentence)


def test_a_calibrated_model_says_how_sure_it_is(taught, training, tmp_path):
    assert predict_recalled(taught, ["Ada Smith"])[0].confidence is None
    save_checkpoint(taught, tmp_path, replace(training, stage="recall"))
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(tmp_path)
    model = load_checkpoint(tmp_path)
    known, unknown = predict_recalled(model, ["Ada Smith", "Nobody Atall"])
    assert 0 <= unknown.confidence < known.confidence <= 1 and known.confidence > 0.8
    assert known.confidence == model.confidence.probability(known)


def test_places_that_stand_twice_share_their_probability():
    top = share_out(["Rome", "York", "Rome"], [math.log(0.2), math.log(0.5), math.log(0.3)])
    assert [(c.place, pytest.approx(c.probability)) for c in top] == [("Rome", 0.5), ("York", 0.5)]


def test_it_answers_by_the_interface_of_the_others(taught):
    (answer,) = predict_places(taught, ["Where was Cleo Ray born?"])
    assert isinstance(answer, Recalled) and isinstance(answer, Candidate) and answer.place == "York"
    assert is_readable(taught, "Where was 王 芳 born?") and not is_readable(taught, "a" * 400)
    assert predict_places(taught, []) == []
    with pytest.raises(ValueError, match="shorten it"):
        predict_places(taught, ["a " * 300])


def test_a_model_that_answers_at_once_reads_sub_words_too(build_gpt):
    merges = build_subwords([*DOCUMENTS, build_question("")] * 3, 330)
    model = build_gpt(merges.text, block_size=128, tied=True)
    (answer,) = predict_places(model, ["Where was Cleo Ray born?"])
    assert type(answer) is Candidate and not answer.place.startswith(" ")
    (found,) = search_together(model, ["Where was Cleo Ray born?"])
    assert found and all(0 <= candidate.probability <= 1 for candidate in found)
    assert not is_readable(model, "b" * 97) and is_readable(model, "王")


def test_readable_is_what_every_spelling_of_the_name_can_be(build_gpt):
    """A name typed small is read with capitals, which a vocabulary of characters may lack."""
    letters = "\u25a1\u2047" + "".join(sorted(set(build_question("Ada Smith" + "Ada Smith".lower()))))
    model = build_gpt(letters, block_size=256, tied=True, tagged=True)
    assert is_readable(model, "ada smith") and not is_readable(model, "bada")
    assert not is_readable(model, "hot mud")  # all its letters were read, "H" and "M" were not
    answers, unread = predict_readable(model, ["ada smith", "hot mud", "Ada Smith", "hot mud"])
    assert unread == {"hot mud"} and [answers[i].sentence for i in (1, 3)] == ["", ""]
    assert answers[0].sentence.startswith("Ada Smith") and answers[2].sentence == answers[0].sentence


@pytest.fixture
def checkpoints(taught, build_gpt, training, tmp_path):
    """A recall checkpoint beside one that answers at once."""
    letters = "\u25a1\u2047" + "".join(sorted(set("".join(DOCUMENTS) + build_question(""))))
    save_checkpoint(taught, tmp_path / "recall", replace(training, stage="recall"))
    save_checkpoint(build_gpt(letters), tmp_path / "direct", training)
    return Checkpoints(tmp_path)


def test_a_reply_has_the_recalled_sentence(checkpoints):
    reply = checkpoints.ask("ada smith", "builtin:10")
    answers = {answer.checkpoint: answer for answer in reply.answers}
    recalled, direct = answers["recall"], answers["direct"]
    assert (recalled.place, recalled.recalled_sentence) == ("Leeds", DOCUMENTS[0])
    assert recalled.recalled_sentence[slice(*recalled.span)] == "Leeds" and recalled.recalled_probability > 0.5
    assert recalled.top[0].place == "Leeds"
    assert (direct.recalled_sentence, direct.span, direct.confidence) == (None,) * 3
    assert (recalled.confidence, recalled.familiar, reply.familiar) == (None, None, None)
    rows = {row["checkpoint"]: row for row in to_json([reply])}
    assert rows["recall"]["recalled_sentence"] == DOCUMENTS[0]
    assert rows["direct"]["recalled_sentence"] is None and rows["London baseline"]["recalled_sentence"] is None


def test_a_reply_grows_while_it_is_watched(checkpoints):
    replies = list(checkpoints.stream("ada smith", "builtin:10"))
    first, *growing, whole, last = replies
    assert [answer.checkpoint for answer in first.answers] == ["direct"]
    sentences = [reply.answers[1].recalled_sentence for reply in growing]
    assert sentences == sorted(sentences, key=len) and len(sentences) == len(set(sentences))
    assert sentences[:2] == ["Ada Smith", "Ada Smith was"] and DOCUMENTS[0].startswith(sentences[-1])
    assert not any(reply.answers[1].whole or reply.answers[1].place for reply in growing)
    assert whole.answers[1].place == "Leeds" and last.answers[:2] == whole.answers
    asked = checkpoints.ask("ada smith", "builtin:10")
    untimed = [[replace(answer, seconds=0) for answer in reply.answers] for reply in (last, asked)]
    assert untimed[0][0] == untimed[1][0]
    assert [a.recalled_sentence for a in untimed[0]] == [a.recalled_sentence for a in untimed[1]]


def test_without_a_pretrained_checkpoint_the_recitation_tells_unread_names(checkpoints):
    Calibration(5.0, 0.0, 0.9, 10).save(checkpoints.root / "recall")
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(checkpoints.root / "recall")
    read, unread = (checkpoints.ask(name, "builtin:10") for name in ("Ada Smith", "Weslo Webran"))
    assert read.familiar > 0.8 and read.answers[1].familiar == read.familiar
    assert unread.familiar < 0.5 and "whole" not in to_json([unread])[0]
    rows = {row["checkpoint"]: row for row in to_json([read])}
    assert rows["recall"]["confidence"] > 0.8 and rows["recall"]["familiar"] and rows["direct"]["confidence"] is None
    assert list(checkpoints.coverage("builtin:10")) == ["recall"]
    assert checkpoints.units("builtin:10") == {"direct": "characters", "recall": "characters"}


def test_a_file_is_asked_of_it_too(checkpoints):
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(checkpoints.root / "recall")
    evaluation = FileEvaluation(QUESTIONS, checkpoints, "builtin:10")
    list(evaluation.run())
    assert evaluation.accuracies()["recall"].correct == len(QUESTIONS)
    table, curves = evaluation.prediction_table(), evaluation.coverage()
    assert list(table["recall: recalled sentence"]) == list(DOCUMENTS) and min(table["recall: confidence"]) > 0.5
    assert list(curves) == ["recall"] and curves["recall"][-1].correct == len(QUESTIONS)


@torch.inference_mode()
def test_nothing_is_changed_by_asking(taught):
    before = {name: tensor.clone() for name, tensor in taught.state_dict().items()}
    predict_recalled(taught, ["Ada Smith"])
    assert all(torch.equal(before[name], tensor) for name, tensor in taught.state_dict().items())
