"""Of which site a request is: by its path, its query, the thing it names, or its body.

Only asked for those who may not see every site. What no way leads to a site is not for them, but for what is of no
site (``OF_NO_SITE``) and the lists that leave out by themselves what is of other sites (``FILTERED``).
"""

import json
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from cloud.api.rights import PROMETHEUS, below

OF_NO_SITE = re.compile(
    r"/api/v1/(session|sessions(/[^/]+)?|password|second-factor(/[^/]+)?|openapi\.json|assets/kinds|tariff-samples"
    r"|tiles/.*)"
)
FILTERED = frozenset(
    f"/api/v1/{noun}"
    for noun in (
        "sites",
        "state",
        "stream",
        "gateways",
        "devices",
        "assets",
        "alarms",
        "requests",
        "requests/form",
        "approvals",
        "identities",
        "rollouts",
    )
)
BODY_SAYS = frozenset(
    f"/api/v1/{noun}" for noun in ("requests", "requests/what-if", "bookings", "passes", "commands", "approvals")
)
"""Routes whose body names the site, as ``site``."""
TRIP = re.compile(r"/api/v1/trips/([^/.]+)\.[^/]+/track")
THING = re.compile(r"/api/v1/(alarms|requests|bookings|passes|commands|approvals|rollouts)/([^/]+)(?:/[^/]+)?")
NOT_THINGS = frozenset({"figures", "history", "shelves", "form", "search", "what-if"})

Finder = Callable[[str], Awaitable[str | None]]
"""Of the name of a thing, its site; None when there is none of that name."""


def is_filtered(path: str) -> bool:
    """Whether what is there leaves out by itself what is of other sites."""
    return path in FILTERED or below(path, PROMETHEUS)


class SiteAsked:
    """``templates``: the paths of all routes. ``described``: the same with their parameters, which takes a moment the
    first time. ``things`` finds the site of a thing by its noun."""

    def __init__(
        self,
        templates: Collection[str],
        described: Callable[[], Mapping[str, Any]],
        things: Mapping[str, Finder],
    ) -> None:
        self._described, self._things = described, things
        # Those with a literal in a place go before those with a name in it, as the router has them.
        with_site = sorted((path for path in templates if "{site}" in path), key=lambda path: (path.count("{"), path))
        self._templates = [re.compile(_pattern(path)) for path in with_site]

    async def sites(self, path: str, query: bytes, body: bytes | None) -> set[str]:
        """Every site that the request names: more than one when it contradicts itself. Empty: none."""
        named = parse_qs(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")
        found = set(named.get("site", []))
        found |= {each.partition("/")[0] for each in named.get("entity", [])}
        for template in self._templates:
            match = template.fullmatch(path)
            if match:
                found.add(unquote(match["site"]))
                break
        trip = TRIP.fullmatch(path)
        if trip:
            found.add(unquote(trip[1]))
        thing = THING.fullmatch(path)
        if thing and thing[2] not in NOT_THINGS and thing[1] in self._things:
            site = await self._things[thing[1]](unquote(thing[2]))
            found |= {site} if site is not None else set()
        if body is not None and path in BODY_SAYS:
            found |= _said(body)
        return found

    def takes_site(self, path: str) -> bool:
        """Whether a query may name the site there."""
        about = self._described().get(path, {}).get("get", {})
        return any(each["name"] == "site" and each["in"] == "query" for each in about.get("parameters", ()))


def _pattern(template: str) -> str:
    parts = re.split(r"(\{[^}]*\})", template)
    return "".join(
        "(?P<site>[^/]+)" if part == "{site}" else "[^/]+" if part.startswith("{") else re.escape(part)
        for part in parts
    )


def _said(body: bytes) -> set[str]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return set()
    site = document.get("site") if isinstance(document, dict) else None
    return {site} if isinstance(site, str) else set()
