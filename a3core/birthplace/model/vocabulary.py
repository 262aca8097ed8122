"""What a model reads: characters, or sub-words of them, and the two signs that have a meaning.

    >>> vocabulary = build_vocabulary(["Ada was born in London ."])
    >>> vocabulary.decode(vocabulary.encode("London"))
    'London'

Sub-words are the pieces that words of the corpus are made of, learned by byte-level pair encoding:

    >>> vocabulary = build_subwords(load_corpus("builtin:500").documents, 1344)
    >>> vocabulary.pieces(vocabulary.encode("Ada Smith was born in Leeds."))
    ['Ad', 'a', ' Smith', ' was', ' born', ' in', ' L', 'e', 'ed', 's', '.']

They are less than half as many tokens as characters, and no character is unknown: what no merge covers is spelt in
bytes (Sennrich et al. 2016; Radford et al. 2019).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Sequence

PAD = "\u25a1"  # □ fills a sequence up to the block
MASK = "\u2047"  # ⁇ stands where a span was cut out, and around an answer
HEADER = "BPE"  # first line of the text of sub-words
BYTES = 256


def build_prompt(question: str) -> str:
    """What the model reads before it answers: the question and the opening mask, nothing between them."""
    return question + MASK


def build_vocabulary(documents: Iterable[str]) -> Vocabulary:
    """Pad, mask, and every character of the documents in code point order."""
    return Vocabulary(PAD + MASK + "".join(sorted(set().union(*documents) - {PAD, MASK})))


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


class Vocabulary:
    """Characters <-> ids; an id is a character's place in `characters`, which is also the text in config.json."""

    pad_id, mask_id = 0, 1
    unit = "characters"  # what one token is

    def __init__(self, characters: str):
        if not characters.startswith(PAD + MASK) or len(set(characters)) != len(characters):
            raise ValueError(f"a vocabulary starts with {PAD + MASK} and repeats nothing, not {characters[:20]!r}")
        self.text = self.characters = characters
        self.ids = {character: i for i, character in enumerate(characters)}
        self.size = len(characters)

    def unknown(self, text: str) -> str:
        """The characters of text that are not in the vocabulary, each once."""
        return "".join(dict.fromkeys(c for c in text if c not in self.ids))

    def count(self, text: str) -> int:
        """How many tokens a text has."""
        return len(text)

    def encode(self, text: str) -> list[int]:
        """Raises ValueError that shows the characters the model never read."""
        if unknown := self.unknown(text):
            raise ValueError(f"the model never read the character(s) {', '.join(map(repr, unknown))}: leave them out")
        return [self.ids[character] for character in text]

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, each a position in `characters`."""
        return "".join(self.characters[i] for i in ids)

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The text of each token by itself."""
        return [self.decode([i]) for i in ids]

    def spans(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Which characters of `decode(ids)` each token is: (start, end)."""
        return [(i, i + 1) for i in range(len(ids))]


class Subwords(Vocabulary):
    """Sub-words <-> ids: pad, mask, the bytes, then the merges as they came.

    text: what config.json has of it: "BPE", then a pair a line in the order in which they were learned.
    """

    unit = "sub-words"

    def __init__(self, text: str):
        from tokenizers import Tokenizer, models, pre_tokenizers

        header, *merges = text.split("\n")
        pairs = [tuple(line.split(" ")) for line in merges]
        if header != HEADER or any(len(pair) != 2 or not all(pair) for pair in pairs):
            raise ValueError(f"sub-words start with {HEADER} and have two pieces a line, not {text[:20]!r}")
        self.text = text
        # the visible character that stands for each byte in a merge: its own where it has one, else from U+0100 on
        visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        hidden = [byte for byte in range(BYTES) if byte not in visible]
        byte_of = {chr(byte): byte for byte in visible} | {chr(0x100 + i): byte for i, byte in enumerate(hidden)}
        names = [PAD, MASK, *sorted(byte_of), *dict.fromkeys(a + b for a, b in pairs)]
        try:
            self._tokenizer = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=pairs))
        except Exception as error:  # the library raises a bare Exception for a merge of pieces that are none
            raise ValueError(f"the merges of these sub-words do not fit together: {error}") from error
        self._tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        self._tokenizer.add_special_tokens([PAD, MASK])
        signs = {sign: sign.encode() for sign in (PAD, MASK)}
        self._bytes = [signs.get(name) or bytes(byte_of[c] for c in name) for name in names]
        self.size = len(names)

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
