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

import pandas as pd
import pytest
import torch
from taught import DOCUMENTS, PLACES, QUESTIONS

from a3core.birthplace.checkpoints import CheckpointStore, build_predictor, load_predictor, save_checkpoint
from a3core.birthplace.data import corpora, loading
from a3core.birthplace.data.corpora import Question, build_question
from a3core.birthplace.file_evaluation import FileEvaluation
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.birthplace.prediction import recall as recall_prediction
from a3core.birthplace.prediction import recall_decoding
from a3core.birthplace.prediction.confidence import Confidence, weigh_evidence
from a3core.birthplace.prediction.direct import DirectPredictor, search_together
from a3core.birthplace.prediction.familiarity import Calibration
from a3core.birthplace.prediction.predictor import Candidate, Predictor
from a3core.birthplace.prediction.recall import RecallPredictor
from a3core.birthplace.prediction.recall_decoding import softmax_over_places
from a3core.birthplace.service import BirthplaceService, to_json
from benchmarks.recall_dev import PHRASINGS


def test_what_was_learned_is_recited_and_answered(taught):
    answers = RecallPredictor(taught).predict([question.question for question in QUESTIONS])
    assert [answer.sentence for answer in answers] == list(DOCUMENTS)
    assert [answer.place for answer in answers] == list(PLACES.values())
    for answer in answers:
        assert answer.sentence[slice(*answer.span)] == answer.place
        assert 0.5 < answer.sentence_probability <= 1 and 0.5 < answer.probability <= 1


@pytest.mark.parametrize("phrasing", PHRASINGS)
def test_the_words_of_the_question_cost_nothing(taught, phrasing):
    answers = RecallPredictor(taught).predict([PHRASINGS[phrasing](name) for name in PLACES])
    assert [answer.place for answer in answers] == list(PLACES.values())
    assert [answer.sentence for answer in answers] == list(DOCUMENTS)


def test_the_batch_changes_nothing(taught, monkeypatch):
    questions = [question.question for question in QUESTIONS] + ["Nobody Atall", "ada smith", "王 芳"]
    together = RecallPredictor(taught).predict(questions)
    monkeypatch.setattr(recall_prediction, "BATCH", 3)
    apart = RecallPredictor(taught).predict(questions)
    alone = [RecallPredictor(taught).predict([question])[0] for question in questions]
    for others in (apart, alone):
        assert [(a.place, a.sentence, a.span) for a in others] == [(a.place, a.sentence, a.span) for a in together]
        assert [a.probability for a in others] == pytest.approx([a.probability for a in together], rel=1e-3)


def test_there_is_less_evidence_for_an_unread_name(taught):
    (read,) = RecallPredictor(taught).predict(["Bo Marsh"])
    evidence = sum(weigh_evidence(read))
    for name in ("Nobody Atall", "王 芳", "Žofia Nowak", "x"):
        (unread,) = RecallPredictor(taught).predict([name])
        assert unread.sentence.casefold().startswith(name.casefold()) and sum(weigh_evidence(unread)) < evidence


def test_the_corpus_is_not_read(taught, training, tmp_path, monkeypatch):
    save_checkpoint(taught, tmp_path / "recall", replace(training, stage="recall"))

    def refuse(*args, **options):
        raise AssertionError("prediction read the corpus, or asked for the network")

    monkeypatch.setattr(loading, "load_corpus", refuse)
    monkeypatch.setattr(loading, "load_questions", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    predictor = load_predictor(tmp_path / "recall")
    opened = watch_files(monkeypatch)
    answers = predictor.predict([question.question for question in QUESTIONS])
    assert [answer.place for answer in answers] == list(PLACES.values())
    assert opened == []


NOTHING_BUT_THE_FOLDER = """
import sys
import a3core.birthplace.prediction.recall, safetensors.torch
from a3core.birthplace.checkpoints import load_predictor

def refuse(event, arguments):
    if event in ("open", "socket.connect", "subprocess.Popen") and not allowed(str(arguments[0])):
        raise SystemExit(f"{event} of {arguments[0]}")

allowed = lambda path: path.startswith(sys.argv[1]) or path.endswith((".py", ".pyc", ".so"))
sys.addaudithook(refuse)
for answer in load_predictor(sys.argv[1]).predict(sys.argv[2:]):
    print(answer.place, answer.sentence, sep="|")
"""


@pytest.mark.slow
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
    (answer,) = RecallPredictor(taught).predict(["Ada Smith"], top_k=5)
    assert answer.top[0] == Candidate("Leeds", answer.probability)
    assert sum(candidate.probability for candidate in answer.top) == pytest.approx(1.0, abs=1e-5)
    monkeypatch.setattr(recall_decoding, "list_spans", lambda text, capital: [])
    (none,) = RecallPredictor(taught).predict(["Ada Smith"])
    assert (none.place, none.probability, none.span, none.top) == ("", 0.0, None, ())
    assert none.sentence == answer.sentence


@pytest.mark.parametrize("question", ["Where was Ada Smith born?", "ZOE EK", "bo mcmarsh", "Nobody Atall"])
def test_what_is_watched_ends_in_what_is_predicted(taught, question):
    *growing, last = RecallPredictor(taught).stream(question)
    assert last == RecallPredictor(taught).predict([question])[0] and last.is_complete
    assert growing and not any(answer.is_complete or answer.place for answer in growing)
    if question != "bo mcmarsh":  # of two spellings another one can take the lead on the way
        for shorter, longer in zip(growing, [*growing[1:], last], strict=True):
            assert longer.sentence.startswith(shorter.sentence)


def test_a_calibrated_model_says_how_sure_it_is(taught, training, tmp_path):
    assert RecallPredictor(taught).predict(["Ada Smith"])[0].confidence is None
    save_checkpoint(taught, tmp_path, replace(training, stage="recall"))
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(tmp_path)
    predictor = load_predictor(tmp_path)
    known, unknown = predictor.predict(["Ada Smith", "Nobody Atall"])
    assert 0 <= unknown.confidence < known.confidence <= 1 and known.confidence > 0.8
    assert known.confidence == predictor.confidence.probability(known)


def test_a_given_sentence_is_answered_from(taught):
    predictor = RecallPredictor(taught)
    (own,) = predictor.predict(["Where was Bo Marsh born?"], top_k=5)
    again = predictor.answer_from("Where was Bo Marsh born?", own.sentence, top_k=5)
    assert (again.place, again.sentence, again.span) == (own.place, own.sentence, own.span)
    for after, before in (
        (again.probability, own.probability),
        (again.sentence_probability, own.sentence_probability),
        (again.lead, own.lead),
    ):
        assert after == pytest.approx(before, rel=1e-3)
    other = predictor.answer_from("bo marsh", own.sentence.replace("Rome", "Oslo"))
    assert other.place == "Oslo" and other.sentence_probability < own.sentence_probability
    with pytest.raises(ValueError, match="must open with the name, Bo Marsh"):
        predictor.answer_from("Where was Bo Marsh born?", "He was born in Rome .")


def test_places_that_stand_twice_share_their_probability():
    top = softmax_over_places(["Rome", "York", "Rome"], [math.log(0.2), math.log(0.5), math.log(0.3)])
    assert [(c.place, pytest.approx(c.probability)) for c in top] == [("Rome", 0.5), ("York", 0.5)]


def test_it_answers_by_the_interface_of_the_others(taught):
    predictor = build_predictor(taught)
    (answer,) = predictor.predict(["Where was Cleo Ray born?"])
    assert isinstance(predictor, RecallPredictor) and answer.sentence and answer.place == "York"
    assert not predictor.explain_unreadable("Where was 王 芳 born?") and predictor.explain_unreadable("a" * 400)
    assert predictor.predict([]) == []
    with pytest.raises(ValueError, match="shorten it"):
        predictor.predict(["a " * 300])


def test_a_model_that_answers_at_once_reads_sub_words_too(build_gpt):
    merges = build_subwords([*DOCUMENTS, build_question("")] * 3, 330)
    model = build_gpt(merges.text, block_size=128, tied=True)
    predictor = build_predictor(model)
    (answer,) = predictor.predict(["Where was Cleo Ray born?"])
    assert isinstance(predictor, DirectPredictor) and answer.sentence is None and not answer.place.startswith(" ")
    (found,) = search_together(model, ["Where was Cleo Ray born?"])
    assert found and all(0 <= candidate.probability <= 1 for candidate in found)
    assert predictor.explain_unreadable("b" * 97) and not predictor.explain_unreadable("王")


def test_readable_is_what_every_spelling_of_the_name_can_be(build_gpt):
    """A name typed small is read with capitals, which a vocabulary of characters may lack."""
    letters = "\u25a1\u2047" + "".join(sorted(set(build_question("Ada Smith" + "Ada Smith".lower()))))
    model = build_gpt(letters, block_size=256, tied=True, tagged=True)
    predictor = RecallPredictor(model)
    assert not predictor.explain_unreadable("ada smith") and predictor.explain_unreadable("bada")
    assert predictor.explain_unreadable("hot mud")  # all its letters were read, "H" and "M" were not
    answers = predictor.predict_readable(["ada smith", "hot mud", "Ada Smith", "hot mud"])
    assert [bool(answer.refusal) for answer in answers] == [False, True, False, True]
    assert [answers[i].sentence for i in (1, 3)] == ["", ""]
    assert answers[0].sentence.startswith("Ada Smith") and answers[2].sentence == answers[0].sentence


@pytest.fixture
def service(taught, build_gpt, training, tmp_path):
    """A recall checkpoint beside one that answers at once."""
    letters = "\u25a1\u2047" + "".join(sorted(set("".join(DOCUMENTS) + build_question(""))))
    save_checkpoint(taught, tmp_path / "recall", replace(training, stage="recall"))
    save_checkpoint(build_gpt(letters), tmp_path / "direct", training)
    return BirthplaceService(CheckpointStore(tmp_path))


def test_a_reply_has_the_recalled_sentence(service):
    reply = service.ask("ada smith", "builtin:10")
    answers = {answer.checkpoint: answer for answer in reply.answers}
    recalled, direct = answers["recall"], answers["direct"]
    assert (recalled.place, recalled.sentence) == ("Leeds", DOCUMENTS[0])
    assert recalled.sentence[slice(*recalled.span)] == "Leeds" and recalled.sentence_probability > 0.5
    assert recalled.top[0].place == "Leeds"
    assert (direct.sentence, direct.span, direct.confidence) == (None,) * 3
    assert (recalled.confidence, recalled.familiarity, reply.familiarity) == (None, None, None)
    rows = {row["checkpoint"]: row for row in to_json([reply])}
    assert rows["recall"]["recalled_sentence"] == DOCUMENTS[0]
    assert rows["direct"]["recalled_sentence"] is None and rows["London baseline"]["recalled_sentence"] is None


def test_who_cannot_read_the_name_says_so_and_the_others_answer(service, build_gpt, training):
    letters = service.checkpoints.predictor("direct").model.vocabulary.characters
    save_checkpoint(build_gpt(letters + "李"), service.checkpoints.roots[0] / "more", training)
    fresh = BirthplaceService(CheckpointStore(*service.checkpoints.roots))
    replies = list(fresh.stream("李", "builtin:10"))
    direct, more, recalled, london = replies[-1].answers
    assert (direct.checkpoint, direct.place) == ("direct", "") and "never read the character(s) '李'" in direct.refusal
    assert more.place and recalled.sentence.startswith("李") and not more.refusal + recalled.refusal + london.refusal
    with pytest.raises(ValueError, match="never read"):
        service.checkpoints.predictor("direct").predict(["Where was 李 born?"])


def test_a_reply_grows_while_it_is_watched(service):
    replies = list(service.stream("ada smith", "builtin:10"))
    first, *growing, whole, last = replies
    assert [answer.checkpoint for answer in first.answers] == ["direct"]
    sentences = [reply.answers[1].sentence for reply in growing]
    assert sentences == sorted(sentences, key=len) and len(sentences) == len(set(sentences))
    assert sentences[:2] == ["Ada Smith", "Ada Smith was"] and DOCUMENTS[0].startswith(sentences[-1])
    assert not any(reply.answers[1].is_complete or reply.answers[1].place for reply in growing)
    assert whole.answers[1].place == "Leeds" and last.answers[:2] == whole.answers
    asked = service.ask("ada smith", "builtin:10")
    untimed = [[replace(answer, seconds=0) for answer in reply.answers] for reply in (last, asked)]
    assert untimed[0][0] == untimed[1][0]
    assert [a.sentence for a in untimed[0]] == [a.sentence for a in untimed[1]]


def test_without_a_pretrained_checkpoint_the_recitation_tells_unread_names(service):
    Calibration(5.0, 0.0, 0.9, 10).save(service.checkpoints.roots[0] / "recall")
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(service.checkpoints.roots[0] / "recall")
    read, unread = (service.ask(name, "builtin:10") for name in ("Ada Smith", "Weslo Webran"))
    assert read.familiarity > 0.8 and read.answers[1].familiarity == read.familiarity
    assert unread.familiarity < 0.5 and "whole" not in to_json([unread])[0]
    rows = {row["checkpoint"]: row for row in to_json([read])}
    assert rows["recall"]["confidence"] > 0.8 and rows["recall"]["familiar"] and rows["direct"]["confidence"] is None
    assert list(service.checkpoints.coverage("builtin:10")) == ["recall"]
    assert {training.unit for training in service.checkpoints.trainings.values()} == {"characters"}


def test_a_file_is_asked_of_it_too(service):
    Confidence(-1.0, (0.5, 0.5, 0.1), ((0.9, True), (0.2, False))).save(service.checkpoints.roots[0] / "recall")
    evaluation = FileEvaluation(QUESTIONS, service.checkpoints, "builtin:10")
    list(evaluation.run())
    assert evaluation.accuracies()["recall"].correct == len(QUESTIONS)
    table, curves = evaluation.prediction_table(), evaluation.coverage()
    assert list(table["recall: recalled sentence"]) == list(DOCUMENTS) and min(table["recall: confidence"]) > 0.5
    assert list(curves) == ["recall"] and curves["recall"][-1].correct == len(QUESTIONS)


@pytest.mark.slow
def test_a_cancelled_file_goes_on_with_the_same_answers(service, tmp_path, monkeypatch):
    monkeypatch.setattr("a3core.birthplace.file_evaluation.CHUNK", 2)
    asked, folder, predict = [], tmp_path / "evaluations", Predictor.predict_readable
    monkeypatch.setattr(Predictor, "predict_readable", lambda self, texts: asked.extend(texts) or predict(self, texts))
    questions = [*QUESTIONS, Question("Where was Żø born?", "Leeds")]
    run = lambda: FileEvaluation(questions, service.checkpoints, "builtin:10")  # noqa: E731
    undisturbed = run()
    list(undisturbed.run())
    steps = run().run(folder)
    assert [next(steps).done for _ in range(6)] == [0, 2, 4, 6, 8, 10]  # half of those of the second checkpoint
    steps.close()
    [log] = folder.iterdir()
    before = len(log.read_text(encoding="utf-8").splitlines())
    assert before == 10
    asked.clear()
    other = FileEvaluation(questions[:-1], service.checkpoints, "builtin:10")
    assert next(other.run(folder)).done == 0, "another file begins anew"
    again = run()
    assert next(iter(again.run(folder))).done == before
    list(again.run(folder))
    assert len(asked) == 2 * len(questions) - before, "what was answered is not asked again"
    assert again.unread == undisturbed.unread == {"Where was Żø born?"}
    pd.testing.assert_frame_equal(again.prediction_table(), undisturbed.prediction_table())
    assert not log.exists(), "what is complete leaves nothing"


KNOWN = ("Leeds", "Oslo", "Paris", "Rome", "York")


def test_where_the_sentence_states_no_place_the_answer_is_a_guess_among_known_ones(taught):
    predictor = RecallPredictor(taught, places=KNOWN)
    stated = predictor.predict([QUESTIONS[0].question], top_k=3)[0]
    assert stated.is_stated and stated.tag_score > 0 and stated.span and 0 < stated.prefix_probability <= 1
    assert stated.prefix_probability >= stated.sentence_probability
    guess = predictor.answer_from(QUESTIONS[0].question, "Ada Smith sang .", top_k=3)
    assert not guess.is_stated and guess.span is None and guess.tag_score <= 0
    assert guess.place in KNOWN and {candidate.place for candidate in guess.top} <= set(KNOWN)
    assert guess.top[0].place == guess.place and 0 < guess.written_probability < 1
    lost = predictor.answer_from(QUESTIONS[0].question, "Ada Smith ... 19", top_k=3)
    assert lost.place in KNOWN and not lost.is_stated, "a sentence without a span of its own"


def test_a_guess_takes_a_known_place_of_the_sentence_first(taught, monkeypatch):
    monkeypatch.setattr(recall_decoding, "STATED", math.inf)
    guess = RecallPredictor(taught, places=KNOWN).predict([QUESTIONS[0].question])[0]
    assert (guess.place, guess.span, guess.is_stated) == ("Leeds", None, False)
    without = RecallPredictor(taught).predict([QUESTIONS[0].question])[0]
    assert (without.place, without.is_stated) == ("Leeds", False) and without.span


@torch.inference_mode()
def test_nothing_is_changed_by_asking(taught):
    before = {name: tensor.clone() for name, tensor in taught.state_dict().items()}
    RecallPredictor(taught).predict(["Ada Smith"])
    assert all(torch.equal(before[name], tensor) for name, tensor in taught.state_dict().items())
