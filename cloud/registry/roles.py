"""What a user or token may do: rights, and the roles that are sets of them. The table below is all there is."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Right(StrEnum):
    """One kind of thing that somebody may do."""

    ASK = "ask"
    """Ask for vehicles, rooms and repairs, and see what one asked for oneself."""
    LOOK = "look"
    """See what there is and what was."""
    ALARMS = "alarms"
    """Acknowledge, note and shelve alarms."""
    DISPATCH = "dispatch"
    """Decide requests, bookings and trips."""
    GUARD = "guard"
    """Visitors' passes and patrols."""
    ACCESS = "access"
    """Who may open which door: people, cards and rules."""
    UNLOCK = "unlock"
    """Open a door from afar."""
    ENERGY = "energy"
    """Structure, readings by hand, tariffs, ledger, reports and judgements of energy, and tokens that read it."""
    INSTALL = "install"
    """Gateways, devices, what they are bound to, maps, quarantine."""
    AUDIT = "audit"
    """Read the audit trail."""
    PRIVACY = "privacy"
    """Give out and delete what is kept of a person."""
    ADMINISTER = "administer"
    """Users and everything else."""


class Role(StrEnum):
    """What people are called by what they may."""

    REQUESTER = "requester"
    VIEWER = "viewer"
    DISPATCHER = "dispatcher"
    ENERGY_MANAGER = "energy_manager"
    SECURITY_OFFICER = "security_officer"
    INSTALLER = "installer"
    ADMINISTRATOR = "administrator"


_LOOKING = frozenset({Right.ASK, Right.LOOK})

RIGHTS: Mapping[Role, frozenset[Right]] = MappingProxyType(
    {
        Role.REQUESTER: frozenset({Right.ASK}),
        Role.VIEWER: _LOOKING,
        Role.DISPATCHER: _LOOKING | {Right.ALARMS, Right.DISPATCH, Right.GUARD, Right.UNLOCK},
        Role.ENERGY_MANAGER: _LOOKING | {Right.ENERGY},
        Role.SECURITY_OFFICER: _LOOKING
        | {Right.ALARMS, Right.GUARD, Right.ACCESS, Right.UNLOCK, Right.AUDIT, Right.PRIVACY},
        Role.INSTALLER: _LOOKING | {Right.INSTALL},
        Role.ADMINISTRATOR: frozenset(Right),
    }
)


class Grant(NamedTuple):
    """A role at a site; an empty ``site`` is all of them."""

    role: Role
    site: str = ""


def may(grants: Iterable[Grant], right: Right, site: str | None = None) -> bool:
    """Whether one of the grants gives the right: at that site, or without one, anywhere at all."""
    return any(right in RIGHTS[role] and (site is None or where in ("", site)) for role, where in grants)


def sites_of(grants: Iterable[Grant], right: Right) -> frozenset[str] | None:
    """At which sites the grants give the right; None for all."""
    where = frozenset(site for role, site in grants if right in RIGHTS[role])
    return None if "" in where else where


def roles_with(right: Right) -> list[Role]:
    """Who has a right, for messages."""
    return [role for role in Role if right in RIGHTS[role]]
