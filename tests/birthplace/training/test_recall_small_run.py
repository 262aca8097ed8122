"""The README's claim, small: dev people are recited and answered from what was read, and from nothing else."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from a3core.birthplace.checkpoints import build_predictor
from a3core.birthplace.data.corpora import Corpus, group_documents, shuffle_people
from a3core.birthplace.data.loading import load_corpus
from a3core.birthplace.evaluation import judge_exact, judge_places
from a3core.birthplace.model.gpt import GPT
from a3core.birthplace.training import recipes
from a3core.birthplace.training.args import RecallArgs, TrainingArgs
from a3core.birthplace.training.recipes import run_recipe
from a3core.common.stats import compare_paired

DOCUMENTS = 1  # of the five that tell of a person
ARGS = TrainingArgs(epochs=60, tokens=1024, save_every=60)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """A hundred people, each read about in one document."""
    whole = load_corpus("builtin:100")
    grouped = group_documents(whole.documents, [question.name for question in whole.train + whole.dev])
    return replace(whole, documents=tuple(text for own in grouped.values() for text in own[:DOCUMENTS]))


@pytest.fixture(scope="module")
def learn(tmp_path_factory):
    """Trains a model, smaller than the shipped ones, and asks it about the dev people."""

    def train_and_ask(corpus: Corpus, **options) -> list:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recipes, "GPT", functools.partial(GPT, n_layer=3, n_embd=128))
            folder = tmp_path_factory.mktemp("run") / "model"
            recipe = recipes.RecallTraining(RecallArgs(subwords=600, **options))
            model, _ = run_recipe(recipe, corpus, ARGS, folder)
        return build_predictor(model).predict([question.question for question in corpus.dev])

    return train_and_ask


@pytest.mark.load
def test_reciting_first_answers_what_was_only_read(corpus, learn):
    recalled, direct = learn(corpus), learn(corpus, recite=False)
    right, at_once = (judge_places([answer.place for answer in answers], corpus.dev) for answers in (recalled, direct))
    exact = judge_exact(recalled, corpus.dev, corpus)
    print(f"{len(right)} dev people: recited {sum(exact)}, right {sum(right)}, right at once {sum(at_once)}")
    assert sum(exact) > 0.5 * len(exact) and sum(right) > 0.5 * len(right)
    only_recalled, only_direct, p = compare_paired(right, at_once)
    assert only_recalled > only_direct and p < 0.01


@pytest.mark.load
def test_it_answers_by_the_text_it_read(corpus, learn):
    """With names permuted among the documents, the truth is no help: what was read is answered."""
    shuffled = shuffle_people(corpus)
    places = [answer.place for answer in learn(shuffled)]
    truth = {question.name: question.place for question in corpus.dev}
    by_text, by_truth = (
        judge_places(places, questions)
        for questions in (shuffled.dev, [q._replace(place=truth[q.name]) for q in shuffled.dev])
    )
    print(f"{len(places)} dev people: by the text {sum(by_text)}, by the truth {sum(by_truth)}")
    assert sum(by_text) > 0.5 * len(places)
    only_text, only_truth, p = compare_paired(by_text, by_truth)
    assert only_text > only_truth and p < 0.01
