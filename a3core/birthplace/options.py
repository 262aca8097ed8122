"""Fields of a dataclass that a command line offers."""

from dataclasses import field


def option(default, meaning: str):
    """A field with its one line of meaning, which the command line shows as its help."""
    return field(default=default, metadata={"help": meaning})
