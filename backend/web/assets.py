"""The site's own files (style, script, icon), held in memory, named by content so that a browser keeps them."""

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

router = APIRouter()  # open to everybody: the application names the policy where it includes this


@dataclass(frozen=True)
class Asset:
    """One file: its bytes as they are and compressed, its type, and the mark of its content."""

    body: bytes
    packed: bytes | None
    media_type: str
    mark: str


@lru_cache
def load_assets() -> dict[str, Asset]:
    """Path below ``static/`` -> file, read once a process."""
    found = {}
    for path in sorted(STATIC.rglob("*")):
        if path.suffix in SERVED:
            body = path.read_bytes()
            packed = gzip.compress(body, 9, mtime=0)
            found[path.relative_to(STATIC).as_posix()] = Asset(
                body=body,
                packed=packed if len(packed) < len(body) * 0.9 else None,
                media_type=mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                mark=hashlib.sha256(body).hexdigest()[:12],
            )
    return found


@lru_cache
def asset_url(name: str) -> str:
    """Address of a file; it changes with the content, so it may be kept for ever."""
    return f"/static/{load_assets()[name].mark}/{name}"


def compress_body(body: bytes) -> bytes:
    """A page packed lightly: level 4 costs a third of level 9 and is a few percent larger."""
    return gzip.compress(body, 4, mtime=0)


def takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


@router.get("/static/{mark}/{name:path}", include_in_schema=False)
async def static_file(request: Request, mark: str, name: str) -> Response:
    """A page of the version before still gets a file, only without the promise that it stays."""
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
    """Browsers ask for it by this name whatever the page says."""
    icon = load_assets()["favicon.svg"]
    return Response(icon.body, media_type=icon.media_type, headers={"Cache-Control": "public, max-age=86400"})
