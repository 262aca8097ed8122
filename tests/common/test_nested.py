"""Paths into nested rows: what they read, how they spread, and what is stored beside."""

from __future__ import annotations

import pytest

from a3core.common.nested import list_extra, list_paths, read_path, spread

ROW = {
    "doc": {"question": "2 + 3?", "topic": "sums", "parts": ["a", "b"]},
    "resps": [["5", "six"], ["7"]],
    "messages": [{"content": "hi"}, {"content": "ho"}],
    "Input.question": "whole",
    "a + b": "whole, too",
    "text": '{"inner": [1, {"deep": "JSON"}]}',
    "none": None,
    "long": [0] * 10_001,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("doc.question", "2 + 3?"),
        ("resps[0][1]", "six"),
        ("messages[-1].content", "ho"),
        ("doc.question + messages[0].content", "2 + 3?\nhi"),
        ("doc.question + none", "2 + 3?"),
        ("Input.question", "whole"),
        ("Input.question + doc.topic", "whole\nsums"),
        ("a + b", "whole, too"),
        ("text.inner[1].deep", "JSON"),
        ("resps[2]", None),
        ("resps[-3]", None),
        ("doc.question.deeper", None),
        ("nowhere", None),
        ("none.x", None),
    ],
)
def test_what_is_read(path, value):
    assert read_path(ROW, path) == value


@pytest.mark.parametrize("path", ["doc[x]", "[", "doc..question", "doc]", ""])
def test_what_is_no_path(path):
    with pytest.raises(ValueError, match="is no path such as"):
        read_path(ROW, path)


def test_lists_are_spread_together_and_within_each_other():
    both = spread(ROW, {"a": "messages[*].content", "b": "resps[*][0]", "c": "doc.question"})
    assert both == [{"a": f"messages[{i}].content", "b": f"resps[{i}][0]", "c": "doc.question"} for i in range(2)]
    nested = spread(ROW, {"a": "resps[*][*]"})
    assert [one["a"] for one in nested] == ["resps[0][0]", "resps[0][1]", "resps[1][0]"]
    assert spread(ROW, {"a": "doc.question"}) == [{"a": "doc.question"}]
    leading = spread(ROW, {"a": "messages[*].content", "b": "resps[*][*]"}, {"a"})
    assert [one["b"] for one in leading] == ["resps[0][*]", "resps[1][*]"]
    assert spread(ROW, {"a": "nowhere[*]"}) == []


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ({"a": "resps[*][0]", "b": "text.inner[*]", "c": "doc.parts[*] + none[*]"}, "differ in length"),
        ({"a": "doc.question[*]"}, "doc.question is no list"),
        ({"a": "long[*]"}, "long has 10,001 entries, at most 10,000 are read"),
    ],
)
def test_lists_that_do_not_belong_together(paths, message):
    with pytest.raises(ValueError, match=message):
        spread(ROW, paths)


def test_what_is_not_used_is_stored_as_text_unless_it_is_too_long():
    row = {
        "doc": {"question": "Q?", "level": 3, "tags": ["x"]},
        "n": 1.5,
        "none": None,
        "blank": " ",
        "log": "x" * 2_001,
    }
    extra, dropped = list_extra(row, ["doc.question"])
    assert extra == {"doc.level": "3", "doc.tags": '["x"]', "n": "1.5"} and dropped == ["log"]
    assert list_extra(row, ["doc", "n", "log"]) == ({}, [])


def test_paths_that_can_be_chosen():
    paths = list_paths([ROW])
    assert paths[:3] == ["doc", "resps", "messages"]
    assert {"doc.question", "resps[*][*]", "messages[*].content", "Input.question", "text.inner[*]"} <= {*paths}
    assert len(list_paths([{str(i): {str(j): 1 for j in range(40)} for i in range(40)}])) == 300
