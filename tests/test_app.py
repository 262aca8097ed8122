"""The app itself: inert on import, started for real, asked as another program would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ANSWERING = ("finetuned", "pretrained-finetuned", "recall")


def test_importing_the_app_loads_nothing_and_demo_is_built_on_demand():
    code = (
        "import sys, app; assert not {'gradio', 'torch'} & set(sys.modules); "
        "assert type(app.demo).__name__ == 'Blocks'; assert app.demo is app.demo; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_help_answers():
    text = subprocess.run([sys.executable, "app.py", "--help"], cwd=ROOT, check=True, capture_output=True, text=True)
    for flag in ("--host", "--port", "--share", "--checkpoints", "--mcp", "--no-browser"):
        assert flag in text.stdout


@pytest.mark.slow
def test_the_running_app_answers_another_program(address):
    from gradio_client import Client

    client = Client(address, verbose=False)
    rows = client.predict("Babe Ruth", api_name="/predict_birthplace")
    shipped = {f"{family}{name}" for family in ("", "builtin-") for name in ANSWERING}
    assert {row["checkpoint"] for row in rows} == shipped | {"London baseline"}
    answers = {row["checkpoint"]: row["place"] for row in rows}
    assert answers["builtin-pretrained-finetuned"] == "Baltimore"


@pytest.mark.slow
def test_a_bad_name_is_an_error_and_the_app_stays_up(address):
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(address, verbose=False)
    with pytest.raises(AppError, match="type a name"):
        client.predict("", api_name="/predict_birthplace")
    assert client.predict("Yogi Berra", api_name="/predict_birthplace")
