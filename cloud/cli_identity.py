"""``dayuan-cloud gateway`` and ``dayuan-cloud broker``: beside a running collector, or without one."""

import argparse
from datetime import UTC, datetime

from cloud.cli_desk import BadGateway, Desk
from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.broker_files import (
    CRL,
    broker_certificate,
    is_ending,
    refresh_revocations,
    renew_broker,
    write_broker_files,
)
from cloud.identity.enrolling import Enrolling, NotEnrolled
from cloud.registry.approval_book import ApprovalBook
from cloud.registry.identity_book import IdentityBook
from cloud.registry.member_book import MemberBook
from cloud.settings import CloudSettings, parse_listen
from cloud.store.contract import GatewayKey
from protocols.clock import SystemClock
from protocols.reading import ID_RULE, is_id
from protocols.settings import duration

DAY_MS = 86_400_000


class _Identities:
    def __init__(self, desk: Desk) -> None:
        clock = SystemClock()
        self.clock = clock
        self.settings: CloudSettings = desk.settings
        self.authority = Authority(desk.settings.identity_path, clock)
        self.book = IdentityBook(desk.database, clock)
        self.desk = Enrolling(self.authority, self.book, clock)


async def gateway_add(desk: Desk, options: argparse.Namespace) -> object:
    """Print a code for a gateway."""
    identities, key = _Identities(desk), _key(options.gateway)
    try:
        made = await identities.desk.invite(key, lasts_s=duration(options.lasts))
    except ValueError as error:
        raise BadGateway(f"--lasts: {error}") from None
    except (NotEnrolled, BadAuthority) as error:
        raise BadGateway(str(error)) from None
    scheme = "https" if desk.settings.https else "http"
    return {
        "gateway": options.gateway,
        "code": made.code,
        "valid_until": _instant(made.expires_at),
        "on_the_box": f"dayuan-edge enrol {scheme}://{desk.settings.listen} {made.code} site.toml",
    }


async def gateway_list(desk: Desk, _: argparse.Namespace) -> object:
    """Enrolled gateways, then those that have a code."""
    identities = _Identities(desk)
    now = identities.clock.now_ms()
    rows: list[dict[str, object]] = []
    enrolled = await identities.book.enrolled()
    waiting = {GatewayKey(code.site, code.gateway): code.expires_at for code in await identities.book.codes()}
    for each in enrolled:
        if each.revoked_at is not None:
            state = "revoked"
        elif each.expires_at is None:
            state = "expired"
        else:
            state = "enrolled"
        days = None if each.expires_at is None else (each.expires_at - now) // DAY_MS
        rows.append(
            {
                "gateway": f"{each.key.site}/{each.key.gateway}",
                "state": state,
                "enrolled": _instant(each.enrolled_at),
                "expires": _instant(each.expires_at),
                "days_left": days,
                "certificates": each.certificates,
                "revoked": _instant(each.revoked_at),
                "reason": each.reason,
                "code_until": _instant(waiting.pop(each.key, None)),
            }
        )
    for key, until in sorted(waiting.items()):
        blank: dict[str, object] = dict.fromkeys(
            ("enrolled", "expires", "days_left", "certificates", "revoked", "reason")
        )
        name = f"{key.site}/{key.gateway}"
        rows.append({"gateway": name, "state": "invited", **blank, "code_until": _instant(until)})
    return rows


async def gateway_revoke(desk: Desk, options: argparse.Namespace) -> object:
    """Take a gateway's certificates back and tell the broker."""
    identities = _Identities(desk)
    try:
        await identities.desk.revoke(_key(options.gateway), options.reason)
        told = await _tell_broker(identities)
    except (NotEnrolled, BadAuthority) as error:
        raise BadGateway(str(error)) from None
    return {"gateway": options.gateway, "revoked": True, "broker": told}


async def _tell_broker(identities: _Identities) -> str:
    folder = identities.settings.broker_files
    crl = await identities.desk.revocation_list()
    if folder is None:
        return f"not told: set files under [broker] to the folder of its {CRL}"
    if refresh_revocations(folder, crl):
        return "has the new list; a running collector ends the session"
    return f"{folder / CRL} is new; let the broker read it again (systemctl reload mosquitto)"


async def broker_files(desk: Desk, options: argparse.Namespace) -> object:
    """Write what mosquitto needs."""
    identities = _Identities(desk)
    if options.connections < 1:
        raise BadGateway("--connections: 1 and more")
    try:
        listen = parse_listen(options.broker_listen)
    except ValueError as error:
        raise BadGateway(f"--broker-listen: {error}") from None
    names = list(options.name or ())
    if not names and listen.host not in ("0.0.0.0", "::"):
        names = [listen.host]
    if not names:
        raise BadGateway("--name: by which host name or address do gateways reach the broker? its certificate names it")
    try:
        identities.authority.open()
        crl = await identities.desk.revocation_list()
        made = write_broker_files(
            options.folder,
            identities.authority,
            listen=listen,
            names=names,
            connections=options.connections,
            crl=crl,
            members=[row.name for row in await MemberBook(desk.database, identities.clock).all() if not row.revoked_at],
        )
    except BadAuthority as error:
        raise BadGateway(str(error)) from None
    return {
        "folder": str(options.folder.resolve()),
        "names": names,
        "certificate_until": _instant(made.not_after),
        "start": f"mosquitto -c {options.folder.resolve()}/mosquitto.conf",
        "cloud.toml": f'[broker] url = "mqtts://{names[0]}:{listen.port}", own_certificate = true, '
        f'files = "{options.folder.resolve()}"',
    }


async def broker_renew(desk: Desk, options: argparse.Namespace) -> object:
    """Give the broker its next certificate when it is time, or now."""
    identities = _Identities(desk)
    try:
        held = broker_certificate(options.folder)
        if not options.now and not is_ending(held, identities.clock.now_ms()):
            return {"renewed": False, "certificate_until": _instant(held.not_after)}
        identities.authority.open()
        made, told = renew_broker(options.folder, identities.authority)
    except BadAuthority as error:
        raise BadGateway(str(error)) from None
    broker = "has it" if told else "let it read it again (systemctl reload mosquitto)"
    return {"renewed": True, "certificate_until": _instant(made.not_after), "broker": broker}


async def approval_list(desk: Desk, options: argparse.Namespace) -> object:
    """Commands that wait for a second person, or waited."""
    now = SystemClock().now_ms()
    rows = await ApprovalBook(desk.database).newest(site=None, many=options.many)
    return [
        {
            "id": row.id,
            "state": "expired" if row.state == "waiting" and row.until <= now else row.state,
            "to": f"{row.site}/{row.gateway}/{row.device}/{row.point}",
            "action": row.action if row.value is None else f"{row.action} {row.value:g}",
            "asked": f"{row.asked_by} {_instant(row.asked_at)}",
            "reason": row.reason,
            "decided": row.decided_by and f"{row.decided_by} {_instant(row.decided_at)} {row.opinion}".strip(),
        }
        for row in rows
    ]


async def approval_reject(desk: Desk, options: argparse.Namespace) -> object:
    """Reject one. There is no approving here: whoever sits at the machine is no second person."""
    book = ApprovalBook(desk.database)
    row = await book.find(options.id)
    if row is None:
        raise BadGateway(f"{options.id!r}: nothing of that number was asked for (dayuan-cloud approval list)")
    opinion = " ".join(options.reason.split())[:200]
    if not await book.decide(row, state="rejected", by="desk", opinion=opinion, at=SystemClock().now_ms()):
        raise BadGateway(f"{options.id}: it is decided already, or its time is over")
    return {"id": row.id, "state": "rejected"}


def _key(text: str) -> GatewayKey:
    site, stroke, gateway = text.partition("/")
    if not stroke or not is_id(site) or not is_id(gateway):
        raise BadGateway(f"{text!r} is no SITE/GATEWAY; each is {ID_RULE}")
    return GatewayKey(site, gateway)


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")
