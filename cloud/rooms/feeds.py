"""Calendar feeds: addresses with a secret in them, for programs that subscribe and can do nothing else.

A feed is a token that reads one calendar and nothing else: the bookings of a site, of one room, or of one organiser.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from cloud.registry.roles import Role
from cloud.registry.tables import TokenRow
from cloud.registry.tokens import BadToken, Scope, Tokens, scope_of
from cloud.rooms.booking import Booking
from protocols.reading import ID_RULE, is_id

ORGANISER_MAX = 100


class Feed(NamedTuple):
    """Whose bookings: of a site, and of these only when they are named."""

    site: str
    room: str = ""
    organiser: str = ""

    def chosen(self, bookings: Sequence[Booking]) -> list[Booking]:
        """Those that belong into it."""
        return [
            each for each in bookings if self.room in ("", each.room) and self.organiser in ("", each.organiser.strip())
        ]


def spell_feed(feed: Feed) -> str:
    """As a token's scope has it. Raises BadToken."""
    if not is_id(feed.site) or (feed.room and not is_id(feed.room)):
        raise BadToken(f"a calendar is of a SITE or one --room of it: each {ID_RULE}")
    if len(feed.organiser) > ORGANISER_MAX:
        raise BadToken(f"an organiser's name has at most {ORGANISER_MAX} characters")
    named = [(name, value) for name, value in feed._asdict().items() if value and name != "site"]
    return f"{feed.site}?{urlencode(named)}" if named else feed.site


def read_feed(about: str) -> Feed:
    """What a token's scope says."""
    site, _, rest = about.partition("?")
    named = dict(parse_qsl(rest))
    return Feed(site, named.get("room", ""), named.get("organiser", ""))


class Feeds:
    """All there are, on the registry's tokens."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def add(self, feed: Feed, name: str, lasts_s: float | None) -> tuple[str, str]:
        """A new feed; its id and its secret, which is shown once. Raises BadToken."""
        about = spell_feed(feed._replace(organiser=feed.organiser.strip()))
        title = name.strip() or f"calendar {feed.room or feed.organiser or feed.site}"
        return await self._tokens.add(title, Role.VIEWER, scope=Scope.CALENDAR, about=about, lasts_s=lasts_s)

    async def rows(self) -> list[TokenRow]:
        """Every feed's token, also ended ones."""
        return [row for row in await self._tokens.all() if scope_of(row.scope)[0] is Scope.CALENDAR]
