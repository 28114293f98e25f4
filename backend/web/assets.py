"""The site's own files (style, script, icon): in memory, with addresses by content so that browsers can cache them."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from backend.errors import NotFound

STATIC = Path(__file__).parents[1] / "static"
SERVED = {".css", ".js", ".svg", ".png", ".webp", ".ico", ".webmanifest"}
FOREVER = "public, max-age=31536000, immutable"

router = APIRouter()  # open to everybody: the application names the policy where it includes this router


@dataclass(frozen=True)
class Asset:
    """One file: its bytes, the compressed bytes where they are smaller, its media type, and a hash of its content."""

    body: bytes
    packed: bytes | None
    media_type: str
    mark: str


@lru_cache
def load_assets() -> dict[str, Asset]:
    """Return the files by their path below ``static/``, read once in each process."""
    assets = {}
    for path in sorted(STATIC.rglob("*")):
        if path.suffix in SERVED:
            body = path.read_bytes()
            packed = gzip.compress(body, 9, mtime=0)
            assets[path.relative_to(STATIC).as_posix()] = Asset(
                body=body,
                packed=packed if len(packed) < len(body) * 0.9 else None,
                media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                mark=hashlib.sha256(body).hexdigest()[:12],
            )
    return assets


@lru_cache
def asset_url(name: str) -> str:
    """Return the address of a file. It changes with the content, so browsers may cache it for ever."""
    return f"/static/{load_assets()[name].mark}/{name}"


def compress_body(body: bytes) -> bytes:
    """Compress a page with level 4, which costs a third of level 9 and gives a few percent more bytes."""
    return gzip.compress(body, 4, mtime=0)


def takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


@router.get("/static/{mark}/{name:path}", include_in_schema=False)
async def static_file(request: Request, mark: str, name: str) -> Response:
    """Send a file. A page of an earlier version gets the present file too, but without permission to cache it."""
    asset = load_assets().get(name)
    if asset is None:
        raise NotFound
    headers = {"Cache-Control": FOREVER if mark == asset.mark else "no-cache", "Vary": "Accept-Encoding"}
    if asset.packed and takes_gzip(request):
        headers["Content-Encoding"] = "gzip"
        return Response(asset.packed, media_type=asset.media_type, headers=headers)
    return Response(asset.body, media_type=asset.media_type, headers=headers)


@router.get("/favicon.ico", include_in_schema=False)
async def send_favicon() -> Response:
    """Send the icon at the address that browsers request whatever the page says."""
    icon = load_assets()["favicon.svg"]
    return Response(icon.body, media_type=icon.media_type, headers={"Cache-Control": "public, max-age=86400"})
