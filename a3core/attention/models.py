"""Models whose attention is read: one class above a GPT of this project and a Hugging Face causal LM.

    model = GPTModel("pretrained-finetuned", predictor)
    model = HuggingFaceModel(load_language_model(dtype="float32"))

Nothing here changes a model that others use at the same time: hooks live on a twin of `eager`.
Axes: B batch, T positions, V vocabulary, nh heads.
"""

from __future__ import annotations

import copy
import inspect
import re
from contextlib import nullcontext
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from a3core.attention.eager import build_twin, run_recorded
from a3core.attention.recording import Attended, Trace, find_projections, record_stream

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from a3core.llm.local import LanguageModel

LIMIT = 512  # tokens, whatever the model could read
NEW_TOKENS = 32  # of an answer, at most: the longest of the course
LONGEST = 8  # tokens that may make one character together: an emoji has four bytes, each could be a token
COMPARED = 32  # positions at the end on which eager and fast attention are compared


class Continued(NamedTuple):
    """A text in tokens: what is read, the sentence that is recalled behind it, and the answer."""

    prompt: list[int]
    sentence: list[int]
    answer: list[int]
    masked: int | None = None  # the position of the prompt that an encoder predicts the answer at

    @property
    def position(self) -> int:
        """Where the answer's first token is read from."""
        return len(self.lead) - 1 if self.masked is None else self.masked

    @property
    def lead(self) -> list[int]:
        """All that the answer's first token is predicted from."""
        return self.prompt + self.sentence

    @property
    def ids(self) -> list[int]:
        """All of it."""
        return self.lead + self.answer


class AttentionModel:
    """What attention needs of a model, and what models of transformers have in common, with their `tokenizer`.

    Attributes: name; network, a module that others use, too; n_layer, of all layers; n_head; limit, in tokens; layers,
    those that are read, of `choose_layers`, None for all; part, "encoder", "decoder" or "cross" of an encoder-decoder.

    Each kind has four more methods, which raise ValueError that says what is wrong with the text:
    encode(text): its token ids.
    continue_text(text, answer=None): what the model writes behind a text, or a given answer in its place: `Continued`.
    logits(network, idx, last): logits (B, last, V) of a twin of its network at the last positions of idx (B, T).
    trace(idx, patterns=True, stream=True): what it computes on idx (1, T), a `Trace`; without `stream` the
    patterns alone, and the other way round.
    """

    part, layers = "", None
    broadcasts = False  # whether a row may become several within the network

    def split(self, ids: list[int]) -> list[str]:
        """The piece of text that each token is; where several make one character, the others have ""."""
        return join_bytes(self.tokenizer, ids)

    def join(self, ids: list[int]) -> str:
        """The text of all tokens together: one alone may be only a part of a character."""
        return "".join(self.split(ids))

    def unembedding(self) -> tuple[Tensor, Tensor | None]:
        """The matrix (V, C) that turns normalised features into logits, and its bias (V,)."""
        head = self.network.get_output_embeddings()
        return head.weight, getattr(head, "bias", None)


class GPTModel(AttentionModel):
    """A GPT of this project: a token is a character or a piece of a word; every layer has its softmax as a module.

    predictor: of the birthplace room, with the `model` and `continue_text(text, limit, answer)`.
    """

    broadcasts = True

    def __init__(self, name: str, predictor):
        self.name, self.predictor, self.network = name, predictor, predictor.model
        self.vocabulary = self.network.vocabulary
        self.mask = self.vocabulary.decode([self.vocabulary.mask_id])
        self.n_layer, self.n_head = len(self.network.blocks), self.network.n_head
        self.limit = min(LIMIT, self.network.block_size)

    def encode(self, text: str) -> list[int]:
        """Raises ValueError for a character that the model never read; `___` is another spelling of the mask."""
        return self.vocabulary.encode(text.replace("___", self.mask))

    def split(self, ids: list[int]) -> list[str]:
        """The piece of text that each token is."""
        return self.vocabulary.pieces(ids)

    def join(self, ids: list[int]) -> str:
        """The text of all tokens together."""
        return self.vocabulary.decode(ids)

    def continue_text(self, text: str, answer: str | None = None) -> Continued:
        """What the predictor writes behind the text; a given answer takes the place of its own."""
        read = self.predictor.continue_text(text.replace("___", self.mask), self.limit, answer)
        return Continued(read.prompt, read.sentence, read.answer)

    def logits(self, network: nn.Module, idx: Tensor, last: int) -> Tensor:
        """Logits (B, last, V) at the last positions of idx (B, T)."""
        return network(idx)[:, -last:]

    def unembedding(self) -> tuple[Tensor, Tensor | None]:
        """The head's matrix (V, C), or the embedding's where they are tied; it has no bias."""
        return (self.network.head or self.network.embed).weight, None

    @torch.inference_mode()
    def trace(self, idx: Tensor, patterns: bool = True, stream: bool = True) -> Trace:
        """What it computes on idx (1, T)."""
        twin = build_twin(self.network)
        trace = Trace(network=twin, layers=self.layers)
        for layer in self.layers or range(self.n_layer):
            _record_block(twin.blocks[layer].attn, layer, trace)
        with record_stream(twin, trace) if stream else nullcontext():
            trace.logits = twin(idx)[0]
        return trace


def _record_block(attn: nn.Module, layer: int, trace: Trace) -> None:
    """Reads queries, keys and values where a block of the GPT splits them, and the pattern behind its softmax."""
    split, parts = attn.split_heads, []

    def split_heads(x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        parts[:] = split(x, cos, sin)
        return tuple(parts)

    def read(module: nn.Module, args: tuple, pattern: Tensor) -> None:
        q, k, v = (part[0] for part in parts)  # (nh, T, hs)
        scale = q.size(-1) ** -0.5
        mask = torch.zeros_like(pattern[0, 0]).masked_fill(args[0][0, 0].isinf(), float("-inf"))  # (T, T)
        if trace.logits is None:  # this run, no later one of the same twin
            trace.attended.append(Attended(layer, pattern[0], q, k, v, mask, scale))

    attn.split_heads = split_heads
    attn.softmax.register_forward_hook(read)


def join_bytes(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[str]:
    """The text of each token; where several make one character, the first has all of it and the others have "".

    >>> join_bytes(tokenizer, tokenizer("naïve 日本").input_ids)           # GPT-2
    ['na', 'ï', '', 've', ' ', ...]

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


class HuggingFaceModel(AttentionModel):
    """A causal language model of transformers. Patterns come from a twin with eager attention, recorded as it runs.

    Raises ValueError if its config names no layers or heads.
    """

    def __init__(self, model: LanguageModel):
        self.model, self.name, self.network, self.tokenizer = model, model.name, model.network, model.tokenizer
        self.n_layer = getattr(model.config, "num_hidden_layers", None)
        self.n_head = getattr(model.config, "num_attention_heads", None)
        if not isinstance(self.n_layer, int) or not isinstance(self.n_head, int):
            raise ValueError(f"{self.name} has no attention weights: its config names no layers of attention heads.")
        window = model.window or LIMIT
        self.limit = min(LIMIT, window if window > 0 else LIMIT)  # XLNet has a window of -1: none

    def encode(self, text: str) -> list[int]:
        """Token ids, with the start token where the model wants one."""
        return self.model.encode(text)

    def continue_text(self, text: str, answer: str | None = None) -> Continued:
        """What the model writes behind the text; a given answer gets the space that a model writes before a word.

        It is encoded with the text, since a token may reach over the border, then cut where the text alone differs.
        """
        prompt = self.encode(text)
        if not answer:
            return Continued(prompt, [], self.generate(prompt))
        joined = answer if answer[0].isspace() or text[-1:].isspace() or not text else f" {answer}"
        both = self.encode(text + joined)
        same = next((i for i, (a, b) in enumerate(zip(both, prompt, strict=False)) if a != b), len(prompt))
        if not 0 < same < len(both):
            raise ValueError(f"The text leaves no token to predict {answer[:40]!r} from.")
        return Continued(both[:same], [], both[same:])

    @torch.inference_mode()
    def generate(self, ids: list[int]) -> list[int]:
        """Greedy continuation to the end of its first line, or to the limit."""
        if (most := min(NEW_TOKENS, self.limit - len(ids))) <= 0:
            return []
        idx = torch.tensor([ids], device=self.network.device)
        out = self.network.generate(idx, attention_mask=torch.ones_like(idx), max_new_tokens=most, do_sample=False)
        written = out[0, len(ids) :].tolist()
        end = next((i for i, piece in enumerate(self.split(written)) if i and "\n" in piece), len(written))
        return written[:end]

    def logits(self, network: nn.Module, idx: Tensor, last: int) -> Tensor:
        """Logits (B, last, V) at the last positions of idx (B, T)."""
        return self._run(network, idx, last).logits[:, -last:].float()

    def _run(self, network: nn.Module, idx: Tensor, last: int, **options):
        if "logits_to_keep" in inspect.signature(network.forward).parameters:
            options["logits_to_keep"] = last  # all of them would be gigabytes with a vocabulary of 262,144
        return network(idx.to(network.device), use_cache=False, **options)

    @torch.inference_mode()
    def trace(self, idx: Tensor, patterns: bool = True, stream: bool = True) -> Trace:
        """What it computes on idx (1, T), in float32 where the model is in half precision.

        Raises ValueError if eager attention predicts something else than the model does.
        """
        last = min(COMPARED, idx.size(1))
        run = lambda network, **options: self._run(network, idx, last, **options)  # noqa: E731
        trace, out = run_recorded(self, run, patterns, stream, last)
        trace.logits = out.logits[0, -last:].float()
        if patterns and not trace.attended:
            trace.attended = [
                Attended(layer, pattern[0].float())
                for layer, pattern in enumerate(getattr(out, "attentions", None) or ())
                if pattern is not None and (self.layers is None or layer in self.layers)
            ]
        return trace


def choose_layers(model: AttentionModel, typed: str | None) -> AttentionModel:
    """The same model, of which only the layers "4-7" or "4" are read, where memory is short; "" or "all" for all.

    Rows of its patterns and maps are those layers. Raises ValueError for something else, or a model without them.
    """
    typed = (typed or "").strip()
    if typed.lower() in ("", "all"):
        return model
    match = re.fullmatch(r"L?(\d{1,4})(?:\s*[-–]\s*L?(\d{1,4}))?", typed, re.IGNORECASE)
    if match is None:
        raise ValueError(f"{typed[:40]!r} are no layers: write 4-7 for layers 4 to 7, or 4 for one.")
    if not hasattr(model, "trace") or len(find_projections(model.network)) != model.n_layer:
        raise ValueError(f"Layers cannot be chosen in {model.name}: shorten the text instead, or leave the box empty.")
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last < model.n_layer:
        raise ValueError(f"{model.name} has layers 0 to {model.n_layer - 1}, not {typed[:40]}.")
    chosen = copy.copy(model)
    chosen.layers = range(first, last + 1)
    return chosen
