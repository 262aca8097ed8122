"""What the view asks for, in words and plain lists: the effect of heads, three maps, the lens, one cell, scores.

    answer_question(model, {"kind": "lens", "request": {"text": ..., "generate": True}, "heads": [[2, 3]], "at": None})

Every answer is a dict that JSON can hold; heads are (row of the pattern, head).
"""

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from a3core.attention.ablation import ANSWER, EVERYWHERE, Heads, Progress, ablate_heads, map_ablations, read_pair
from a3core.attention.capture import read_text
from a3core.attention.encoders import BoundText, EncoderModel
from a3core.attention.measures.direct import attribute_heads, read_cell, read_lens
from a3core.attention.models import AttentionModel

TEXTS = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))  # of all measures


class Question(NamedTuple):
    """What the view asks, of one text."""

    kind: str  # "effect", "maps", "lens", "cell" or "scores"
    text: str
    generate: bool
    heads: Heads
    query: int = 0  # of the cell
    key: int = 0
    answer: str | None = None  # typed; None: what the model writes
    mean: bool = False  # mean instead of zero ablation


def answer_question(model: AttentionModel | EncoderModel, question: Question, progress: Progress = None) -> dict:
    """The answer as plain data. Raises ValueError that says what is wrong with the text or the model."""
    if question.kind not in BUILDERS:
        raise ValueError(f"There is no measure {question.kind[:40]!r}.")
    model = BoundText(model, question.text) if isinstance(model, EncoderModel) else model
    if question.kind == "maps":
        return build_maps(model, question, progress)
    return BUILDERS[question.kind](model, question)


def build_effect(model: AttentionModel, question: Question) -> dict:
    """The answer's probability with the heads on, off everywhere, and off only where it is written."""
    read = read_pair(model, question.text, question.answer)
    switched = (EVERYWHERE, ANSWER)[: 1 + (model.part != "encoder")]  # an encoder is not where its decoder answers
    found = {where: ablate_heads(model, read, question.heads, where, question.mean) for where in switched}
    text, before, after = found[EVERYWHERE]
    note = ""
    if question.answer and text.startswith(" ") and not question.answer.startswith(" "):
        note = f"Typed “{question.answer}”, read with the space before it."
    note += " Off is the mean over the text." if question.mean else ""
    shares = {where: each.after.probability for where, each in found.items()}
    tops = {"before_top": before.top, "after_top": after.top}
    return {"text": text, "before": before.probability, **shares, **tops, "note": note}


def build_maps(model: AttentionModel, question: Question, progress: Progress = None) -> dict:
    """Three maps over the heads, (n_layer, n_head) lists: change of the next token's log-probability twice, its logit.

    The next token is the answer's first. Units are nats, and logits.
    """
    maps, read = [], read_pair(model, question.text, question.answer)
    read = read._replace(answer=read.answer[:1])
    for name, where in (("read", EVERYWHERE), ("answer", ANSWER))[: 1 + (model.part != "encoder")]:
        found = map_ablations(model, read, progress, where, question.mean)
        change = np.log(found.after.clip(1e-30)) - np.log(max(found.before, 1e-30))
        maps.append({**TEXTS["maps"][name], "values": change.round(5).tolist(), "unit": "nats"})
    kind, token = "next" if read.masked is None else "masked", model.join(read.answer)
    of_token = f"Of the {kind} token, “{token}”, in {model.name}: {found.before:.1%} likely with every head on."
    try:
        trace = model.trace(torch.tensor([read.lead]), patterns=False)
        direct = attribute_heads(model, trace, read.position, read.answer[0])
    except ValueError as error:
        return {"maps": maps, "sentence": f"{of_token} {error} {TEXTS['measured']}"}
    sums = f"Heads {direct.heads.sum():+.2f}, the rest of the stream {direct.rest:+.2f}, logit {direct.total:+.2f}."
    values, text = direct.heads.round(5).tolist(), TEXTS["maps"]["direct"]
    maps.append({**text, "blind": f"{text['blind']} {sums}", "values": values, "unit": "logits"})
    return {"maps": maps, "sentence": f"{of_token} {TEXTS['measured']}"}


def build_lens(model: AttentionModel, question: Question) -> dict:
    """A row for each layer: the five likeliest next tokens, and the rank of the one that the model does write."""
    read = read_text(model, question.text, True, question.answer)
    target = read.answer[0] if read.answer else None
    rows = read_lens(model, model.trace(torch.tensor([read.lead]), patterns=False), read.position, target)
    target = rows[-1]["top"][0][0] if target is None else model.split([target])[0]
    sentence = f"{TEXTS['lens']} {model.name}, behind “{model.join(read.lead[: read.position + 1])[-40:]}”."
    return {"rows": rows, "target": target, "sentence": sentence}


def build_cell(model: AttentionModel, question: Question) -> dict:
    """The vectors, scores and weights behind the cell (query, key) of the first chosen head."""
    ids = read_text(model, question.text, question.generate).ids[: model.limit]
    layer, head = question.heads[0]
    attended = model.trace(torch.tensor([ids]), stream=False).attended
    keys = model.split(getattr(model, "key_ids", ids))
    if not (layer < len(attended) and 0 <= question.query < len(ids) and 0 <= question.key < len(keys)):
        raise ValueError("There is no such cell in this pattern.")
    cell = read_cell(attended[layer], head, question.query, question.key)
    row = [
        {"position": i, "score": float(score), "masked": bool(masked), "weight": float(weight)}
        for i, (score, masked, weight) in enumerate(zip(cell["scores"], cell["masked"], cell["weights"], strict=True))
        if not masked or i <= question.query
    ]
    bias, q, k = cell["biases"][question.key], cell["query"], cell["key"]
    sentence = TEXTS["cell"].format(
        layer=attended[layer].layer,
        head=head,
        model=model.name,
        query=model.split(ids)[question.query],
        key=keys[question.key],
        score=float(cell["scores"][question.key]),
        bias=f" with the bias of their distance, {bias:+.3f}," if bias else "",
        weight=float(cell["weights"][question.key]),
    )
    length = float(np.linalg.norm(q))
    cosine = float(q @ k / (length * np.linalg.norm(k) or 1))
    claim = TEXTS["laboratory"].format(n=len(row), H=length / len(q) ** 0.5, cosine=cosine)
    vectors = {"query": q, "key_vector": k, "products": cell["products"]}
    lists = {name: vector.round(4).tolist() for name, vector in vectors.items()}
    return {**lists, "row": row, "sentence": sentence, "laboratory": claim}


def build_scores(model: AttentionModel, question: Question) -> dict:
    """Scores of all heads on this text and over the built-in set, each a list (n_layer, n_head), with its meaning."""
    if model.part == "cross":
        raise ValueError("Heads are scored by how one text attends to itself: between two texts there is no score.")
    here = _score(model, read_text(model, question.text, question.generate).ids[: model.limit], question.text)
    others = []
    for text in TEXTS["built_in"]:
        try:
            others.append(_score(model, read_text(model, text).ids, text))
        except ValueError:  # characters that a model of this project never read
            continue
    scores = []
    for where, found in (("", [here]), (f", over {len(others)} built-in texts", others)):
        for kind in dict.fromkeys(kind for each in found for kind in each):  # the mean over texts that have it
            title, meaning = TEXTS["scores"][kind]
            values = np.mean([each[kind] for each in found if kind in each], axis=0).round(5).tolist()
            scores.append({"title": title + where, "meaning": meaning, "values": values})
    return {"scores": scores}


def _score(model: AttentionModel, ids: list[int], text: str) -> dict:
    """Scores of all heads on the tokens of a text."""
    tokens = model.split(ids)
    pattern = torch.stack([each.pattern for each in model.trace(torch.tensor([ids]), stream=False).attended])
    return score_heads(pattern.float().cpu().numpy(), tokens, find_name(text, tokens))


def score_heads(pattern: np.ndarray, tokens: Sequence[str], name: tuple[int, int] | None = None) -> dict:
    """Score -> (n_layer, n_head), of pattern (n_layer, n_head, T, T); a score that the text cannot give is left out.

    Averages of weights over the queries where they can be read. Induction and duplicate heads: Olsson et al. 2022,
    "In-context learning and induction heads"; Wang et al. 2022, "Interpretability in the wild".
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


BUILDERS = {"effect": build_effect, "maps": build_maps, "lens": build_lens, "cell": build_cell, "scores": build_scores}
