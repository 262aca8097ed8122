"""Starts the page: python app.py [--host HOST] [--port PORT] [--share] [--checkpoints FOLDER] [--no-browser]

On a Hugging Face Space, `demo` is the page; it is built when it is first asked for.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

CHECKPOINTS = Path(__file__).resolve().parent / "checkpoints"


def parse_flags(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start the page.")
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 for every one (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--share", action="store_true", help="open a public link for 72 hours")
    parser.add_argument("--checkpoints", type=Path, default=CHECKPOINTS, help="folder of checkpoint folders")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    return parser.parse_args(arguments)


def __getattr__(name: str):
    """Builds `demo` on first use, so that importing this module costs nothing."""
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from a3core.ui.demo import build_demo

    globals()["demo"] = build_demo(CHECKPOINTS)
    return globals()["demo"]


def main() -> None:
    flags = parse_flags()
    from a3core.ui.demo import LAUNCH, build_demo

    try:
        demo = build_demo(flags.checkpoints)
    except ValueError as error:
        raise SystemExit(f"Error: {error}") from error
    demo.launch(
        server_name=flags.host,
        server_port=flags.port,
        share=flags.share,
        inbrowser=not (flags.no_browser or "SPACE_ID" in os.environ),
        **LAUNCH,
    )


if __name__ == "__main__":
    main()
