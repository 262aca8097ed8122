"""Sentences of the page are short: at most 20 words, in every label, hint, introduction and card that it opens with."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

MOST_WORDS = 20
FIELDS = ("label", "info", "placeholder", "value", "html_template")
# What a model wrote, what a table holds, code: no sentences of the page.
QUOTED = re.compile(r"<(svg|script|style|blockquote|dl|table|code)\b.*?</\1>", re.S)
ENDED = re.compile(r"</?(p|div|section|article|h\d|br|button|span|header|li|label|ol|ul)\b[^>]*>")
LICENCE = "Gemma is provided under and subject to"  # its terms ask for these very words


def list_sentences(text: str) -> Iterator[str]:
    """The sentences of a text in HTML or Markdown; a block of it ends one."""
    text = html.unescape(re.sub(r"<[^>]*>", "", ENDED.sub(" . ", QUOTED.sub(" ", text))))
    yield from re.split(r"(?<=[.!?])\s+", text.replace("\n\n", ". "))


def list_words(sentence: str) -> list[str]:
    return [word for word in sentence.split() if re.search(r"[^\W\d]", word)]


def test_no_sentence_of_the_page_is_long(demo):
    texts = [b["props"].get(field) for b in demo.config["components"] for field in FIELDS]
    sentences = {s for text in texts if isinstance(text, str) for s in list_sentences(text)}
    assert len(sentences) > 200
    long = {s for s in sentences if len(list_words(s)) > MOST_WORDS and not s.startswith(LICENCE)}
    assert not long


def test_a_long_sentence_is_found():
    found = list(list_sentences(f"<p>One two.</p><p>{'word ' * 21}</p><blockquote>{'said ' * 30}</blockquote>"))
    assert max(len(list_words(sentence)) for sentence in found) == 21
