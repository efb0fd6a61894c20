"""Trackers: tokens that may send the positions of one device. Made and taken away at the desk."""

from typing import NamedTuple

from cloud.registry.roles import Role
from cloud.registry.tables import TokenRow
from cloud.registry.tokens import BadToken, Scope, Tokens, scope_of
from protocols.reading import ID_RULE, is_id


class Tracker(NamedTuple):
    """A device that sends by itself. ``token``: the id of its token, not the secret."""

    token: str
    site: str
    device: str
    name: str


def tracker_of(about: str) -> tuple[str, str]:
    """Site and device of what a tracker's token is about. Raises BadToken."""
    site, _, device = about.partition("/")
    if not is_id(site) or not is_id(device):
        raise BadToken(f"{about[:80]!r} is no SITE/DEVICE: each {ID_RULE}")
    return site, device


class Trackers:
    """All there are, on the registry's tokens."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def add(self, about: str, name: str = "") -> tuple[Tracker, str]:
        """A new tracker and its secret, which is shown once. Raises BadToken when the device has one already."""
        site, device = tracker_of(about)
        taken = next((each for each in await self.all() if each[1:3] == (site, device)), None)
        if taken is not None:
            raise BadToken(
                f"{site}/{device} has the tracker {taken.token} already; end it first: "
                f"dayuan-cloud tracker revoke {taken.token}"
            )
        title = name.strip() or device
        number, secret = await self._tokens.add(title, Role.VIEWER, scope=Scope.TRACKER, about=f"{site}/{device}")
        return Tracker(number, site, device, title), secret

    async def all(self) -> list[Tracker]:
        """Those that may send, the oldest first."""
        return [tracker for row in await self.rows() if row.revoked_at is None and (tracker := _shown(row))]

    async def rows(self) -> list[TokenRow]:
        """Every tracker's token, also ended ones."""
        return [row for row in await self._tokens.all() if scope_of(row.scope)[0] is Scope.TRACKER]


def _shown(row: TokenRow) -> Tracker:
    site, device = tracker_of(scope_of(row.scope)[1])
    return Tracker(row.id, site, device, row.name)
