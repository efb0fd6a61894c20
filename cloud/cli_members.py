"""``dayuan-cloud member``: who is of a group of collectors that shows certificates; beside a running desk."""

import argparse
from datetime import UTC, datetime

from cloud.cli_desk import BadGateway, Desk
from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.broker_files import CRL, refresh_revocations
from cloud.identity.enrolling import Enrolling
from cloud.identity.members import Members, NotAMember
from cloud.registry.identity_book import IdentityBook
from cloud.registry.member_book import MemberBook
from protocols.clock import SystemClock
from protocols.settings import duration


class _Group:
    def __init__(self, desk: Desk) -> None:
        self.clock, self.settings = SystemClock(), desk.settings
        self.authority = Authority(desk.settings.identity_path, self.clock)
        self.book = MemberBook(desk.database, self.clock)
        self.identities = IdentityBook(desk.database, self.clock)
        self.members = Members(desk.settings, self.authority, self.book, self.clock)


async def member_add(desk: Desk, options: argparse.Namespace) -> object:
    """Let a member ask for its certificate."""
    group = _Group(desk)
    try:
        lasts_s = duration(options.lasts)
        await group.members.add(options.name, lasts_s=lasts_s)
        told = await group.members.tell_broker()
    except ValueError as error:
        raise BadGateway(f"--lasts: {error}") from None
    except (NotAMember, BadAuthority) as error:
        raise BadGateway(str(error)) from None
    settings = group.settings.path or "cloud.toml"
    return {
        "member": options.name,
        "invited_until": _instant(group.clock.now_ms() + int(lasts_s * 1000)),
        "broker": "has the new list" if told else "the running desk tells it, or: systemctl reload mosquitto",
        "start_there": f"dayuan-cloud ingest {settings} --member {options.name}",
    }


async def member_list(desk: Desk, _: argparse.Namespace) -> object:
    """All that were ever added."""
    group = _Group(desk)
    now = group.clock.now_ms()
    rows: list[dict[str, object]] = []
    for row in await group.book.all():
        held = await group.book.valid_certificates(row.name)
        if row.revoked_at is not None:
            state = "revoked"
        elif held:
            state = "member"
        else:
            state = "invited" if row.invited_until > now else "expired"
        rows.append(
            {
                "member": row.name,
                "state": state,
                "expires": _instant(held[0].not_after if held else None),
                "certificates": len(held),
                "invited_until": _instant(row.invited_until or None),
                "revoked": _instant(row.revoked_at),
                "reason": row.reason,
                "refused": row.refused,
            }
        )
    return rows


async def member_revoke(desk: Desk, options: argparse.Namespace) -> object:
    """Take a member's certificates back and tell the broker."""
    group = _Group(desk)
    folder = group.settings.broker_files
    try:
        await group.members.revoke(options.name, options.reason)
        told = await group.members.tell_broker()
        if folder is not None:
            crl = await Enrolling(group.authority, group.identities, group.clock).revocation_list()
            told = refresh_revocations(folder, crl)
    except (NotAMember, BadAuthority) as error:
        raise BadGateway(str(error)) from None
    broker = "has the new lists; a running desk ends the session"
    return {
        "member": options.name,
        "revoked": True,
        "broker": broker if told else f"let it read access and {CRL} again (systemctl reload mosquitto)",
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")
