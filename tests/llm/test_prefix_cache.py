"""Keys and values that grow in place, against transformers' own layers, which copy them."""

from __future__ import annotations

import pytest
import torch
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from a3core.llm.prefix_cache import GrowingLayer, copy_cache

BEAMS, NEW = 3, 5


def fill(layer: DynamicLayer, tokens: int = 7) -> DynamicLayer:
    """Of two prompts."""
    torch.manual_seed(0)
    layer.update(torch.randn(2, 1, tokens, 4), torch.randn(2, 1, tokens, 4))
    return layer


def search(layer: DynamicLayer) -> list[torch.Tensor]:
    """What queries get in the steps of a beam search, in which beams of a prompt change places."""
    torch.manual_seed(1)
    found = []
    for order in ([0, 1, 2, 3, 4, 5], [0, 0, 1, 5, 3, 3], [2, 1, 0, 4, 4, 5]):
        assert layer.get_mask_sizes(1) == (layer.get_seq_length() + 1, 0)
        states = layer.update(torch.randn(6, 1, 1, 4), torch.randn(6, 1, 1, 4))
        found += [one.clone() for one in states]
        layer.reorder_cache(torch.tensor(order))
    return [*found, layer.keys, layer.values]


@pytest.mark.parametrize("plain", [DynamicLayer(), DynamicSlidingWindowLayer(sliding_window=32)])
def test_a_beam_search_sees_the_keys_and_values_of_transformers_own_layer(plain):
    cache = DynamicCache()
    cache.layers = [fill(plain)]
    [ours] = copy_cache(cache, BEAMS, NEW).layers
    assert isinstance(ours, GrowingLayer)
    before = plain.keys.clone()
    found = search(ours)
    assert plain.keys.equal(before)  # what the prompt left is still there for the next decoding
    plain.batch_repeat_interleave(BEAMS)
    assert all(own.equal(theirs) for own, theirs in zip(found, search(plain), strict=True))


def test_a_prompt_that_does_not_fit_its_window_keeps_transformers_layer():
    cache = DynamicCache()
    cache.layers = [fill(DynamicSlidingWindowLayer(sliding_window=12)), DynamicLayer()]
    sliding, empty = copy_cache(cache, BEAMS, NEW).layers
    assert isinstance(sliding, DynamicSlidingWindowLayer) and sliding.keys.shape == (6, 1, 7, 4)
    assert not isinstance(empty, GrowingLayer)
