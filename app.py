"""Starts the page: python app.py [--host HOST] [--allow-host NAME] [--port PORT] [--share] [--checkpoints FOLDER]
                                       [--no-browser] [--mcp]

A Hugging Face Space starts it without flags. `demo` is the page, too; it is built when it is first asked for.
"""

from __future__ import annotations


def __getattr__(name: str):
    """Builds `demo` on first use, so that importing this module costs nothing."""
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from a3core.ui.launch import build_page

    globals()["demo"] = build_page()
    return globals()["demo"]


def main() -> None:
    global demo  # a Space's reloader looks for it, and would build another one
    from a3core.ui.launch import build_from_flags, launch, parse_flags

    flags = parse_flags()
    demo = build_from_flags(flags)
    launch(demo, flags)


if __name__ == "__main__":
    main()
