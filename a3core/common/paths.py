"""Where the project's own files are, and where the user's are: caches and labels."""

import os
import sys
from pathlib import Path

import platformdirs

NAME = "a3core"
ROOT = Path(__file__).resolve().parents[2]
_SHIPPED = ROOT if (ROOT / "checkpoints").is_dir() else Path(__file__).resolve().parents[1] / "shipped"  # as installed
ASSETS = _SHIPPED / "assets"
CHECKPOINTS = _SHIPPED / "checkpoints"


def cache_dir() -> Path:
    """Folder of what is computed once: $A3_CACHE, else the user's cache directory."""
    if chosen := os.environ.get("A3_CACHE"):
        return Path(chosen).expanduser()
    earlier = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / NAME  # of all platforms, once
    return earlier if earlier.exists() else platformdirs.PlatformDirs(NAME, appauthor=False).user_cache_path


def data_folder() -> Path:
    """Where labels are: $A3_DATA, else where the platform keeps such data. Raises ValueError without a home."""
    if chosen := os.environ.get("A3_DATA"):
        return Path(chosen).expanduser().absolute()
    try:
        home = Path.home()
    except RuntimeError:
        raise ValueError("There is no home folder to keep labels in: the variable A3_DATA names another.") from None
    earlier = {
        "darwin": home / "Library" / "Application Support" / NAME,
        "win32": Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / NAME,
    }.get(sys.platform, Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / NAME)
    return earlier if earlier.exists() else platformdirs.PlatformDirs(NAME, appauthor=False).user_data_path
