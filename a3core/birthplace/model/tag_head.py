"""The tags of a recalled sentence: for each token whether it belongs to the birthplace.

They are a side output on the features of three layers: nothing is written into the sentence, because a marker round the
place breaks the context that the memory hangs on. `data.spans` makes an answer of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

TAGGED_FEATURES = 3


class TagHead(nn.Module):
    """A logit for each token: does it belong to the birthplace? Read off the last three features of `GPT.read`."""

    def __init__(self, n_embd: int):
        super().__init__()
        self.linear = nn.Linear(TAGGED_FEATURES * n_embd, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:  # layers + 1 of (B, T, C) -> (B, T)
        """Tag logits (B, T) of the features, n_layer + 1 of (B, T, C)."""
        return self.linear(torch.cat(tuple(features[-TAGGED_FEATURES:]), dim=-1))[..., 0]
