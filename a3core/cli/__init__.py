"""The commands of `python -m a3core`, one module a room."""
