"""The characters a model knows, and the two that have a meaning.

>>> vocabulary = build_vocabulary(["Ada was born in London ."])
>>> vocabulary.decode(vocabulary.encode("London"))
'London'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

PAD = "\u25a1"  # □ fills a sequence up to the block
MASK = "\u2047"  # ⁇ stands where a span was cut out, and around an answer


def build_vocabulary(documents: Iterable[str]) -> Vocabulary:
    """Pad, mask, and every character of the documents in code point order."""
    return Vocabulary(PAD + MASK + "".join(sorted(set().union(*documents) - {PAD, MASK})))


class Vocabulary:
    """Characters <-> ids; an id is a character's place in `characters`."""

    pad_id, mask_id = 0, 1
    unit = "characters"  # what one token is

    def __init__(self, characters: str):
        if not characters.startswith(PAD + MASK) or len(set(characters)) != len(characters):
            raise ValueError(f"a vocabulary starts with {PAD + MASK} and repeats nothing, not {characters[:20]!r}")
        self.characters = characters
        self.ids = {character: i for i, character in enumerate(characters)}

    def __len__(self) -> int:
        return len(self.characters)

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

    @property
    def text(self) -> str:
        """What a checkpoint's config.json keeps of it."""
        return self.characters

    def pieces(self, ids: Iterable[int]) -> list[str]:
        """The text of each token by itself."""
        return [self.characters[i] for i in ids]

    def spans(self, ids: Sequence[int]) -> list[tuple[int, int]]:
        """Which characters of `decode(ids)` each token is: (start, end)."""
        return [(i, i + 1) for i in range(len(ids))]
