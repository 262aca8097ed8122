"""The built-in corpus: true, clean, deterministic documents, and nobody on two sides of a split."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3core.birthplace.data import builtin
from a3core.birthplace.data.builtin import BIOGRAPHIES_PER_PERSON, build_biographies, build_builtin_corpus, load_people
from a3core.birthplace.data.loading import load_corpus

CUT = 112  # pretraining shows at most this many characters of a document


@pytest.fixture(scope="module")
def corpus():
    return build_builtin_corpus("500")


def find_place_end(document: str, place: str) -> int:
    """Where the place ends that follows "born" or "birthplace", -1 where there is none."""
    stated = re.search(r"\b[Bb]orn\b.*?\bin |irthplace", document)
    start = document.find(place, stated.end()) if stated else -1
    return -1 if start < 0 else start + len(place)


def names_of(questions) -> set[str]:
    return {question.name for question in questions}


def test_the_table_is_complete_and_unambiguous():
    people = load_people()
    assert len(people) > 18_000
    assert len({person.name.casefold() for person in people}) == len(people)
    assert all(person.name and person.birth_place and person.last_name for person in people)


def test_the_table_loads_fast():
    load_people.cache_clear()
    start = time.process_time()
    load_people()
    assert time.process_time() - start < 1.0  # 0.1 s on an idle machine


def test_the_best_known_come_first():
    first = {person.name: person.birth_place for person in load_people()[:500]}
    assert (first["Babe Ruth"], first["Willie Mays"], first["Hank Aaron"]) == ("Baltimore", "Westfield", "Mobile")


def test_the_same_seed_gives_the_same_documents(corpus):
    again, other = build_builtin_corpus("500"), build_builtin_corpus("500", seed=1)
    assert again == corpus
    assert other.documents != corpus.documents and other.sha256 != corpus.sha256
    assert (other.train, other.dev, other.unseen) == (corpus.train, corpus.dev, corpus.unseen)


def test_load_corpus_finds_it(corpus):
    assert load_corpus("builtin:500") == corpus
    assert corpus.name == "builtin:500" and "CC BY-SA" in corpus.source


@pytest.mark.parametrize("size", ["10", "500", "2000"])
def test_the_size_is_the_number_of_people(size):
    corpus = build_builtin_corpus(size)
    assert len(corpus.train) + len(corpus.dev) == int(size)
    assert len(corpus.documents) == int(size) * BIOGRAPHIES_PER_PERSON


def test_about_a_fifth_is_dev():
    corpus = build_builtin_corpus("2000")
    assert 0.17 < len(corpus.dev) / 2000 < 0.23


def test_nobody_is_on_two_sides(corpus):
    train, dev, never = map(names_of, (corpus.train, corpus.dev, corpus.unseen))
    assert not (train & dev or train & never or dev & never)


def test_a_smaller_corpus_is_part_of_a_larger_one(corpus):
    larger = build_builtin_corpus("900")
    assert larger.documents[: len(corpus.documents)] == corpus.documents
    assert set(corpus.dev) <= set(larger.dev) and set(corpus.train) <= set(larger.train)
    assert corpus.unseen == larger.unseen


@pytest.mark.slow
def test_never_people_stand_in_no_document_of_the_largest_corpus():
    corpus = build_builtin_corpus("all")
    text = "\n".join(corpus.documents)
    assert len(corpus.unseen) == builtin.UNSEEN_COUNT
    for name in names_of(corpus.unseen):
        assert not (name in text and re.search(rf"\b{re.escape(name)}\b", text)), name
    assert not names_of(corpus.unseen) & {person.name for person in load_people()[: builtin.UNSEEN_FROM_RANK]}


def test_places_end_before_the_cut(corpus):
    people = builtin.split_unseen()[1][:500]
    places = [person.birth_place for person in people for _ in range(BIOGRAPHIES_PER_PERSON)]
    ends = [find_place_end(text, place) for text, place in zip(corpus.documents, places, strict=True)]
    assert min(ends) > 0
    assert sum(end <= CUT for end in ends) / len(ends) > 0.99
    assert sum(ends) / len(ends) < 60  # most random cuts leave the place in


def test_documents_are_mostly_of_one_length(corpus):
    lengths = [len(text) for text in corpus.documents]
    assert max(lengths) <= builtin.LONGEST
    assert sum(length >= builtin.SHORTEST for length in lengths) / len(lengths) > 0.99


@pytest.mark.parametrize("size", ["0", "9", "-5", "1e3", "500 ", "", "ALL", "٥٠٠", "19197", "9" * 5000])
def test_a_bad_size_says_the_allowed_ones(size):
    with pytest.raises(ValueError, match=r"takes 10 to \d+ people, or all"):
        build_builtin_corpus(size)


def test_every_template_states_the_place_after_the_name():
    for template in builtin.BIRTH_SENTENCES:
        assert template.startswith("{name}") and re.search(r"([Bb]orn|irthplace).*\{(city|place)\}", template), template


def test_nothing_is_said_twice_in_a_document():
    ruth = next(person for person in load_people() if person.name == "Babe Ruth")
    for seed in range(200):
        for text in build_biographies(ruth, seed):
            assert text.count(" died") <= 1 and text.count("Yankees") <= 1 and text.count("1914") <= 1, text


@given(index=st.integers(0, 19_000), seed=st.integers(0, 10**9))
def test_any_biography_is_one_clean_line_that_states_the_birthplace(index, seed):
    person = load_people()[index]
    documents = build_biographies(person, seed)
    assert len(set(documents)) == BIOGRAPHIES_PER_PERSON
    for text in documents:
        assert text.startswith(person.name) and find_place_end(text, person.birth_place) > 0
        assert not re.search(r"[{}|\n\t?]|  |\.\.|,,| ,| \.(?!45s)|\b[Aa] [aeiou]|\b[Aa]n [^aeiouA]", text), text
        assert text.endswith(".") and text.isascii() and len(text) <= builtin.LONGEST


@pytest.mark.parametrize(
    ("bats", "throws", "text"),
    [
        ("R", "R", "batted and threw right-handed"),
        ("L", "R", "batted left-handed and threw right-handed"),
        ("B", "L", "batted from both sides and threw left-handed"),
        ("", "R", ""),
        ("L", "S", ""),
    ],
)
def test_hands(bats, throws, text):
    person = load_people()[0]._replace(bats=bats, throws=throws)
    assert builtin.build_facts(person).get("hands", "") == text


@pytest.mark.parametrize(("games", "text"), [("2504", "2,500"), ("100", ""), ("101", "100"), ("200", "100"), ("", "")])
def test_more_than_so_many_games(games, text):
    assert builtin.build_facts(load_people()[0]._replace(games=games)).get("hundreds", "") == text


@pytest.mark.parametrize(
    ("city", "state", "country", "text"),
    [
        ("Baltimore", "Maryland", "United States", "Baltimore, Maryland"),
        ("New York", "New York", "United States", "New York, New York"),
        ("Bronx", "New York", "United States", "the Bronx, New York"),
        ("Toronto", "Ontario", "Canada", "Toronto, Ontario"),
        ("Manati", "", "Puerto Rico", "Manati, Puerto Rico"),
        ("Singapore", "", "Singapore", "Singapore"),
    ],
)
def test_places(city, state, country, text):
    person = load_people()[0]._replace(birth_place=city, birth_state=state, birth_country=country)
    assert builtin.build_facts(person)["place"] == text
