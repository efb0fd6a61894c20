"""The pages' files: ``/`` and what lies under ``/web/``, with ETags and compressed once."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request, Response

from cloud.api.answers import ApiError

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served; anything else in the folder is not."""

SHUT = frozenset({"tools", "node_modules"})
COMPRESSED = frozenset({".html", ".js", ".css", ".json", ".svg", ".txt", ".webmanifest"})
WORTH_COMPRESSING = 1024


@dataclass(frozen=True, slots=True)
class _File:
    changed_ns: int
    size: int
    tag: str
    content: bytes
    compressed: bytes | None
    type: str


class Pages:
    """Files of one folder, kept in RAM and read again when they change on disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._files: dict[str, _File] = {}

    def answer(self, name: str, request: Request) -> Response:
        """The file, or 304. Raises ApiError 404 for whatever is not served."""
        file = self._load(name)
        headers = {"ETag": file.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if file.tag in request.headers.get("if-none-match", "").replace("W/", "").split(", "):
            return Response(status_code=304, headers=headers)
        content = file.content
        if file.compressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            content, headers["Content-Encoding"] = file.compressed, "gzip"
        headers["Content-Type"] = file.type
        return Response(content, headers=headers)

    def _load(self, name: str) -> _File:
        path = self._folder.joinpath(*name.split("/"))
        kind = TYPES.get(path.suffix)
        parts = name.split("/")
        wrong = (
            kind is None or "\0" in name or "\\" in name or any(part in SHUT or part[:1] in ("", ".") for part in parts)
        )
        try:
            if kind is None or wrong or not path.resolve().is_relative_to(self._folder) or not path.is_file():
                raise ApiError(404, "not_found", "there is no such file")
            found = path.stat()
            known = self._files.get(name)
            if known is not None and (known.changed_ns, known.size) == (found.st_mtime_ns, found.st_size):
                return known
            content = path.read_bytes()
        except OSError:
            raise ApiError(404, "not_found", "there is no such file") from None
        compressed = None
        if path.suffix in COMPRESSED and len(content) >= WORTH_COMPRESSING:
            compressed = gzip.compress(content, mtime=0)
        tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
        file = _File(found.st_mtime_ns, found.st_size, tag, content, compressed, kind)
        self._files[name] = file
        return file


def routes(folder: Path) -> APIRouter:
    """``/`` and ``/web/...``."""
    router = APIRouter(include_in_schema=False)
    pages = Pages(folder)

    @router.api_route("/", methods=["GET", "HEAD"])
    async def index(request: Request) -> Response:
        return pages.answer("index.html", request)

    @router.api_route("/web/{name:path}", methods=["GET", "HEAD"])
    async def file(name: str, request: Request) -> Response:
        return pages.answer(name, request)

    return router
