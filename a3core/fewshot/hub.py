"""TriviaQA from the hub, where there is a network: downloaded once, then read from the hub's own cache."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = "mandarjoshi/trivia_qa"
FILES = {  # without the web pages, which are gigabytes
    "hub:triviaqa": "unfiltered.nocontext/train-00000-of-00001.parquet",
    "hub:triviaqa:validation": "unfiltered.nocontext/validation-00000-of-00001.parquet",
}


def download_triviaqa(spec: str) -> Path:
    """The file that `spec` names. Raises ValueError for another name, or when the hub cannot be reached."""
    from huggingface_hub import hf_hub_download

    if spec not in FILES:
        raise ValueError(f"There is no {spec!r} to load from the hub: it is {' or '.join(FILES)}.")
    try:
        return Path(hf_hub_download(REPOSITORY, FILES[spec], repo_type="dataset"))
    except Exception as error:  # no network, in its many forms
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise ValueError(
            f"TriviaQA cannot be loaded from the hub: {reason}. A file of it can be named instead."
        ) from error
