"""A store of labels, and the page as a Space shows it."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def space():
    """SPACE_ID, for as long as this module's public pages live."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPACE_ID", "ann/demo")
        patch.delenv("A3_LANGUAGE_MODEL", raising=False)
        yield patch


@pytest.fixture(scope="module")
def label_file(tmp_path_factory):
    return tmp_path_factory.mktemp("labels") / "labels.sqlite"


@pytest.fixture(scope="module")
def public_page(space, checkpoint_root, label_file):
    """The page as a Space shows it, over the real loaders of models."""
    from a3core.ui.demo import build_demo
    from a3core.ui.grader.service import GraderService

    return build_demo(checkpoint_root, grading=GraderService(f"sqlite:///{label_file}"))
