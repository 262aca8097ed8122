"""Language models: the one place that loads and runs a Hugging Face causal LM, or talks to an endpoint.

    model = load_language_model()                                  Gemma 3 270M, packaged, offline
    model = load_language_model("HuggingFaceTB/SmolLM2-135M")      a hub id; a local folder works too
    model = load_language_model("http://localhost:8000/v1")        any OpenAI-compatible server

    [[answer]] = model.generate(["Question: Who wrote Hamlet?\\nAnswer:"])
    for text in model.stream("Once upon a time", Decoding(max_new_tokens=64, stop=None)): ...
    [score] = model.log_probability(["The capital of France is"], [" Paris"])

Importing this is cheap: torch and transformers are imported by the first model that is loaded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from a3core.common.device import choose_device, has_bf16
from a3core.llm import zero_gpu
from a3core.llm.decoding import Decoding, DrawToken, check_cancel, cut_at_stop, hold_back, iterate_in_thread
from a3core.llm.endpoint import EndpointModel, is_url
from a3core.llm.gemma import GEMMA_TERMS, MODEL_NAME, Progress, load_packaged_folder, load_tokenizer
from a3core.llm.offered import check_model

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

# weights come from safetensors only, and no code from a model's folder is run
SAFE = {"local_files_only": True, "trust_remote_code": False}
SAFE_WEIGHTS = {"use_safetensors": True, "output_loading_info": True, **SAFE}
NETWORK_SECONDS = 10  # to wait for the hub

Report = Callable[[int, int], None]  # (done, total)


def load_language_model(
    name: str | None = None, *, dtype: str | None = None, progress: Progress | None = None
) -> LanguageModel | EndpointModel:
    """The model called `name`: a hub id, a folder or an endpoint's address.

    Without a name it is the one in the variable A3_LANGUAGE_MODEL, else the packaged Gemma 3 270M, which is unpacked
    into the cache on first use, with reports to `progress(share, what)`.
    `dtype` is "float32" or "bfloat16" (default: bfloat16 where the hardware computes in it).
    Raises ValueError when there is no such model, it cannot be reached, or a Space does not offer it.
    """
    name = check_model(name)
    if is_url(name):
        return EndpointModel(name)
    packaged = name == MODEL_NAME
    if progress is not None and not packaged:
        progress(0.0, f"loading {name}, which is downloaded once")
    folder = load_packaged_folder(progress) if packaged else find_folder(name)
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # of the weights, which takes a tenth of a second
    device = choose_device()
    dtype = dtype or ("bfloat16" if has_bf16(device) else "float32")
    with explain_loading(f"{name} is no causal language model that can be loaded here"):
        tokenizer = load_tokenizer(folder) if packaged else AutoTokenizer.from_pretrained(folder, **SAFE)
        network, info = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, **SAFE_WEIGHTS)
    check_weights(name, info["missing_keys"])
    return LanguageModel(name, network.to(device).eval(), tokenizer, terms=GEMMA_TERMS if packaged else None)


def find_folder(name: str) -> Path:
    """The local folder `name`, else the downloaded snapshot of the hub's model of that id."""
    path = Path(os.path.expanduser(name))  # leaves "~" of an unknown user as it is; Path.expanduser raises
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise ValueError(f"The folder {name} holds no model: it has no config.json.")
        return path
    from huggingface_hub import errors, model_info, snapshot_download

    wanted = {"allow_patterns": ["*.json", "*.safetensors", "*.model", "*.txt"], "ignore_patterns": ["*/*"]}
    try:
        model_info(name, timeout=NETWORK_SECONDS)
        return Path(snapshot_download(name, etag_timeout=NETWORK_SECONDS, **wanted))
    except errors.HFValidationError:
        raise ValueError(f"{name!r} is neither a folder here nor a model id such as google/gemma-3-270m.") from None
    except errors.GatedRepoError:
        raise ValueError(f"{name} asks for a licence to be accepted on huggingface.co, and for HF_TOKEN.") from None
    except errors.RepositoryNotFoundError:
        raise ValueError(f"The hub has no model {name}, or it is private and HF_TOKEN does not open it.") from None
    except Exception as error:  # no network, in its many forms: what was downloaded before still works
        try:
            return Path(snapshot_download(name, local_files_only=True, **wanted))
        except Exception:
            message = f"{name} is neither a folder here nor downloaded, and the hub cannot be reached"
            raise ValueError(f"{message} ({type(error).__name__}).") from error


@contextmanager
def explain_loading(subject: str, hint: str = "") -> Iterator[None]:
    """Raises ValueError for whatever transformers and the hub raise: most kinds, some with pages of text."""
    try:
        yield
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise ValueError(f"{subject}: {reason}{hint}") from error


def check_weights(name: str, missing: Iterable[str]) -> None:
    """Raises ValueError for weights that are not there: transformers would leave them random, with a warning."""
    if missing := sorted(missing):
        raise ValueError(f"{name} lacks weights: {', '.join(missing[:3])}")


class LanguageModel:
    """A causal language model on this machine.

    `network` is the transformers model and `tokenizer` its tokenizer, for those who read inside (attention patterns:
    `network.set_attn_implementation("eager")`). `window` is the longest prompt plus continuation in tokens, `terms`
    the notice that must appear with the model.
    """

    tells_log_probability = True

    def __init__(
        self, name: str, network: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, terms: str | None = None
    ):
        from transformers import GenerationConfig

        from a3core.llm.prefix_cache import compute_each_row

        self.reproducible = compute_each_row(network)  # whether a text is the same in any batch
        self.name, self.network, self.tokenizer, self.terms = name, network, tokenizer, terms
        self.config = network.config.get_text_config(decoder=True)
        self.window: int | None = getattr(self.config, "max_position_embeddings", None)
        self._run: tuple[tuple | None, DynamicCache | None] = None, None  # the last prompts, and what they left
        old = network.generation_config
        eos = old.eos_token_id if old.eos_token_id is not None else tokenizer.eos_token_id
        first_eos = eos[0] if isinstance(eos, list) else eos
        self.pad_id: int = next((i for i in (old.pad_token_id, tokenizer.pad_token_id, first_eos) if i is not None), 0)
        # a model's own habits (sampling, penalties) would silently mix with the fields of a Decoding
        network.generation_config = GenerationConfig(eos_token_id=eos, pad_token_id=self.pad_id)

    def __repr__(self) -> str:
        return f"LanguageModel({self.name!r}, {self.network.dtype}, {self.network.device})"

    @property
    def dtype(self) -> str:
        """What it computes in: float32 or bfloat16."""
        return str(self.network.dtype).removeprefix("torch.")

    # Text and tokens

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, with the start token where the model wants one. Raises ValueError if there are none."""
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ValueError("The text holds half a character (a lone surrogate), which no encoding can write.")
        if not (ids := self.tokenizer(text, verbose=False).input_ids):
            raise ValueError("The prompt is empty.")
        return ids

    def count_tokens(self, text: str) -> int:
        """Tokens of the window that `text` takes as a prompt."""
        return len(self.encode(text)) if text else 0

    def _encode_prompt(self, prompt: str, new_tokens: int) -> list[int]:
        ids = self.encode(prompt)
        if self.window is not None and len(ids) + new_tokens > self.window:
            tokens = f"The prompt has {len(ids):,} tokens; with {new_tokens} new ones"
            raise ValueError(f"{tokens} that is more than {self.name}'s window of {self.window:,}.")
        return ids

    def _decode(self, ids: Tensor) -> list[str]:
        return self.tokenizer.batch_decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    # Generation

    def generate(
        self,
        prompts: Sequence[str],
        decoding: Decoding | None = None,
        *,
        batch_size: int = 16,
        cancel: Event | None = None,
    ) -> list[list[str]]:
        """For each prompt its `decoding.n` continuations, without the prompt and cut before the stop string.

        Raises ValueError for a prompt over the window and Cancelled, within a token, once `cancel` is set.
        """
        decoding, rows = decoding or Decoding(), []
        for prompt in prompts:
            ids = self._encode_prompt(prompt, decoding.max_new_tokens)
            rows += [(ids, f"{decoding.seed}/{i}/{prompt}") for i in range(decoding.n)]

        def run(part: list[tuple[list[int], str]]) -> list[str]:
            return zero_gpu.generate(self, load_language_model, part, decoding, lambda text: check_cancel(cancel))

        texts = map_by_length(run, rows, [len(ids) for ids, _ in rows], batch_size)
        return [texts[i : i + decoding.n] for i in range(0, len(rows), decoding.n)]

    def stream(self, prompt: str, decoding: Decoding | None = None, *, cancel: Event | None = None) -> Iterator[str]:
        """The continuation so far, again and again as it grows (once for beam search); the last is `generate`'s.

        Closing the generator ends the generation; `cancel` ends it with Cancelled. Raises ValueError as `generate`.
        """
        decoding = (decoding or Decoding()).for_stream()
        row = self._encode_prompt(prompt, decoding.max_new_tokens), f"{decoding.seed}/0/{prompt}"

        def produce(emit: Callable[[str | None], None]) -> None:
            growing = decoding.beams == 1  # while beam search runs, its best hypothesis may still change altogether
            on_step = lambda text: emit(text if growing else None)  # noqa: E731
            emit(zero_gpu.generate(self, load_language_model, [row], decoding, on_step)[0])

        return iterate_in_thread(produce, lambda: cancel is not None and cancel.is_set())

    def generate_rows(
        self, rows: list[tuple[list[int], str]], decoding: Decoding, on_step: Callable[[str], None]
    ) -> list[str]:
        """One call of transformers' `generate`, here; a row is its token ids and the seed of its draws.

        `on_step` gets the first row's text after each token, and ends the call by an exception.
        """
        import torch

        from a3core.llm.prefix_cache import build_cache, copy_cache, pad_rows, shared_length

        prompts, n_rows = [ids for ids, _ in rows], len(rows) * decoding.beams
        shared = shared_length(self.config, prompts, [len(p) + decoding.max_new_tokens for p in prompts], n_rows)
        ids, mask = (tensor.to(self.network.device) for tensor in pad_rows(prompts, shared, self.pad_id))  # (B, T)
        draw = DrawToken([seed for _, seed in rows], decoding.temperature, decoding.top_p)
        stop = decoding.stop

        def watch(input_ids: Tensor, scores: Tensor, **options) -> Tensor:
            """After every token: which rows of `input_ids` (B, T) hold `stop`, bool (B,)."""
            texts = self._decode(input_ids[:, ids.shape[1] :])
            on_step(hold_back(cut_at_stop(texts[0], stop), stop))
            return input_ids.new_tensor([stop is not None and stop in text for text in texts], dtype=torch.bool)

        key, run = (shared, prompts), self._run
        if run[0] != key:  # the decodings of a prompt, one after the other, run it once
            run = self._run = key, build_cache(self.network, ids, mask, shared)
        cache = run[1] and copy_cache(run[1], decoding.beams, decoding.max_new_tokens)
        out = self.network.generate(
            ids,
            attention_mask=mask,
            past_key_values=cache,
            max_new_tokens=decoding.max_new_tokens,
            num_beams=decoding.beams,
            do_sample=False,  # sampling takes the likeliest token too: `draw` leaves only one
            logits_processor=[draw] if decoding.method == "sampling" else [],
            stopping_criteria=[watch],
        )
        return [cut_at_stop(text, stop) for text in self._decode(out[:, ids.shape[1] :])]

    def log_probability(
        self, prompts: Sequence[str], continuations: Sequence[str], *, batch_size: int = 16, cancel: Event | None = None
    ) -> list[float]:
        """log p(continuation | prompt) in nats, summed over the continuation's tokens, for each pair.

        Raises ValueError for an empty continuation or a pair over the window, Cancelled between two batches.
        """
        pairs = [self._encode_pair(*pair) for pair in zip(prompts, continuations, strict=True)]

        def run(part: list[tuple[list[int], int]]) -> list[float]:
            import torch

            from a3core.llm.prefix_cache import pad_rows, run_rows, shared_length

            check_cancel(cancel)
            rows, counts = zip(*part, strict=True)
            prompts = [ids[: len(ids) - count] for ids, count in part]
            shared = shared_length(self.config, prompts, [len(ids) for ids in rows], len(rows))
            ids, mask = (tensor.to(self.network.device) for tensor in pad_rows(rows, shared, self.pad_id))  # (B, T)
            keep = max(counts) + 1  # the continuations are at the end
            batches = run_rows(self.network, ids, mask, shared, keep)
            each = (row[:-1] for _, logits in batches for row in logits)  # (longest continuation, V)
            # row by row: all of them in float32 would be gigabytes with a vocabulary of 262,144
            return [
                -torch.nn.functional.cross_entropy(row[-count:].float(), target[-count:], reduction="sum").item()
                for row, target, count in zip(each, ids, counts, strict=True)
            ]

        return map_by_length(run, pairs, [len(ids) for ids, _ in pairs], batch_size)

    def _encode_pair(self, prompt: str, continuation: str) -> tuple[list[int], int]:
        """Token ids of both together, and how many at their end the prompt alone does not have.

        Encoded together, since a token may reach over the border.
        """
        from a3core.llm.prefix_cache import common_prefix

        if not continuation:
            raise ValueError("An empty continuation has no log-probability.")
        both, alone = self._encode_prompt(prompt + continuation, 0), self.encode(prompt)
        common = common_prefix([both, alone])
        if not 0 < common < len(both):
            raise ValueError(f"The prompt {prompt[-40:]!r} leaves no token to predict {continuation[:40]!r} from.")
        return both, len(both) - common


def map_by_length(
    run: Callable[[list], Sequence],
    items: Sequence,
    lengths: Sequence[int],
    batch_size: int,
    progress: Report | None = None,
) -> list:
    """What `run` makes of each item, in batches of similar length, so that little is padded; reports each of them."""
    results = [None] * len(items)
    order = sorted(range(len(items)), key=lambda i: (-lengths[i], i))
    for first in range(0, len(order), batch_size):
        batch = order[first : first + batch_size]
        for i, result in zip(batch, run([items[i] for i in batch]), strict=True):
            results[i] = result
        if progress is not None:
            progress(min(first + batch_size, len(order)), len(order))
    return results
