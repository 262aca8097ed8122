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
        size = next((n for n in range(1, LONGEST + 1) if i + n <= len(ids) and _is_text(tokenizer, ids[i : i + n])), 0)
        if size:
            pieces += [_decode(tokenizer, ids[i : i + size], names[i]), *[""] * (size - 1)]
        else:
            pieces.append(names[i])
        i += size or 1
    return pieces


def _decode(tokenizer: PreTrainedTokenizerBase, ids: list[int], name: str) -> str:
    if len(ids) == 1 and "▁" in name:  # SentencePiece's space, which decoding drops at the start of a text
        return name.replace("▁", " ")
    return tokenizer.decode(ids, clean_up_tokenization_spaces=False) or name


def _is_text(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> bool:
    return "\ufffd" not in tokenizer.decode(ids, clean_up_tokenization_spaces=False)
