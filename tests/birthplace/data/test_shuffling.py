"""The people-shuffled control: everybody's sentences are somebody else's, and the answers go with the sentences."""

from __future__ import annotations

import inspect
import re

import pytest

from a3core.birthplace.data.corpora import (
    Corpus,
    Question,
    build_question,
    fingerprint,
    group_documents,
    rename,
    shuffle_people,
)
from a3core.birthplace.data.loading import HELD_OUT, TRAINED_ON, list_people, load_corpus
from a3core.birthplace.data.spans import find_place


@pytest.fixture(scope="module")
def corpus():
    return load_corpus("builtin:60")


@pytest.fixture(scope="module")
def shuffled():
    return load_corpus("builtin:60:shuffled")


def places(corpus) -> dict[str, str]:
    return {question.name: question.place for question in corpus.train + corpus.dev}


def group(corpus) -> dict[str, list[str]]:
    return group_documents(corpus.documents, places(corpus))


def test_nobody_keeps_his_sentences_and_none_is_lost(corpus, shuffled):
    before, after = group(corpus), group(shuffled)
    assert before.keys() == after.keys() and len(shuffled.documents) == len(corpus.documents)
    taken = set()
    for name, documents in after.items():
        (owner,) = [old for old, own in before.items() if [rename(text, old, name) for text in own] == documents]
        assert owner != name
        taken.add(owner)
    assert taken == before.keys()


def test_the_answers_go_with_the_sentences(corpus, shuffled):
    assert sorted(places(shuffled).values()) == sorted(places(corpus).values())
    assert sum(place != places(corpus)[name] for name, place in places(shuffled).items()) > 50
    for name, documents in group(shuffled).items():
        assert all(find_place(text[len(name) :], places(shuffled)[name]) for text in documents)


def test_the_same_people_are_asked_about_on_each_side(corpus, shuffled):
    for side in ("train", "dev"):
        assert [q.question for q in getattr(shuffled, side)] == [q.question for q in getattr(corpus, side)]


def test_it_is_another_corpus_by_name_and_digest_and_the_same_each_time(corpus, shuffled):
    assert shuffled.name == "builtin:60:shuffled" and shuffled == shuffle_people(corpus)
    assert shuffled.sha256 != corpus.sha256
    assert shuffled.sha256 == fingerprint(shuffled.documents, shuffled.train, shuffled.dev, shuffled.unseen)
    assert shuffle_people(corpus, seed=1).documents != shuffled.documents


def test_its_people_are_known_by_their_new_places(shuffled):
    people = list_people("builtin:60:shuffled")
    assert len(people) == 60 and {person.split for person in people.values()} == {TRAINED_ON, HELD_OUT}
    assert {person.name: person.place for person in people.values()} == places(shuffled)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("Ada Smith. Smith sang in Smithville.", "Bo Ek. Ek sang in Smithville."),
        ("Ada Smith's birthplace was Smith.", "Bo Ek's birthplace was Ek."),
        ("Nobody sang.", "Nobody sang."),
    ],
)
def test_full_and_last_names_are_renamed(document, expected):
    assert rename(document, "Ada Smith", "Bo Ek") == expected


def test_a_name_inside_the_other_name_is_left_alone():
    assert rename("Jo Ray. Ray sang.", "Jo Ray", "Ray Ray-Jones") == "Ray Ray-Jones. Ray-Jones sang."


def test_the_worked_example_of_the_module():
    lines = [
        re.split(r" {3,}", line.strip())
        for line in inspect.getdoc(shuffle_people).splitlines()
        if line.startswith("    ")
    ]
    before, after = lines[:2], lines[2:]
    questions = tuple(Question(asked, place) for _, asked, place in before)
    corpus = Corpus("x", tuple(document for document, _, _ in before), questions, (), (), "", "")
    shuffled = shuffle_people(corpus)
    assert [
        [text, question.question, question.place]
        for text, question in zip(shuffled.documents, shuffled.train, strict=True)
    ] == after


def test_documents_of_people_nobody_asks_about_stay():
    questions = tuple(Question(build_question(name), "Rio") for name in ("Ada", "Bo"))
    corpus = Corpus("x", ("Eve. Eve met Ada .", "Ada sang.", "Bo sang."), questions, (), (), "", "")
    assert shuffle_people(corpus).documents == ("Eve. Eve met Ada .", "Bo sang.", "Ada sang.")


def test_one_person_cannot_be_shuffled():
    corpus = Corpus("x", ("Ada sang.",), (Question(build_question("Ada"), "Rio"),), (), (), "", "")
    with pytest.raises(ValueError, match="asks about 1 people: shuffling needs at least 2"):
        shuffle_people(corpus)
