"""What is seen of a model while it learns, against the model itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from a3core.birthplace.data.corpora import build_question
from a3core.birthplace.figures import plot_head, plot_progress, tabulate_head
from a3core.birthplace.model.vocabulary import build_subwords
from a3core.birthplace.prediction.recall_decoding import build_recall_prompt
from a3core.birthplace.training.live import TrainingSnapshot, build_live_corpus
from a3core.birthplace.training.live_probe import find_head_on_name, find_name, probe_model, read_pattern
from a3core.birthplace.training.trainer import Epoch

NAME = "Stan Musial"


@pytest.fixture(scope="module")
def corpus():
    return build_live_corpus(20)


@pytest.fixture(scope="module")
def model(corpus, build_gpt):
    vocabulary = build_subwords([*corpus.documents, build_question("")], 320)
    return build_gpt(vocabulary.text, block_size=256, tied=True, tagged=True)


@pytest.fixture(scope="module")
def probe(model, corpus):
    return probe_model(model, corpus, epoch=2)


def test_the_pattern_is_that_of_every_head_and_no_hook_stays(model):
    ids = build_recall_prompt(model, NAME)
    pattern = read_pattern(model, ids)
    assert pattern.shape == (len(model.blocks), model.n_head, len(ids), len(ids))
    torch.testing.assert_close(pattern.sum(-1), torch.ones(pattern.shape[:-1]))
    assert not pattern.triu(1).any()
    assert not any(block.attn.softmax._forward_hooks for block in model.blocks)


def test_the_name_is_marked_and_the_mask_is_not(model):
    prompt = build_recall_prompt(model, NAME)
    pieces = model.vocabulary.pieces(prompt)
    marks = find_name(model.vocabulary, prompt, NAME)
    assert "".join(piece for piece, named in zip(pieces, marks, strict=True) if named) == NAME
    assert "⁇" not in [piece for piece, named in zip(pieces, marks, strict=True) if named]


def test_the_head_is_the_one_with_the_most_weight_on_the_name(model):
    sentence = f"{NAME} was born in Donora."
    head = find_head_on_name(model, NAME, sentence)
    prompt = build_recall_prompt(model, NAME)
    written = [*model.vocabulary.encode(sentence.removeprefix(NAME)), model.vocabulary.mask_id]
    pattern = read_pattern(model, prompt + written).numpy()  # naively: one row more than is needed
    named = np.flatnonzero(find_name(model.vocabulary, prompt, NAME))
    rows = range(len(prompt) - 1, len(prompt) - 1 + len(written))
    shares = [[np.mean([pattern[layer, h, q, named].sum() for q in rows]) for h in range(2)] for layer in range(2)]
    np.testing.assert_allclose(head.shares, shares, rtol=1e-4)
    assert head.share == pytest.approx(np.max(shares), rel=1e-4)
    assert head.shares[head.layer][head.head] == pytest.approx(head.share)
    np.testing.assert_allclose(np.sum(head.weights, axis=1), 1, rtol=1e-4)
    assert len(head.weights) == len(head.written) and len(head.weights[0]) == len(head.prompt) + 1


def test_a_look_counts_the_dev_people_and_shows_the_first(probe, corpus):
    assert probe.exact.total == probe.right.total == len(corpus.dev)
    assert probe.recited[0].name == corpus.dev[0].name
    assert probe.recited[0].truth in corpus.documents
    assert probe.recited[0].gold_answer == corpus.dev[0].place
    assert not probe.recited[0].exact


def test_the_figures_and_their_tables_say_the_same(probe):
    seen = TrainingSnapshot(curve=(Epoch(1, 2.5, 1.0, 10, 1.0), Epoch(2, 1.5, 0.0, 20, 2.0)), probes=(probe,), epochs=2)
    loss, exact, right = plot_progress(seen).data
    assert (tuple(loss.x), tuple(loss.y)) == ((1, 2), (2.5, 1.5))
    assert (exact.y[0], right.y[0]) == (probe.exact.share, probe.right.share)
    figure, table = plot_head(probe.head), tabulate_head(probe.head)
    assert len(figure.data[0].z[0]) == len(table) == len(probe.head.prompt) + 1
    assert len(figure.layout.shapes) == 1  # round the name
    assert sum(float(row[2].rstrip("%")) for row in table) == pytest.approx(100, abs=2)
