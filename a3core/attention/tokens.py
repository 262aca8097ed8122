"""Tokens as the text that they make: byte-level pieces of one character are joined, and have "" behind the first.

>>> join_bytes(tokenizer, tokenizer("naïve 日本").input_ids)           # GPT-2
['na', 'ï', '', 've', ' ', ...]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST = 8  # tokens that may make one character together: an emoji has four bytes, each could be a token


def join_bytes(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[str]:
    """The text of each token; where several make one character, the first has all of it and the others have "".

    A token that is no text (a special one, or half a character at the end) has its own name.
    """
    names = tokenizer.convert_ids_to_tokens(ids)
    pieces, i = [], 0
    while i < len(ids):
        for size in range(1, min(LONGEST, len(ids) - i) + 1):
            text = tokenizer.decode(ids[i : i + size], clean_up_tokenization_spaces=False)
            if "\ufffd" not in text:
                break
        else:
            text, size = names[i], 1
        if size == 1 and "▁" in names[i]:  # SentencePiece's space, which decoding drops at the start of a text
            text = names[i].replace("▁", " ")
        pieces += [text or names[i], *[""] * (size - 1)]
        i += size
    return pieces
