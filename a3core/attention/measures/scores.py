"""What heads are known for, as a number each: previous token, first token, duplicate token, induction, the name.

Averages of attention weights over the queries where they can be read. Induction and duplicate heads: Olsson et al.
2022, "In-context learning and induction heads"; Wang et al. 2022, "Interpretability in the wild".
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

TEXTS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))  # of all measures
BUILT_IN = tuple(TEXTS["built_in"])


def average_scores(found: Sequence[dict]) -> dict:
    """Score -> (n_layer, n_head): of a dict of `score_heads` for each text, the mean over those that have it."""
    kinds = dict.fromkeys(kind for each in found for kind in each)
    return {kind: np.mean([each[kind] for each in found if kind in each], axis=0) for kind in kinds}


def score_heads(pattern: np.ndarray, tokens: Sequence[str], name: tuple[int, int] | None = None) -> dict:
    """Score -> (n_layer, n_head), of pattern (n_layer, n_head, T, T); a score that the text cannot give is left out.

    name: the range of token positions that is the name.
    """
    T = len(tokens)
    same = np.array([[tokens[q] == tokens[k] and k < q for k in range(T)] for q in range(T)])  # (T, T)
    behind = np.zeros_like(same)
    behind[:, 1:] = same[:, :-1]  # the key behind an earlier copy of the query
    behind &= np.tri(T, k=-1, dtype=bool)  # that is before the query itself
    chosen = {
        "previous": np.eye(T, k=-1, dtype=bool),
        "first": np.arange(T)[:, None] * np.eye(1, T) > 0,
        "duplicate": same,
        "induction": behind,
    }
    if name and name[0] < name[1] < T:
        chosen["name"] = (np.arange(T)[:, None] >= name[1]) & (np.arange(T) >= name[0]) & (np.arange(T) < name[1])
    found = {}
    for kind, keys in chosen.items():  # summed over each query's chosen keys, averaged over the queries that have some
        if (queries := keys.any(axis=-1)).any():
            weights = pattern[:, :, queries].astype(np.float64)
            found[kind] = np.einsum("lhqk,qk->lh", weights, keys[queries]) / queries.sum()
    return found


def find_name(text: str, pieces: Sequence[str]) -> tuple[int, int] | None:
    """The token range of the longest run of capitalised words that is not the text's first word; None without one.

    Tokens that do not make the text have none either.
    """
    runs = [match for match in re.finditer(r"[A-Z][\w.'-]*(?: [A-Z][\w.'-]*)*", text) if match.start()]
    if not runs:
        return None
    best = max(runs, key=lambda match: len(match[0]))
    ends = np.cumsum([len(piece) for piece in pieces])
    if (shift := "".join(pieces).find(text)) < 0:  # a start token may precede the text
        return None
    inside = [
        i for i, end in enumerate(ends) if end > best.start() + shift and end - len(pieces[i]) < best.end() + shift
    ]
    return (inside[0], inside[-1] + 1) if inside else None
