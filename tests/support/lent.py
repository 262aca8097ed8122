"""What stands in for a service, so that a page is built once for many tests."""

from __future__ import annotations


class Lent:
    """Passes on to the service of the test that runs."""

    service = None

    def __getattr__(self, name: str):
        return getattr(self.service, name)
