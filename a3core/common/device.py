"""Which device and which precision a model computes with on this machine."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def on_zero_gpu() -> bool:
    """Whether this is a Space whose GPU is lent for one call (ZeroGPU)."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def choose_device() -> str:
    """cuda where this process has a GPU of its own, else cpu. On ZeroGPU, torch only says that there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() and not on_zero_gpu() else "cpu"


def default_dtype(device: str) -> str:
    """bfloat16 where the hardware multiplies it, which is twice as fast; float32 elsewhere, where it is slower."""
    import torch

    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return "bfloat16" if any(able.get(feature) for feature in ("avx512_bf16", "amx_bf16", "bf16")) else "float32"


def has_bf16(device: torch.device) -> bool:
    """Whether bf16 is native: a CPU without its instructions emulates it, slower than float32."""
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
