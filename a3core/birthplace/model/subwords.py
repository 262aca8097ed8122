"""Sub-words: a vocabulary of the pieces that words of the corpus are made of, learned by byte-level pair encoding.

    >>> vocabulary = build_subwords(load_corpus("builtin:500").documents, 1344)
    >>> vocabulary.pieces(vocabulary.encode("Ada Smith was born in Leeds."))
    ['Ad', 'a', ' Smith', ' was', ' born', ' in', ' L', 'e', 'ed', 's', '.']

Less than half as many tokens as characters, and no character is unknown: what no merge covers is spelt in bytes
(Sennrich et al. 2016; Radford et al. 2019). It travels in a checkpoint's config.json as the text of its merges,
"BPE", then a pair a line in the order they were learned.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from a3core.birthplace.model.vocabulary import MASK, PAD, Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

HEADER = "BPE"
BYTES = 256


def read_vocabulary(text: str) -> Vocabulary | Subwords:
    """The vocabulary of a checkpoint's config: characters, or the merges of sub-words."""
    return Subwords(text) if text.partition("\n")[0] == HEADER else Vocabulary(text)


def build_subwords(documents: Iterable[str], size: int) -> Subwords:
    """Pad, mask, the 256 bytes, and merges up to `size`; fewer where the documents give no more.

    Raises ValueError for a size that has no room for the bytes.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    if size < BYTES + 2:
        raise ValueError(f"sub-words need pad, mask and {BYTES} bytes: a size of at least {BYTES + 2}, not {size}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size - 2, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(documents, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return Subwords("\n".join([HEADER, *(" ".join(pair) for pair in merges)]))


class Subwords:
    """Sub-words <-> ids, with the interface of `Vocabulary`: pad, mask, the bytes, then the merges as they came."""

    pad_id, mask_id = Vocabulary.pad_id, Vocabulary.mask_id
    unit = "sub-words"

    def __init__(self, text: str):
        header, *merges = text.split("\n")
        pairs = [tuple(line.split(" ")) for line in merges]
        if header != HEADER or any(len(pair) != 2 or not all(pair) for pair in pairs):
            raise ValueError(f"sub-words start with {HEADER} and have two pieces a line, not {text[:20]!r}")
        self.text = text
        self._tokenizer, names = _build_tokenizer(pairs)
        signs = {sign: sign.encode() for sign in (PAD, MASK)}
        byte_of = _byte_alphabet()
        self._bytes = [signs.get(name) or bytes(byte_of[c] for c in name) for name in names]

    def __len__(self) -> int:
        return len(self._bytes)

    def unknown(self, text: str) -> str:
        """Nothing is unknown: bytes spell every character."""
        return ""

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        return len(self.encode(text))

    def encode(self, text: str) -> list[int]:
        """The ids of a text, merged in the order in which the merges were learned."""
        return self._tokenizer.encode(text).ids

    def decode(self, ids: Iterable[int]) -> str:
        """Bytes that are no UTF-8, as only a model makes them, become U+FFFD."""
        return b"".join(self._bytes[i] for i in ids).decode("utf-8", errors="replace")

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The text of each token by itself."""
        return [self.decode([i]) for i in ids]

    def spans(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Which characters of `decode(ids)` each token has a byte of: (start, end)."""
        decoder, spans, done = codecs.getincrementaldecoder("utf-8")(errors="replace"), [], 0
        for i in ids:
            start = done
            done += len(decoder.decode(self._bytes[i]))
            spans.append((start, done + bool(decoder.getstate()[0])))
        if spans:  # what is cut off at the end may be several bytes that belong to no character
            spans[-1] = spans[-1][0], done + len(decoder.decode(b"", final=True))
        return spans


def _build_tokenizer(pairs: list[tuple[str, str]]) -> tuple[Tokenizer, list[str]]:
    """The tokenizer, and the name of each id."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    names = [PAD, MASK, *sorted(_byte_alphabet()), *dict.fromkeys(a + b for a, b in pairs)]
    ids = {name: i for i, name in enumerate(names)}
    try:
        tokenizer = Tokenizer(models.BPE(vocab=ids, merges=pairs))
    except Exception as error:  # the library raises a bare Exception for a merge of pieces that are none
        raise ValueError(f"the merges of these sub-words do not fit together: {error}") from error
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens([PAD, MASK])
    return tokenizer, names


def _byte_alphabet() -> dict[str, int]:
    """The visible character that stands for each byte in a merge: its own where it has one, else from U+0100 on."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(BYTES) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(0x100 + i): byte for i, byte in enumerate(hidden)}
