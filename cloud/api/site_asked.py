"""Of which site a request is: by its path, its query, the thing it names, or its body.

Only asked for those who may not see every site. What no way leads to a site is not for them, but for what is of no
site (``OF_NO_SITE``) and the lists that leave out by themselves what is of other sites (``FILTERED``).
"""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from urllib.parse import parse_qs, unquote

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

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
NAMING = frozenset({"site", "entity"})
"""Of a query: the site itself, or a thing of it as ``site/...``."""
NOT_THINGS = frozenset({"figures", "history", "shelves", "form", "search", "what-if"})

Finder = Callable[[str], Awaitable[str | None]]
"""Of the name of a thing, its site; None when there is none of that name."""


def is_filtered(path: str) -> bool:
    """Whether what is there leaves out by itself what is of other sites."""
    return path in FILTERED or below(path, PROMETHEUS)


class SiteAsked:
    """``things`` finds the site of a thing by its noun."""

    def __init__(self, routes: Iterable[APIRoute], things: Mapping[str, Finder]) -> None:
        self._things = things
        # Those with a literal in a place go before those with a name in it, as the router has them.
        self._routes = [
            (
                frozenset(route.methods or ()),
                re.compile(_pattern(route.path)),
                frozenset(_from_query(route.dependant)) & NAMING,
            )
            for route in sorted(routes, key=lambda route: (route.path.count("{"), route.path))
        ]

    async def sites(self, method: str, path: str, query: bytes, body: bytes | None) -> set[str]:
        """Every site that the request names: more than one when it contradicts itself. Empty: none.

        A query names one only where the route takes it from there: what is ignored afterwards opens nothing."""
        found: set[str] = set()
        match, taken = self._route(method, path)
        if match is not None and (site := match.groupdict().get("site")) is not None:
            found.add(unquote(site))
        if query and taken:
            named = parse_qs(query.decode("latin-1"), keep_blank_values=True, encoding="utf-8", errors="replace")
            for name in taken:
                found |= {each.partition("/")[0] if name == "entity" else each for each in named.get(name, [])}
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
        return "site" in self._route("GET", path)[1]

    def _route(self, method: str, path: str) -> tuple[re.Match[str] | None, frozenset[str]]:
        """What matched, and which of ``NAMING`` is taken from the query there."""
        wanted = "GET" if method == "HEAD" else method
        for methods, pattern, taken in self._routes:
            if wanted in methods and (match := pattern.fullmatch(path)):
                # Questions in Prometheus' language leave out what is of other sites; a query of theirs is read by hand.
                return match, NAMING if below(path, PROMETHEUS) else taken
        return None, frozenset()


def _from_query(dependant: Dependant) -> Iterator[str]:
    yield from (each.alias for each in dependant.query_params)
    for each in dependant.dependencies:
        yield from _from_query(each)


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
