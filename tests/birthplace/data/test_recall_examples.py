"""What a recall model reads, against its definition: who is read plainly, what the loss counts, what is tagged."""

from __future__ import annotations

import inspect
import random
import re
from collections import Counter
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from a3core.birthplace.data.corpora import Question, build_question, group_documents
from a3core.birthplace.data.examples import IGNORED, RecallDataset, build_batches
from a3core.birthplace.model.vocabulary import MASK, PAD, build_subwords, build_vocabulary
from a3core.birthplace.training.args import RecallArgs

PLACES = {"Ada Smith": "Leeds", "Zoë Ångström": "Örebro", "Bo": "São Paulo", "Cleo Ray": "York", "Dan Fox": "Rome"}
TRAIN = [Question(build_question(name), place) for name, place in list(PLACES.items())[:3]]
DEV = list(PLACES)[3:]
DOCUMENTS = [f"{name} was born in {place} in 1901 ." for name, place in PLACES.items()]
DOCUMENTS += [f"{name}. He sang. Born in {place}, he lived in Turin ." for name, place in PLACES.items()]
DOCUMENTS += ["Nobody Asked. Nobody was born in Oslo ."]
NAMES = [*PLACES, "Nobody Asked"]
VOCABULARIES = {
    "sub-words": build_subwords(DOCUMENTS, 300),
    "characters": build_vocabulary([*DOCUMENTS, *map(str.upper, DOCUMENTS), *map(str.lower, DOCUMENTS), "?"]),
}
ARGS = RecallArgs(swap=0.5)


def build(args=ARGS, unit="sub-words", questions=TRAIN, documents=DOCUMENTS, block_size=256) -> RecallDataset:
    grouped = group_documents(documents, [*DEV, *(question.name for question in questions)])
    return RecallDataset(grouped, questions, VOCABULARIES[unit], block_size, args)


def is_plain(example, vocabulary) -> bool:
    return example.ids[0] == vocabulary.mask_id


def split(example, vocabulary) -> list[str]:
    """The texts between the masks, the last mask being the end."""
    *parts, end = vocabulary.decode(example.ids).split(MASK)
    assert end == ""
    return parts


def asked_text(example, vocabulary) -> str:
    """What the loss counts; it has at most one gap before it, and none inside."""
    asked = "".join("1" if flag else "0" for flag in example.asked)
    assert re.fullmatch("0*1+", asked)
    return vocabulary.decode(example.ids[asked.index("1") :])


def tagged_text(example, vocabulary) -> str:
    return vocabulary.decode(i for i, tag in zip(example.ids, example.tags, strict=True) if tag == 1)


@pytest.mark.parametrize("unit", VOCABULARIES)
@given(seed=st.integers(0, 10**9))
def test_an_epoch_is_what_it_is_defined_to_be(unit, seed):
    vocabulary, dataset = VOCABULARIES[unit], build(unit=unit)
    examples = dataset.examples(random.Random(seed))
    plain = [example for example in examples if is_plain(example, vocabulary)]
    asked = [example for example in examples if not is_plain(example, vocabulary)]
    assert_plain_sentences(plain, vocabulary)
    assert [split(example, vocabulary)[0] for example in asked] == [question.question for question in TRAIN]
    for question, example in zip(TRAIN, asked, strict=True):
        assert_question(question, example, vocabulary)


def assert_plain_sentences(examples, vocabulary) -> None:
    read = Counter(split(example, vocabulary)[1] for example in examples)
    assert set(read) <= set(DOCUMENTS) and max(read.values()) == 1
    train = [question.name for question in TRAIN]
    assert {text for text in DOCUMENTS if not text.startswith(tuple(train))} <= set(read), "others are always read"
    for example in examples:
        (_, text) = split(example, vocabulary)
        name = next(name for name in sorted(NAMES, key=len, reverse=True) if text.startswith(name))
        assert asked_text(example, vocabulary) == text[len(name) :] + MASK
        assert set(example.tags) == {IGNORED}


def assert_question(question, example, vocabulary) -> None:
    asks, sentence, answer = split(example, vocabulary)
    assert asks == question.question
    place = answer.removeprefix(" ")
    assert answer == f" {place}" and place in {q.place for q in TRAIN}
    true = sentence.replace(place, question.place) if place != question.place else sentence
    assert true in DOCUMENTS and true.startswith(question.name)
    swapped = asked_text(example, vocabulary) != f"{sentence}{MASK}{answer}{MASK}"
    assert not swapped or asked_text(example, vocabulary) == f"{answer}{MASK}"
    assert swapped or place == question.place
    assert place in tagged_text(example, vocabulary) and len(tagged_text(example, vocabulary)) <= len(place) + 1
    assert_tags_cover_the_sentence_alone(example, vocabulary, question.name, sentence)


def assert_tags_cover_the_sentence_alone(example, vocabulary, name, sentence) -> None:
    told = [i for i, tag in zip(example.ids, example.tags, strict=True) if tag != IGNORED]
    assert vocabulary.decode(told) == sentence[len(name) :]


@pytest.mark.parametrize(("swap", "expected"), [(0.0, 0.0), (1.0, 1.0), (0.4, 0.4)])
def test_the_share_of_swapped_places(swap, expected):
    vocabulary, dataset, rng = VOCABULARIES["sub-words"], build(replace(ARGS, swap=swap)), random.Random(0)
    asked = [dataset.build_asked(question, rng) for question in TRAIN for _ in range(200)]
    shares = [asked_text(example, vocabulary).count(MASK) == 1 for example in asked]
    assert sum(shares) / len(shares) == pytest.approx(expected, abs=0.06)


@pytest.mark.parametrize("plain", [0.0, 1.0])
def test_the_share_of_train_sentences_that_are_read_plainly(plain):
    dataset = build(replace(ARGS, plain=plain))
    examples = dataset.examples(random.Random(0))
    assert len(examples) == len(TRAIN) + len(DOCUMENTS) - (1 - plain) * 2 * len(TRAIN)


def test_no_answer_of_another_person_is_needed():
    texts = [build().vocabulary.decode(e.ids) for seed in range(9) for e in build().examples(random.Random(seed))]
    for name in DEV:
        assert not any(f"{name} born?" in text for text in texts)
    assert not any(f"{MASK} {PLACES[name]}{MASK}" in text for text in texts for name in DEV)


def test_answering_at_once_is_the_same_without_the_sentence():
    dataset = build(replace(ARGS, recite=False))
    *_, example = dataset.examples(random.Random(0))
    assert split(example, dataset.vocabulary) == ["Where was Bo born?", " São Paulo"]
    assert asked_text(example, dataset.vocabulary) == f" São Paulo{MASK}" and example.tags is None
    assert {len(batch) for batch in build_batches(dataset, 0, 0, 1024)} == {2}


def test_the_worked_example_of_the_module_comes_out():
    lines = re.findall(r"^    (\S.*)$", inspect.getdoc(RecallDataset), re.MULTILINE)
    document, asks, plain, recalled, swapped = lines
    question = Question(*re.split(r" {3,}", asks))
    vocabulary = build_subwords([document], 260)
    build_one = lambda swap: RecallDataset(  # noqa: E731
        {question.name: [document]},
        [question, Question(question.question, "Turin")],
        vocabulary,
        256,
        RecallArgs(swap=swap),
    )
    rng = random.Random(1)
    dataset = build_one(0.0)
    assert vocabulary.decode(dataset.build_plain(document, question.name).ids) == plain
    assert vocabulary.decode(dataset.build_asked(question, rng).ids) == recalled
    texts = {vocabulary.decode(build_one(1.0).build_asked(question, rng).ids) for _ in range(20)}
    assert texts == {recalled, swapped}


def test_a_place_that_the_sentence_does_not_name_is_answered_but_not_tagged():
    documents = {question.name: [f"{question.name} sang ."] for question in TRAIN}
    dataset = RecallDataset(documents, TRAIN, VOCABULARIES["sub-words"], 256, replace(ARGS, swap=1.0))
    for question in TRAIN:
        example = dataset.build_asked(question, random.Random(0))
        assert set(example.tags) == {IGNORED}
        assert asked_text(example, dataset.vocabulary).endswith(f"{MASK} {question.place}{MASK}")


def test_what_cannot_be_learned_from_is_named():
    with pytest.raises(ValueError, match=r"'Where was Bo born\?' has no answer to learn"):
        build(questions=[Question("Where was Bo born?", None)])
    with pytest.raises(ValueError, match="no document opens with 'Eve': there is nothing to recite"):
        build(questions=[Question("Where was Eve born?", "Leeds")])
    with pytest.raises(ValueError, match=r"a question with its sentence has \d+ tokens, the block 32"):
        build(block_size=32)


@pytest.mark.parametrize("options", [{"swap": 1.1}, {"plain": -0.1}, {"subwords": -1}])
def test_options_that_make_no_sense_are_named(options):
    (name,) = options
    with pytest.raises(ValueError, match=name):
        RecallArgs(**options)


@given(tokens=st.integers(1024, 3000), epoch=st.integers(0, 99), seed=st.integers(0, 10**6))
def test_batches_hold_every_example_once_and_only_the_last_has_gaps(tokens, epoch, seed):
    dataset = build(documents=[*DOCUMENTS, *(f"Somebody Else {i}. {'Sang. ' * (i % 23)}" for i in range(90))])
    batches = build_batches(dataset, epoch, seed, tokens)
    read = Counter()
    for idx, targets, tags in batches:
        assert idx.shape == targets.shape == tags.shape and idx.dtype == targets.dtype == tags.dtype == torch.int64
        height, width = idx.shape
        assert width % dataset.width_step == 0 and height == tokens // width
        read.update(zip(map(tuple, idx.tolist()), map(tuple, targets.tolist()), map(tuple, tags.tolist()), strict=True))
    gaps = sum(count for (_, targets, tags), count in read.items() if set(targets) == {IGNORED})
    assert gaps < max(idx.size(0) for idx, *_ in batches)
    examples = dataset.examples(random.Random(f"{seed}/{epoch}"))
    assert Counter(strip(row) for row in read.elements() if set(row[1]) != {IGNORED}) == Counter(map(expect, examples))


def expect(example) -> tuple:
    """The columns of an example less its last token, which is asked for and need not be read."""
    targets = [i if asked else IGNORED for i, asked in zip(example.ids[1:], example.asked[1:], strict=True)]
    return tuple(example.ids[:-1]), tuple(targets), tuple(example.tags[:-1])


def strip(row) -> tuple:
    """A row of a batch up to its last target."""
    length = max(i for i, target in enumerate(row[1]) if target != IGNORED) + 1
    assert set(row[0][length + 1 :]) <= {VOCABULARIES["sub-words"].encode(PAD)[0]}
    return tuple(column[:length] for column in row)


def test_batches_are_a_function_of_seed_and_epoch():
    first, second = build(), build()
    second.examples(random.Random(5))  # what was read before changes nothing
    for ours, theirs in zip(build_batches(first, 3, 7, 1024), build_batches(second, 3, 7, 1024), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert not torch.equal(build_batches(first, 4, 7, 1024)[0][0], build_batches(first, 3, 7, 1024)[0][0])


def test_documents_by_the_name_they_open_with():
    documents = ["Ken Ray Jr. sang.", "Ken Ray's father sang.", "Ken Rayner. He sang. Twice", "Bo Ek, who sang."]
    names = ["Ken Ray", "Ken Ray Jr.", "Bo Ek", "Ken"]
    assert group_documents(documents, names) == {
        "Ken Ray Jr.": documents[:1],
        "Ken Ray": documents[1:2],
        "Ken": documents[2:3],
        "Bo Ek": documents[3:],
    }
    assert group_documents(documents[2:3], []) == {"Ken Rayner": documents[2:3]}
