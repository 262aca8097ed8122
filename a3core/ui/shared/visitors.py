"""Who may reach the page: host names, origins, and what a browser may load for it.

A page elsewhere can give its own name this machine's address (DNS rebinding) and would then read and write here as the
same site; so only the names of this machine, and those that were allowed, are answered.
"""

import os
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
SHARE_DOMAIN = ".gradio.live"
# Gradio's page needs inline scripts and styles, WebAssembly and plotly need eval, downloads and workers need blob:,
# icons, pictures and fonts in its stylesheets need data:. The hub shows a Space inside a frame.
CONTENT_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'; base-uri 'self'; "
    "frame-ancestors 'self' https://huggingface.co https://*.hf.space"
)


def find_name(netloc: str) -> str:
    """The lower-case host name of "name:port", without brackets; "" if there is none or it is malformed."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class OwnHosts:
    """ASGI middleware: 400 for a foreign host, 403 for what another origin sends; the content policy on each answer."""

    def __init__(self, app, allowed: Iterable[str] = (), share: bool = False):
        """`allowed`: host names beside this machine's own; `share`: names of the share tunnel, too."""
        self.app, self.share = app, share
        self.allowed = {name.lower() for name in (*allowed, os.environ.get("SPACE_HOST", "")) if name}

    def _is_allowed(self, name: str) -> bool:
        return name in self.allowed or (self.share and name.endswith(SHARE_DOMAIN))

    def _refuse(self, scope) -> PlainTextResponse | None:
        """The refusal of a request, or None. The address that it came in by is this machine's own."""
        headers, own = Headers(scope=scope), (scope.get("server") or ("",))[0]
        host, origin = headers.get("host", ""), headers.get("origin")
        name = find_name(host)
        if not (name and (name in (*LOCAL_HOSTS, own) or self._is_allowed(name))):
            return PlainTextResponse("This host name is not one of this page: start it with --allow-host NAME.", 400)
        if origin is None or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        sender = urlsplit(origin).netloc if "[" not in origin or "]" in origin else ""
        if sender.lower() != host.lower() and not self._is_allowed(find_name(sender)):
            return PlainTextResponse("This page takes nothing that a page of another address sends.", 403)
        return None

    async def __call__(self, scope, receive, send) -> None:
        """Answers one request, or passes it on."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)

        async def send_with_policy(message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).setdefault("Content-Security-Policy", CONTENT_POLICY)
            await send(message)

        return await (self._refuse(scope) or self.app)(scope, receive, send_with_policy)
