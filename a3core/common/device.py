"""Which device and which precision a model computes with on this machine."""

import os


def on_zero_gpu() -> bool:
    """Whether this is a Space whose GPU is lent for one call (ZeroGPU)."""
    return os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")


def choose_device() -> str:
    """cuda where this process has a GPU of its own, else cpu. On ZeroGPU, torch only says that there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() and not on_zero_gpu() else "cpu"


def find_process():
    """Accelerate's `PartialState`: which of how many processes this is; on a CPU where it has no GPU of its own."""
    from accelerate import PartialState

    return PartialState(cpu=choose_device() == "cpu")


def has_bf16(device: str) -> bool:
    """Whether the hardware of a device ("cpu", "cuda:0") multiplies bf16, twice as fast as float32; emulated, it is
    slower."""
    import torch

    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(able.get(feature) for feature in ("avx512_bf16", "amx_bf16", "bf16"))
