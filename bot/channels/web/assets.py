"""The page's own files: kept in memory, named neutrally, stored by no browser.

They are small enough to be sent each time. A cached file would be a trace of the visit.
"""

import gzip
from dataclasses import dataclass, field
from importlib.resources import files

from aiohttp import web

from bot.channels.web.headers import ASSET_HEADERS

_KINDS = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    kind: str
    plain: bytes = field(repr=False)
    compressed: bytes = field(repr=False)

    def answer(self, request: web.Request) -> web.Response:
        """The file, compressed where the browser takes that."""
        return compressible(request, self.kind, self.plain, self.compressed, ASSET_HEADERS)


def compressible(
    request: web.Request, kind: str, plain: bytes, compressed: bytes, headers: dict[str, str]
) -> web.Response:
    """An answer without secrets of a conversation, which alone may be compressed (BREACH)."""
    small = "gzip" in request.headers.get("Accept-Encoding", "")
    return web.Response(
        body=compressed if small else plain,
        content_type=kind,
        charset="utf-8",
        headers={**headers, **({"Content-Encoding": "gzip"} if small else {})},
    )


def squeeze(plain: bytes) -> bytes:
    """Compressed, the same bytes each time."""
    return gzip.compress(plain, compresslevel=9, mtime=0)


def load_assets() -> dict[str, Asset]:
    """The files by name."""
    folder = files("bot.channels.web") / "static"
    found = {name: (folder / name).read_bytes() for name in _KINDS}
    return {name: Asset(_KINDS[name], plain, squeeze(plain)) for name, plain in found.items()}
