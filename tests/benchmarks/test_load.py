"""Many visitors at once: whose turn it is, what is kept of them, and that nobody waits behind another's long job."""

from __future__ import annotations

import asyncio
import os
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
import pytest
from serving import ask, find_events, serve

from benchmarks.load import Timed, Weight, fit_slope, measure_beside, run_sweeps, upload_pool
from benchmarks.running_app import ask as ask_app
from benchmarks.running_app import start_app

PATIENCE = 60  # seconds that a short question may take here; a long job in these tests takes for ever
LONG_JOBS = ("run_grid", "make")


# Settings


def limits(page, name: str) -> set[tuple]:
    return {(page.fns[i].concurrency_id, page.fns[i].concurrency_limit) for i in find_events(page, name)}


@pytest.mark.slow
def test_questions_to_a_checkpoint_have_as_many_places_as_a_pass_takes(demo):
    from a3core.birthplace.prediction.direct import SEARCHED

    assert limits(demo, "predict_birthplace") == {("prediction", SEARCHED)}
    assert limits(demo, "answer") == {("prediction", SEARCHED)}


@pytest.mark.slow
def test_a_long_job_has_a_queue_of_its_own(demo):
    for name in (*LONG_JOBS, "map_heads", "evaluate_file", "start", "start_facts"):
        assert limits(demo, name) == {("long job", 1)}
    for name in ("write_answer", "answer_prompt"):
        assert limits(demo, name) == {("language model", 1)}


def test_the_queue_has_no_way_round_it(demo):
    assert demo._queue.default_concurrency_limit == 4
    assert not demo.api_open


def test_what_visitors_leave_behind_is_removed(demo, tmp_path, monkeypatch):
    from a3core.ui.shared import limits

    frequency, age = demo.delete_cache
    assert 0 < frequency <= age <= 24 * 3600
    monkeypatch.setattr(limits, "_root", lambda: tmp_path)
    old, young = limits.make_folder(), limits.make_folder()
    (old / "a.csv").write_text("a", encoding="utf-8")
    long_ago = time.time() - age - 1
    os.utime(old, (long_ago, long_ago))
    new = limits.make_folder()
    assert old != young != new
    assert not old.exists()
    assert young.is_dir() and new.is_dir()


def test_files_of_visitors_have_a_cap_and_the_oldest_go_first(tmp_path, monkeypatch):
    from a3core.ui.shared import limits

    monkeypatch.setattr(limits, "_root", lambda: tmp_path)
    monkeypatch.setattr(limits, "LARGEST_FOLDER", 250_000)
    folders = [limits.make_folder() for _ in range(3)]
    for age, folder in enumerate(folders):
        (folder / "attention.npz").write_bytes(bytes(100_000))
        os.utime(folder, (time.time() - 60 * age,) * 2)
    limits.make_folder()
    assert [folder.exists() for folder in folders] == [True, True, False]


def test_what_another_visitor_removed_meanwhile_is_passed_over(tmp_path, monkeypatch):
    from a3core.ui.shared import limits

    monkeypatch.setattr(limits, "_root", lambda: tmp_path)
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter([folder / "removed meanwhile"]))
    assert limits.make_folder().is_dir()


def test_a_session_is_small_and_few_are_kept(demo):
    """The default would be 10,000 copies of the page's settings, most of them of calls that never come back."""
    from a3core.ui.demo import LAUNCH

    assert LAUNCH["state_session_capacity"] <= 500
    states = [block for block in demo.blocks.values() if block.get_block_name() == "state"]
    assert all(len(str(state.value)) < 1000 for state in states)


def test_gradio_does_not_evaluate_all_events_after_each(demo):
    assert demo._queue.ANALYTICS_MAX_EVENTS <= 1000
    assert demo._queue.ANAYLTICS_CACHE_FREQUENCY > 10**6


# The benchmark's own arithmetic


def test_quantiles_are_of_what_was_measured():
    timed = Timed([i / 100 for i in range(100, 0, -1)], [])
    assert timed.quantile(0.5) == 0.51
    assert timed.quantile(0.95) == 0.96
    assert timed.quantile(1.0) == 1.0
    assert Timed([0.3], []).quantile(0.95) == 0.3


def test_the_slope_is_of_the_memory_after_the_warm_up():
    filling = [Weight(n, 500 + n / 2, 0, 0) for n in (100, 200)]
    flat = [Weight(n, 600, 0, 0) for n in range(300, 1001, 100)]
    rising = [Weight(n, 600 + n / 50, 0, 0) for n in range(300, 1001, 100)]
    assert fit_slope(filling + flat) == pytest.approx(0)
    assert fit_slope(filling + rising) == pytest.approx(20)


# The page, with many visitors


@pytest.fixture(scope="module")
def page(checkpoint_root, fewshot, tmp_path_factory):
    from a3core.ui.demo import build_demo
    from a3core.ui.grader.service import GraderService

    grading = GraderService(f"sqlite:///{tmp_path_factory.mktemp('labels') / 'labels.sqlite'}")
    return build_demo(checkpoint_root, fewshot=fewshot, grading=grading)


@pytest.fixture(scope="module")
def address(page):
    with serve(page) as address:
        yield address


@pytest.mark.load
def test_fifty_at_once_get_each_their_own_answer(page, address, checkpoint_root):
    from a3core.birthplace.checkpoints import CheckpointStore
    from a3core.birthplace.service import BirthplaceService, to_json

    store, names = CheckpointStore(checkpoint_root), [f"Visitor {chr(65 + i % 26) * (1 + i // 26)}" for i in range(50)]
    (event,) = find_events(page, "predict_birthplace")
    with ThreadPoolExecutor(50) as visitors:
        answered = list(visitors.map(lambda name: ask(address, event, [name]), names))
    assert [one.error for one in answered if not one.success] == []
    for name, one in zip(names, answered, strict=True):
        alone = to_json(BirthplaceService(store).ask_all(name))
        assert [row["place"] for row in one.data[0]] == [row["place"] for row in alone]
        assert [row["probability"] for row in one.data[0]] == pytest.approx([r["probability"] for r in alone], rel=1e-3)


@pytest.mark.load
def test_one_bad_name_among_many_is_the_error_of_one(page, address):
    (event,) = find_events(page, "predict_birthplace")
    names = ["Ada Smith", "Zoë", "", "Ben Jones", "x" * 300, "Cal Brown"]
    with ThreadPoolExecutor(len(names)) as visitors:
        answered = list(visitors.map(lambda name: ask(address, event, [name]), names))
    assert [one.success for one in answered] == [True, False, False, True, False, True]
    assert "never read" in answered[1].error and "type a name" in answered[2].error and "shorten" in answered[4].error


@contextmanager
def endless(monkeypatch, owner, name: str):
    """A job that has begun, and goes on until the block ends."""
    begun, left = threading.Event(), threading.Event()

    def work(*args, **options):
        begun.set()
        left.wait(10 * PATIENCE)
        raise ValueError("the job was ended")

    monkeypatch.setattr(owner, name, work)
    try:
        yield begun
    finally:
        left.set()


def list_values(page, event: int) -> list:
    """What the widgets hold when the page opens; a state is the server's own."""
    states = [block.get_block_name() == "state" for block in page.fns[event].inputs]
    return [None if is_state else b.value for b, is_state in zip(page.fns[event].inputs, states, strict=True)]


def fill_file(page, address: str, event: int) -> list:
    """What the widgets hold, with a file of responses in the first one for a file."""
    values, names = list_values(page, event), [block.get_block_name() for block in page.fns[event].inputs]
    files = [i for i, name in enumerate(names) if name == "file" and page.fns[event].inputs[i].label != "Labels"]
    if files:
        row = b'{"question": "What is 2 + 2?", "answer": "4", "explanation": "It is 4."}\n'
        sent = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.jsonl", row)}).raise_for_status()
        values[files[0]] = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
    return values


def find_job(name: str):
    """Whose method does the work of a long job."""
    from a3core.fewshot.sweep.run import Sweep
    from a3core.grader.runs.generation import CotRun
    from a3core.ui.grader import importing

    return {"run_grid": (Sweep, "run"), "make": (CotRun, "run"), "import_chosen": (importing, "import_file")}[name]


@pytest.mark.load
@pytest.mark.parametrize("job", [*LONG_JOBS, "import_chosen"])
def test_a_long_job_of_one_visitor_does_not_stop_the_others(page, address, monkeypatch, job):
    event = find_events(page, job)[0]
    with ThreadPoolExecutor(1) as busy, endless(monkeypatch, *find_job(job)) as begun:
        working = busy.submit(ask, address, event, fill_file(page, address, event))
        assert begun.wait(PATIENCE), working.result(1)
        start = time.monotonic()
        for name, data in {
            "predict_birthplace": ["Ada Smith"],
            "build_prompt": ["Which river flows through Vienna?", 2, "nearest", "nearest last"],
            "answer_prompt": ["Question: What is it?\nAnswer:", "greedy"],
            "draw_name": ["builtin:10"],
        }.items():
            answered = ask(address, find_events(page, name)[0], data)
            assert answered.success, (name, answered.error)
        assert time.monotonic() - start < PATIENCE
        assert not working.done()


# The app as its own process, over real models


@pytest.mark.slow
def test_an_app_that_is_stopped_in_the_middle_of_a_long_job_ends_soon():
    begun = threading.Event()
    with start_app() as app, ThreadPoolExecutor(1) as visitor:
        running = visitor.submit(asyncio.run, run_sweeps(app, begun.set))
        assert begun.wait(PATIENCE) and not running.done()  # the model is loaded, and the sweep is at its prompts
        app.process.terminate()
        app.process.wait(PATIENCE)
        assert isinstance(running.exception(PATIENCE), httpx.HTTPError)


@pytest.mark.load
def test_predictions_beside_long_jobs():
    with start_app() as app:
        rows = measure_beside(app, "mixed", 60)
    assert all(row.errors == 0 for row in rows)
    assert max(row.beside / row.alone for row in rows if row.what.startswith("prediction")) < 3


@pytest.mark.load
def test_a_prediction_beside_four_large_uploads_at_once():
    """One visitor's predictions, while four others send a table of the size limit that is made to be slow."""

    async def compare(app) -> tuple[list[float], list[float]]:
        async with httpx.AsyncClient(timeout=None) as client:

            async def predict() -> float:
                start = time.perf_counter()
                await ask_app(client, app, "predict_birthplace", ["Ada Smith"], uuid.uuid4().hex)
                return time.perf_counter() - start

            alone = [await predict() for _ in range(60)][20:]
            uploads = [asyncio.ensure_future(upload_pool(client, app)) for _ in range(4)]
            beside = []
            while not all(upload.done() for upload in uploads):
                beside.append(await predict())
            await asyncio.gather(*uploads)
            return alone, beside

    with start_app() as app:
        alone, beside = asyncio.run(compare(app))
    assert len(beside) > 20 and median(beside) < 2 * median(alone), (median(beside), median(alone), len(beside))
