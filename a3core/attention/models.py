"""Models whose attention can be looked at: one face for a GPT of this project and a Hugging Face causal LM.

    model = GPTModel("pretrained-finetuned", predictor)
    model = HuggingFaceModel(load_language_model(dtype="float32"))

Nothing here changes a model that others use at the same time: hooks and the eager attention live on a twin, which has
modules of its own and shares the weights. Axes: B batch, T positions, V vocabulary, nh heads.
"""

from __future__ import annotations

import copy
import inspect
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

LIMIT = 512  # tokens, whatever the model could read
NEW_TOKENS = 32  # of an answer, at most: the longest of the course
COMPARED = 32  # positions at the end on which eager and fast attention are compared
AGREE = {torch.float32: 1e-3, torch.bfloat16: 5e-2, torch.float16: 1e-2}  # relative to the largest logit
ATTENTION_NAMES = ("attn", "self_attn", "attention", "self_attention")
PROJECTION_NAMES = ("o_proj", "c_proj", "out_proj", "dense", "proj")


def build_twin(network: nn.Module) -> nn.Module:
    """The same network with modules and a config of its own; the weights are shared, not copied."""
    shared = {id(tensor): tensor for tensor in chain(network.parameters(), network.buffers())}
    return copy.deepcopy(network, shared)


def find_projections(network: nn.Module) -> list[nn.Module]:
    """Each layer's output projection, whose input is the heads side by side. By name: o_proj, c_proj, out_proj, ..."""
    paths = ((name.rpartition("."), module) for name, module in network.named_modules())
    return [
        module
        for (parent, _, leaf), module in paths
        if leaf in PROJECTION_NAMES and parent.rpartition(".")[2] in ATTENTION_NAMES
    ]


class GPTModel:
    """A GPT of this project: a token is a character or a piece of a word; every layer has its softmax as a module.

    predictor: a `Predictor` of the birthplace room, which writes what is shown.
    """

    def __init__(self, name: str, predictor: Any):
        self.name, self.predictor, self.network = name, predictor, predictor.model
        self.vocabulary = self.network.vocabulary
        self.mask = self.vocabulary.decode([self.vocabulary.mask_id])
        self.n_layer, self.n_head = len(self.network.blocks), self.network.n_head
        self.limit = min(LIMIT, self.network.block_size)

    def encode(self, text: str) -> list[int]:
        """Raises ValueError for a character that the model never read; `___` is a way to type the mask."""
        return self.vocabulary.encode(text.replace("___", self.mask))

    def split(self, ids: list[int]) -> list[str]:
        return self.vocabulary.pieces(ids)

    def join(self, ids: list[int]) -> str:
        """The text of all tokens together: one alone may be only a part of a character."""
        return self.vocabulary.decode(ids)

    def continue_text(self, text: str, answer: str | None = None) -> tuple[list[int], list[int], list[int]]:
        """(the text as it is read, the sentence that is recalled behind it, the answer) in tokens.

        They are what the predictor writes; a given answer takes the place of its own.
        """
        return self.predictor.continue_text(text.replace("___", self.mask), self.limit, answer)

    def logits(self, network: nn.Module, idx: Tensor, last: int) -> Tensor:
        """Logits (B, last, V) at the last positions of idx (B, T)."""
        return network(idx)[:, -last:]

    @torch.inference_mode()
    def read_patterns(self, idx: Tensor) -> list[Tensor]:
        """For each layer its pattern (nh, T, T) over idx (1, T)."""
        twin, patterns = build_twin(self.network), []
        for block in twin.blocks:
            block.attn.softmax.register_forward_hook(lambda module, args, pattern: patterns.append(pattern[0]))
        twin(idx)
        return patterns


class HuggingFaceModel:
    """A causal language model of transformers: `model` is an `a3core.llm.local.LanguageModel`.

    Raises ValueError if its config names no layers or heads. Patterns come from a twin with eager attention: the fused
    attention that models use otherwise returns none.
    """

    def __init__(self, model: Any):
        self.model, self.name, self.network, self.tokenizer = model, model.name, model.network, model.tokenizer
        self.n_layer = getattr(model.config, "num_hidden_layers", None)
        self.n_head = getattr(model.config, "num_attention_heads", None)
        if not isinstance(self.n_layer, int) or not isinstance(self.n_head, int):
            raise ValueError(f"{self.name} has no attention weights: its config names no layers of attention heads.")
        self.limit = min(LIMIT, model.window or LIMIT)

    def encode(self, text: str) -> list[int]:
        return self.model.encode(text)

    def split(self, ids: list[int]) -> list[str]:
        return [self._show_token(i, self.tokenizer.convert_ids_to_tokens(i)) for i in ids]

    def _show_token(self, i: int, token: str) -> str:
        """The piece of text that a token stands for; its own name where it is only a part of a character."""
        text = token.replace("▁", " ") if "▁" in token else self.tokenizer.decode([i])
        return token if not text or "\ufffd" in text else text

    def join(self, ids: list[int]) -> str:
        return "".join(self.split(ids))

    def continue_text(self, text: str, answer: str | None = None) -> tuple[list[int], list[int], list[int]]:
        """(the text, nothing, the answer) in tokens; without an answer, it is what the model writes.

        A given one is encoded with the text, since a token may reach over the border, then cut where the text alone
        differs.
        """
        prompt = self.encode(text)
        if not answer:
            return prompt, [], self.generate(prompt)
        both = self.encode(text + answer)
        same = next((i for i, (a, b) in enumerate(zip(both, prompt, strict=False)) if a != b), len(prompt))
        if not 0 < same < len(both):
            raise ValueError(f"The text leaves no token to predict {answer[:40]!r} from.")
        return both[:same], [], both[same:]

    @torch.inference_mode()
    def generate(self, ids: list[int]) -> list[int]:
        """Greedy continuation to the end of its first line, or to the limit."""
        if (most := min(NEW_TOKENS, self.limit - len(ids))) <= 0:
            return []
        idx = torch.tensor([ids], device=self.network.device)
        out = self.network.generate(idx, attention_mask=torch.ones_like(idx), max_new_tokens=most, do_sample=False)
        written = out[0, len(ids) :].tolist()
        pieces = self.split(written)
        end = next((i for i, piece in enumerate(pieces) if i and "\n" in piece), len(written))
        return written[:end]

    def logits(self, network: nn.Module, idx: Tensor, last: int) -> Tensor:
        """Logits (B, last, V) at the last positions of idx (B, T)."""
        return self._run(network, idx, last).logits[:, -last:].float()

    def _run(self, network: nn.Module, idx: Tensor, last: int, **options):
        if "logits_to_keep" in inspect.signature(network.forward).parameters:
            options["logits_to_keep"] = last  # all of them would be gigabytes with a vocabulary of 262,144
        return network(idx.to(network.device), use_cache=False, **options)

    @torch.inference_mode()
    def read_patterns(self, idx: Tensor) -> list[Tensor]:
        """For each layer its pattern (nh, T, T) over idx (1, T).

        Raises ValueError if there are none, or if eager attention predicts something else than the model does.
        """
        eager, last = build_twin(self.network), min(COMPARED, idx.size(1))
        eager.set_attn_implementation("eager")
        out = self._run(eager, idx, last, output_attentions=True)
        self._check_same(out.logits[:, -last:].float(), self.logits(self.network, idx, last))
        return [pattern[0].float() for pattern in getattr(out, "attentions", None) or () if pattern is not None]

    def _check_same(self, eager: Tensor, fast: Tensor) -> None:
        difference, scale = (eager - fast).abs().max().item(), max(1.0, fast.abs().max().item())
        if not difference <= AGREE.get(self.network.dtype, 1e-3) * scale:
            raise ValueError(
                f"Eager attention gives {self.name} other logits (they differ by {difference:.3g}): "
                "its patterns would not be those of the model."
            )
