"""ZeroGPU, a Space whose GPU is lent for one call: language models generate on it, all else stays on the CPU.

    enable()          app.py, at start; elsewhere than on ZeroGPU it changes nothing

A lent call runs in a process forked from this one: what it is given and gives back travels between them, models do
not. It finds its model by name among those loaded before the fork, and loads it again where the fork is older.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from a3core.common.device import on_zero_gpu
from a3core.llm.decoding import Decoding, iterate_in_thread

if TYPE_CHECKING:
    from a3core.llm.local import LanguageModel

SECONDS = 30  # a call asks for: the shorter, the sooner it is its turn
DEVICE = "cuda"  # of the fork

Key = tuple[str, str]  # name and dtype
Row = tuple[list[int], str]  # token ids and the seed of the draws
Load = Callable[..., Any]  # `local.load_language_model`; a function of a module, so that it can be pickled

_models: dict[Key, LanguageModel] = {}
_lent: Callable[[Key, Load, list[Row], Decoding], Iterator] | None = None


def enable() -> None:
    """Imports the package `spaces`, if it is there, before torch, as it must be; on ZeroGPU generation gets a GPU."""
    global _lent
    with suppress(ImportError):
        import spaces

        if on_zero_gpu():
            _lent = spaces.GPU(duration=SECONDS)(generate_in_fork)


def enabled() -> bool:
    """Whether generation goes to a lent GPU."""
    return _lent is not None


def generate(
    model: LanguageModel, load: Load, rows: list[Row], decoding: Decoding, on_step: Callable[[str], None]
) -> list[str]:
    """As `LanguageModel.generate_rows`, on the lent GPU if there is one; an exception of `on_step` ends the call, too.

    `load(name, dtype=...)` is called in a fork that is older than the model.
    """
    if not enabled():
        return model.generate_rows(rows, decoding, on_step)
    key, texts = (model.name, model.dtype), []
    _models[key] = model
    with closing(_lent(key, load, rows, decoding)) as pieces:
        for piece in pieces:
            if isinstance(piece, list):
                texts = piece
            else:
                on_step(piece)
    return texts


def generate_in_fork(key: Key, load: Load, rows: list[Row], decoding: Decoding) -> Iterator[str | list[str]]:
    """The first row's text as it grows, then the list of every row's."""
    if key not in _models:
        _models[key] = load(key[0], dtype=key[1])
    model = _models[key]

    def produce(emit: Callable[[Any], None]) -> None:
        model.network.to(DEVICE)
        emit(model.generate_rows(rows, decoding, emit))

    yield from iterate_in_thread(produce, lambda: False)
