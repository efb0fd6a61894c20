"""The pages' files: ``/`` and what lies under ``/web/``, with ETags and compressed once.

The index names every file under ``/web/v/<version>/``, where the version is that of all files together, and all modules
that ``app/main.js`` leads to: they are asked for at once, and never again until a file changes. Modules name each other
relatively, so they stay below that address. ``/web/<file>`` gives the same files without the promise.
"""

import gzip
import hashlib
import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request, Response
from starlette.routing import Route

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

FOR_EVER = "public, max-age=31536000, immutable"
FIRST_MODULE = "app/main.js"
_IMPORTED = re.compile(
    r"""^\s*(?:import|export)\b[^;"']*?from\s*["'](\.[^"']+)["']|^\s*import\s*["'](\.[^"']+)["']""", re.M
)

SHUT = frozenset({"tools", "node_modules"})
COMPRESSED = frozenset(TYPES[ending] for ending in (".html", ".js", ".css", ".json", ".svg", ".txt", ".webmanifest"))
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
        self._version = ""
        self._index: _File | None = None

    def index(self, request: Request) -> Response:
        """The first file, with the addresses of this version in it."""
        plain = self._load("index.html")
        version = self._look_at_all()
        if self._index is None or version != self._version:
            self._index = self._addressed(plain, version)
            self._version = version
        return self._answer(self._index, request, "no-cache")

    def answer(self, name: str, request: Request) -> Response:
        """The file, or 304. Raises ApiError 404 for whatever is not served."""
        versioned = re.fullmatch(r"v/([0-9a-f]{16})/(.+)", name, re.S)
        if versioned is None:
            return self._answer(self._load(name), request, "no-cache")
        kept = FOR_EVER if versioned[1] == self._version else "no-cache"
        return self._answer(self._load(versioned[2]), request, kept)

    def _answer(self, file: _File, request: Request, kept: str) -> Response:
        headers = {"ETag": file.tag, "Cache-Control": kept, "Vary": "Accept-Encoding"}
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
            known = self._files.get(name)
            if known is not None:  # was looked at below; what has changed since is looked at again
                found = path.stat()
                if (known.changed_ns, known.size) == (found.st_mtime_ns, found.st_size):
                    return known
            if kind is None or wrong or not path.resolve().is_relative_to(self._folder) or not path.is_file():
                raise ApiError(404, "not_found", "there is no such file")
            found = path.stat()
            content = path.read_bytes()
        except OSError:
            raise ApiError(404, "not_found", "there is no such file") from None
        file = self._files[name] = _file(content, kind, found.st_mtime_ns, found.st_size)
        return file

    def _look_at_all(self) -> str:
        """The version of all files together: another one as soon as one of them changed."""
        digest = hashlib.sha256()
        for folder, below, names in os.walk(self._folder):
            below[:] = sorted(each for each in below if each not in SHUT)
            for name in sorted(names):
                found = os.stat(os.path.join(folder, name))
                digest.update(f"{folder}/{name} {found.st_mtime_ns} {found.st_size}\n".encode())
        return digest.hexdigest()[:16]

    def _addressed(self, plain: _File, version: str) -> _File:
        base = f"/web/v/{version}/"
        ahead = "".join(f'  <link rel="modulepreload" href="{base}{name}">\n' for name in self._modules())
        text = plain.content.decode().replace('"/web/', f'"{base}').replace("</head>", f"{ahead}</head>")
        return _file(text.encode(), plain.type, plain.changed_ns, plain.size)

    def _modules(self) -> list[str]:
        """The modules the first one leads to, each after the one that named it first."""
        found, waiting = [], [FIRST_MODULE]
        while waiting:
            name = waiting.pop(0)
            if name in found:
                continue
            try:
                content = self._load(name).content.decode("utf-8", "replace")
            except ApiError:
                continue  # a module that is not there says so itself when it is imported
            found.append(name)
            for named in _IMPORTED.finditer(content):
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(name), named[1] or named[2])))
        return found


def _file(content: bytes, kind: str, changed_ns: int, size: int) -> _File:
    worth = kind in COMPRESSED and len(content) >= WORTH_COMPRESSING
    tag = f'"{hashlib.sha256(content).hexdigest()[:24]}"'
    return _File(changed_ns, size, tag, content, gzip.compress(content, mtime=0) if worth else None, kind)


def routes(folder: Path) -> list[Route]:
    """``/`` and ``/web/...``, plain: a first look at a page asks for some 170 files."""
    pages = Pages(folder)

    async def index(request: Request) -> Response:
        return pages.index(request)

    async def file(request: Request) -> Response:
        return pages.answer(request.path_params["name"], request)

    return [Route("/web/{name:path}", file, methods=["GET"]), Route("/", index, methods=["GET"])]
