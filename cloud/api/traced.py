"""What of the requests goes into the audit trail: what changes something, what takes much out, and who was refused.

The record is written in the transaction of what it is about, where that is in the registry, else before the answer
begins. Bodies are not recorded; routes ``tell`` what is worth knowing of them.
"""

import hashlib
import re
from collections import OrderedDict
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud.api.rights import reads
from cloud.api.site_asked import SiteAsked
from cloud.audit.note import Note, about, shortened
from cloud.registry.audit_trail import Trail
from cloud.registry.sessions import Principal
from protocols.clock import Clock

CHANGES_NOTHING = re.compile(r".*/(what-if|dry-run|try)|/api/v1/analysis/baseline|/api/v1/gps-in/.*")
"""Asked by POST, as they need a body. Positions of phones are readings, as those of gateways, and nobody's deed."""
TAKES_OUT = re.compile(
    r"/api/v1/(energy/export|energy/structure/[^/]+/export|energy/reports/[^/]+/[^/]+|assets/export|audit|audit/verify"
    r"|tracks|trips/[^/]+/track|bookings\.ics|privacy/.*"
    r"|access/[^/]+/decisions)"
)
"""Files for others, where vehicles went, and what is kept of people."""
SAME_CONTENT = frozenset(
    {"format", "tolerance_m", "points_max", "language", "headings", "bom", "due", "token", "why", "reason"}
)
"""What of a query says how to write it down, and not whom or what it is about."""
SAID = ("entity", "vehicle", "meter", "door", "from", "to")
"""What of a query stands in the record."""
ONCE_IN_S = 60.0
"""The same reading or refusal of the same credential is recorded once in so long."""
REMEMBERED_MAX = 4_096


class Tracer:
    """Writes to ``trail``; None writes nothing."""

    def __init__(self, trail: Trail | None, site_asked: SiteAsked, clock: Clock) -> None:
        self._trail, self._site_asked, self._clock = trail, site_asked, clock
        self._lately: OrderedDict[tuple[str, str], float] = OrderedDict()

    async def traced(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, who: Principal | None) -> None:
        """Ask the routes, and see to it that the record is there before the answer is."""
        trail, method, path = self._trail, scope["method"], scope["path"]
        changes = not reads(method, path) and not CHANGES_NOTHING.fullmatch(path)
        if trail is None or not (changes or self._takes_out(scope, who)):
            await app(scope, receive, send)
            return
        note = await self._note(scope, who)

        async def send_after(message: Message) -> None:
            if message["type"] == "http.response.start" and note.action:
                if message["status"] < 400:
                    await trail.ensure(note)
                elif note.written and changes and who is not None:
                    late = Note(note.action, note.actor, note.via, note.client, note.site)
                    late.facts = {"answered": message["status"], "after_changing": True}
                    await trail.ensure(late)
            await send(message)

        with about(note):
            await app(scope, receive, send_after)

    async def refused(self, scope: Scope, who: Principal, code: str) -> None:
        """Somebody we know tried what they may not."""
        if self._trail is None or not self._first_lately(who.credential, f"{scope['method']} {scope['path']}"[:200]):
            return
        note = await self._note(scope, who)
        note.facts["refused"] = code
        await self._trail.ensure(note)

    def _takes_out(self, scope: Scope, who: Principal | None) -> bool:
        if who is None or not TAKES_OUT.fullmatch(scope["path"]):
            return False
        asked = sorted((name, said) for name, said in _query(scope).items() if name not in SAME_CONTENT)
        digest = hashlib.sha256(repr((scope["path"], asked)).encode("utf-8", "replace")).hexdigest()
        return self._first_lately(who.credential, digest)

    def _first_lately(self, credential: str, what: str) -> bool:
        now = self._clock.monotonic()
        key = credential, what
        last = self._lately.get(key)
        if last is not None and now - last < ONCE_IN_S:
            return False
        self._lately[key] = now
        self._lately.move_to_end(key)
        while len(self._lately) > REMEMBERED_MAX:
            self._lately.popitem(last=False)
        return True

    async def _note(self, scope: Scope, who: Principal | None) -> Note:
        query = _query(scope)
        sites = await self._site_asked.sites(scope["method"], scope["path"], scope["query_string"], None)
        client = scope.get("client")
        note = Note(
            action=f"{scope['method']} {scope['path']}",
            actor=who.name if who is not None else "",
            via=who.credential.partition(":")[0] if who is not None else "",
            client=client[0] if client else "",
            site=shortened(min(sites))[:32] if len(sites) == 1 else "",
            reason=query.get("why") or query.get("reason", ""),
        )
        note.facts.update({name: shortened(query[name]) for name in SAID if query.get(name)})
        return note


def _query(scope: Scope) -> dict[str, str]:
    """The last of what is said twice, as routes read it."""
    said = parse_qs(scope["query_string"].decode("latin-1"), True, encoding="utf-8", errors="replace")
    return {name: values[-1] for name, values in said.items()}
