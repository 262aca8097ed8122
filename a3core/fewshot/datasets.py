"""Datasets of the Hugging Face hub, by id, split and configuration: the files that hold their rows.

download_dataset("hub:triviaqa")                                   TriviaQA's questions, without the web pages
download_dataset("hub:google-research-datasets/nq_open:validation")
download_dataset("hub:OWNER/NAME:test:main")                       of a dataset with several configurations
"""

import re
from collections.abc import Iterable
from pathlib import Path

from a3core.common.tabular import SUFFIXES
from a3core.llm.local import explain_loading

HUB = "hub:"
REPOSITORY = "mandarjoshi/trivia_qa"
HUB_FILES = {  # without the web pages, which are gigabytes
    "hub:triviaqa": "unfiltered.nocontext/train-00000-of-00001.parquet",
    "hub:triviaqa:validation": "unfiltered.nocontext/validation-00000-of-00001.parquet",
}
REVISIONS = (None, "refs/convert/parquet")  # of a dataset: its own files, else the hub's copy in Parquet


def download_dataset(spec: str) -> list[Path]:
    """The files of the split that `spec` names, downloaded once, then read from the hub's own cache.

    Raises ValueError for another name, a split or configuration that is not there, or when the hub cannot be reached.
    """
    from huggingface_hub import HfApi, hf_hub_download

    repository, split, config = (*spec.removeprefix(HUB).split(":"), "", "")[:3]
    if spec not in HUB_FILES and not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise ValueError(f"There is no {spec!r} to load: it is {' or '.join(HUB_FILES)}, or {HUB}OWNER/NAME:SPLIT.")
    with explain_loading(f"{spec} cannot be loaded from the hub", ". A file of it can be named instead."):
        if spec in HUB_FILES:
            return [Path(hf_hub_download(REPOSITORY, HUB_FILES[spec], repo_type="dataset"))]
        for revision in REVISIONS:
            options = {"repo_type": "dataset"} | ({"revision": revision} if revision else {})
            chosen = choose_files(HfApi().list_repo_files(repository, **options), split or "train", config)
            if chosen:
                return [Path(hf_hub_download(repository, name, **options)) for name in chosen]
    raise ValueError(f"{repository} has no files of the split {split or 'train'!r} {config}".rstrip() + ".")


def choose_files(files: Iterable[str], split: str, config: str = "") -> list[str]:
    """Of a dataset's files those of a split, which is in the file's name or its folder's, and of a configuration.

    Raises ValueError where the dataset has several configurations and none is named.
    """
    is_split = re.compile(rf"(^|[/_.-]){re.escape(split)}([/_.-]|$)")
    tables = [name for name in files if name.endswith(SUFFIXES) and is_split.search(name)]
    tables = sorted(name for name in tables if not config or re.search(rf"(^|/){re.escape(config)}[/_.-]", name))
    configs = {name.split("/")[0] for name in tables if is_split.search(name.partition("/")[2])} - {"data", split}
    if len(configs) > 1:
        raise ValueError(f"Name a configuration after the split: {', '.join(sorted(configs))}.")
    return tables
