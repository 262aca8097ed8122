"""Counts that can be opened: k of n with Wilson's 95 % interval, and the ids of the responses behind both numbers.

    >>> describe_share(build_share(ids=("4", "7", "9"), rest_ids=("5",)))
    '3 of 4 (75 %, 95 % interval 30 % to 95 %)'

Tables are pandas DataFrames of plain Python objects: what is not known stays None (never NaN), text stays as it was
given, and a column `ids` (where two groups of responses matter, also `rest_ids`) opens a row.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from a3core.common.stats import wilson_interval

if TYPE_CHECKING:
    from pandas import DataFrame

Ids = tuple[str, ...]


class Share(NamedTuple):
    """k of n; share, low and high are None where n is 0. `ids` are the responses behind k, `rest_ids` the others."""

    k: int
    n: int
    share: float | None  # k / n, in [0, 1]
    low: float | None  # Wilson's 95 % interval of independent responses
    high: float | None
    ids: Ids = ()
    rest_ids: Ids = ()


def build_share(ids: Iterable[str], rest_ids: Iterable[str]) -> Share:
    """The share of `ids` among all responses given: every response counts once."""
    ids, rest_ids = tuple(ids), tuple(rest_ids)
    return build_count(len(ids), len(ids) + len(rest_ids), ids, rest_ids)


def build_count(k: int, n: int, ids: Ids = (), rest_ids: Ids = ()) -> Share:
    """k of n things that are not responses themselves (questions), with the responses they consist of."""
    if not n:
        return Share(0, 0, None, None, None, ids, rest_ids)
    return Share(k, n, k / n, *_cached_interval(k, n), ids, rest_ids)


@lru_cache(maxsize=4096)  # a table has the same counts many times, and scipy takes a millisecond for each
def _cached_interval(k: int, n: int) -> tuple[float, float]:
    return wilson_interval(k, n)


def describe_share(share: Share) -> str:
    """The share in words, for a sentence."""
    if share.share is None:
        return "0 of 0"
    low, high = format_percent(share.low, share.n), format_percent(share.high, share.n)
    return f"{share.k} of {share.n} ({format_percent(share.share, share.n)}, 95 % interval {low} to {high})"


def format_percent(share: float, n: int) -> str:
    """With a decimal from 100 on: fewer do not bear it."""
    return f"{share:.1%}".replace("%", " %") if n >= 100 else f"{share:.0%}".replace("%", " %")


def build_frame(rows: Iterable[Mapping[str, Any]], columns: Iterable[str]) -> DataFrame:
    """A table of plain objects; pandas' own text type would refuse half a character, and turn None into NaN."""
    from pandas import DataFrame

    return DataFrame([dict(row) for row in rows], columns=list(columns), dtype=object)


def write_json(result: Any, ids: bool = True) -> str:
    """Results as strict JSON by field names, ASCII only; without `ids` the numbers stay and the lists of ids go."""
    return json.dumps(_to_plain(result, ids), allow_nan=False)


def _to_plain(value: Any, ids: bool) -> Any:
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, Mapping):
        return {str(key): _to_plain(entry, ids) for key, entry in value.items() if ids or not _holds_ids(key)}
    return [_to_plain(entry, ids) for entry in value] if isinstance(value, (tuple, list)) else value


def _holds_ids(key: str) -> bool:
    return key == "ids" or str(key).endswith("_ids")
