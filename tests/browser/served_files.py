"""The pages' files as the collector serves them: all modules asked for at once, compressed once for all tests."""

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from cloud.api.answers import ApiError
from cloud.api.guards import CONTENT_SECURITY_POLICY
from cloud.api.pages import Pages

PAGES = Pages(Path(__file__).parents[2] / "cloud" / "web")
VERSIONED = re.compile(rb"/web/v/[0-9a-f]{16}/")


def is_file(path: str) -> bool:
    """Is it the page itself or one of its files?"""
    return path == "/" or path.startswith("/web/")


def file_at(path: str, request: Request) -> Response:
    """The page names modules without their version, so that a test can import the very ones it uses."""
    if path == "/":
        plain = PAGES.index(Request({"type": "http", "headers": []}))
        return guarded(HTMLResponse(VERSIONED.sub(b"/web/", bytes(plain.body))))
    try:
        return guarded(PAGES.answer(path.removeprefix("/web/"), request))
    except ApiError as error:
        return guarded(Response(error.body(), error.status, media_type="application/json"))


def guarded(response: Response) -> Response:
    """With the collector's headers."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
