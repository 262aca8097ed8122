"""Starts the page: `app.py` is a few lines over it, and so is `python -m a3core`."""

import argparse
import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from a3core.common.hosting import is_space, largest_upload
from a3core.common.paths import CHECKPOINTS


def parse_flags(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start the page.")
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 for every one (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="open a public link for up to a week")
    allowed = "host names to answer to beside this machine's own, as behind a proxy"
    parser.add_argument("--allow-host", nargs="+", default=[], metavar="NAME", help=allowed)
    folders = "folders of checkpoint folders, or checkpoints: your own beside the shipped ones (default: checkpoints)"
    parser.add_argument("--checkpoints", type=Path, nargs="+", default=[CHECKPOINTS], help=folders)
    parser.add_argument("--mcp", action="store_true", help="offer the public endpoints as MCP tools as well")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser.parse_args(arguments)


def build_page(checkpoints: Sequence[Path] = (CHECKPOINTS,)):
    """The page over folders of checkpoints. Raises ValueError for a setting that is wrong."""
    gc.disable()  # nothing that is built for the page becomes garbage: to look for it takes a third of the start
    try:
        from a3core.llm import zero_gpu

        zero_gpu.enable()  # before anything imports torch
        from a3core.ui.demo import build_demo

        return in_event_loop(lambda: build_demo(*checkpoints))
    finally:
        gc.freeze()  # nor is it looked through later
        gc.set_threshold(50_000, 20, 50)  # a report makes a hundred thousand objects that stay
        gc.enable()


def in_event_loop(call: Callable):
    """What `call` returns. Gradio makes an event loop for each lock that it builds outside of one, and closes none:
    sooner or later they end in the log, as "Exception ignored ... Invalid file descriptor"."""

    async def run():
        return call()

    return asyncio.run(run())


def build_from_flags(flags: argparse.Namespace):
    """The page that the flags ask for; what is wrong with them ends the program with one sentence."""
    try:
        if flags.mcp and find_spec("mcp") is None:
            raise ValueError('--mcp needs the package mcp: pip install "gradio[mcp]" -c constraints.txt')
        signs_in = is_space() and os.environ.get("OAUTH_CLIENT_ID")
        if signs_in and not (find_spec("authlib") and find_spec("itsdangerous")):
            raise ValueError('OAUTH_CLIENT_ID is set, but signing in needs two packages: pip install "gradio[oauth]"')
        from a3core.birthplace.checkpoints import find_checkpoint

        return build_page([find_checkpoint(str(folder)) for folder in flags.checkpoints])
    except ValueError as error:
        raise SystemExit(f"Error: {error}") from error


def launch(demo, flags: argparse.Namespace) -> None:
    """Serves the page until it is stopped."""
    from starlette.middleware import Middleware

    from a3core.ui.demo import LAUNCH
    from a3core.ui.shared.visitors import OwnHosts

    # A prediction takes Python's lock thousands of times. By default a thread that only computes hands it over after
    # 5 ms: beside one, a prediction of 13 ms took 11 s; with this, 0.3 s.
    sys.setswitchinterval(0.0001)
    own_hosts = Middleware(OwnHosts, allowed=[*flags.allow_host, flags.host or ""], share=flags.share)
    if is_space():  # stopped, it exits as at Ctrl-C: labels are saved to their dataset once more
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        # the forwarded address of a visitor counts: a Space's proxies have private addresses (uvicorn reads this)
        os.environ.setdefault("FORWARDED_ALLOW_IPS", "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16")
    start = partial(
        demo.launch,
        server_name=flags.host,
        server_port=flags.port,
        share=flags.share,
        mcp_server=flags.mcp,
        inbrowser=not (flags.no_browser or is_space()),
        max_file_size=largest_upload(),
        app_kwargs={"middleware": [own_hosts]},
        ssr_mode=False,  # what is tested is what a Space shows
        prevent_thread_lock=True,  # the loop in which it starts ends first
        **LAUNCH,
    )
    in_event_loop(start)
    demo.block_thread()
