"""The commands of ``dayuan-cloud`` that work on a registry, beside a running collector or without one."""

import argparse
import getpass
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime

from cloud.audit.files import BadKey
from cloud.audit.note import Note, about
from cloud.privacy.contract import BadSubject
from cloud.registry.audit_book import Search
from cloud.registry.audit_trail import Trail
from cloud.registry.database import Database
from cloud.registry.opening import registry_of
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Grant, Role
from cloud.registry.second_factor import BadSecondFactor, SecondFactors
from cloud.registry.tokens import BadToken, Scope, Tokens, scope_of
from cloud.registry.users import BadUser, Users
from cloud.settings import CloudSettings
from protocols.clock import SystemClock
from protocols.errors import Permanent
from protocols.reading import ID_RULE, is_id
from protocols.settings import duration


class BadGateway(Permanent):
    """A gateway or a folder for a broker that was not taken."""


class BadSite(Permanent):
    """A file that was not taken; one line for each fault, as ``file:line: key: what is wrong``."""


class BadTrail(Permanent):
    """The audit trail is not as it was written; the message names the first bad record."""


class BadPrivacy(Permanent):
    """Nobody is described by this, or it cannot be done now."""


Mistaken = (BadPrivacy, BadUser, BadToken, BadSite, BadGateway, BadSecondFactor, BadTrail, BadKey)
"""What somebody asked for that cannot be; the message says it all."""


class Desk:
    """What the commands for users and tokens work on: the registry of a data folder, beside a running collector."""

    def __init__(self, database: Database, settings: CloudSettings) -> None:
        self.settings = settings
        clock = SystemClock()
        self.database = database
        self.passwords = Passwords()
        self.users = Users(database, self.passwords, clock)
        self.tokens = Tokens(database, clock)
        self.second_factors = SecondFactors(database, clock)
        self.trail = Trail(
            database,
            clock,
            folder=settings.data,
            key_file=settings.audit_key_file,
            checkpoint_file=settings.audit_checkpoint_file,
        )


async def at_desk(settings: CloudSettings, options: argparse.Namespace) -> object:
    """Do what was asked for. Raises one of ``Mistaken``."""
    database = registry_of(settings, SystemClock())
    desk = Desk(database, settings)
    try:
        await database.open(replace_damaged=False)
        if options.desk_work in WITHOUT_TRAIL:
            return await WORKS[options.desk_work](desk, options)
        await desk.trail.open()
        with about(Note(options.desk_work, actor=_who(), via="desk")):
            return await WORKS[options.desk_work](desk, options)
    finally:
        desk.passwords.close()
        await desk.trail.close()
        await database.close()


def _who() -> str:
    """Whoever sits at the machine, as it knows them."""
    try:
        return f"desk:{getpass.getuser()}"
    except (KeyError, OSError):
        return "desk"


def _grants(options: argparse.Namespace) -> list[Grant]:
    sites = options.site or [""]
    for site in sites:
        if site and not is_id(site):
            raise BadUser(f"--site {site!r}: {ID_RULE}")
    return [Grant(Role(options.role), site) for site in sites]


async def user_add(desk: Desk, options: argparse.Namespace) -> object:
    grants = _grants(options)
    password = await desk.users.add(options.name, Role(options.role), grants=grants)
    told = {"user": options.name.strip().lower(), "roles": _roles(grants)}
    return {**told, "one_time_password": password}


async def user_list(desk: Desk, _: argparse.Namespace) -> object:
    held = await desk.second_factors.held()
    return [
        {
            "name": user.name,
            "roles": _roles(user.grants),
            "second_factor": user.id in held,
            "disabled": user.disabled,
            "must_change_password": user.must_change_password,
            "last_login": _instant(user.last_login_at),
        }
        for user in await desk.users.all()
    ]


async def user_reset(desk: Desk, options: argparse.Namespace) -> object:
    return {"user": options.name, "one_time_password": await desk.users.reset(options.name)}


async def user_disable(desk: Desk, options: argparse.Namespace) -> object:
    await desk.users.set_disabled(options.name, disabled=True)
    return {"user": options.name, "disabled": True}


async def user_enable(desk: Desk, options: argparse.Namespace) -> object:
    await desk.users.set_disabled(options.name, disabled=False)
    return {"user": options.name, "disabled": False}


async def user_role(desk: Desk, options: argparse.Namespace) -> object:
    """The roles named before stay where they are only with ``--add``."""
    grants = _grants(options)
    if options.add:
        user = await desk.users.find(options.name)
        grants = [*(user.grants if user is not None else ()), *grants]
    await desk.users.set_grants(options.name, grants)
    return {"user": options.name, "roles": _roles(grants)}


async def user_second_factor_reset(desk: Desk, options: argparse.Namespace) -> object:
    await desk.second_factors.remove(options.name)
    return {"user": options.name, "second_factor": False}


async def audit_verify(desk: Desk, _: argparse.Namespace) -> object:
    verdict = await desk.trail.verify()
    if verdict.bad is not None:
        raise BadTrail(f"record {verdict.bad}: {verdict.what} ({verdict.records} records before it are good)")
    return {"records": verdict.records, "whole": True}


async def audit_list(desk: Desk, options: argparse.Namespace) -> object:
    found = await desk.trail.book.search(Search(actor=options.actor, action=options.action_part), options.last)
    return [{**each._asdict(), "at": _instant(each.at)} for each in reversed(found)]


async def token_add(desk: Desk, options: argparse.Namespace) -> object:
    lasts_s = _lasts_s(options.lasts)
    scope = Scope(options.scope or "")
    if options.site and not is_id(options.site):
        raise BadToken(f"--site {options.site!r}: {ID_RULE}")
    token_id, secret = await desk.tokens.add(
        options.name, Role(options.role), lasts_s=lasts_s, scope=scope, site=options.site
    )
    told = {"id": token_id, "name": options.name, "role": options.role}
    return {**told, **({"for": scope.value} if scope else {}), "token": secret}


async def token_list(desk: Desk, _: argparse.Namespace) -> object:
    return [
        {
            "id": token.id,
            "name": token.name,
            "role": token.role,
            "for": token.scope,
            "site": token.site,
            "created": _instant(token.created_at),
            "expires": _instant(token.expires_at),
            "last_used": _instant(token.last_used_at),
            "revoked": _instant(token.revoked_at),
        }
        for token in await desk.tokens.all()
    ]


async def token_revoke(desk: Desk, options: argparse.Namespace) -> object:
    await desk.tokens.revoke(options.id)
    return {"id": options.id, "revoked": True}


async def tracker_add(desk: Desk, options: argparse.Namespace) -> object:
    from cloud import cli_trackers  # numpy, of which users and tokens need nothing

    return await cli_trackers.add_tracker(desk.database, desk.tokens, options)


async def tracker_list(desk: Desk, _: argparse.Namespace) -> object:
    from cloud import cli_trackers

    return [
        {
            "id": row.id,
            "tracker": scope_of(row.scope)[1],
            "name": row.name,
            "last_used": _instant(row.last_used_at),
            "revoked": _instant(row.revoked_at),
        }
        for row in await cli_trackers.list_trackers(desk.tokens)
    ]


async def tracker_revoke(desk: Desk, options: argparse.Namespace) -> object:
    from cloud import cli_trackers

    return await cli_trackers.end_tracker(desk.tokens, options)


async def calendar_add(desk: Desk, options: argparse.Namespace) -> object:
    from cloud.rooms.feeds import Feed, Feeds

    feed = Feed(options.site, options.room, options.organiser)
    number, secret = await Feeds(desk.tokens).add(feed, options.name, _lasts_s(options.lasts))
    return {"id": number, "address": f"/api/v1/calendars/bookings.ics?token={secret}"}


async def calendar_list(desk: Desk, _: argparse.Namespace) -> object:
    from cloud.rooms.feeds import Feeds, read_feed

    return [
        {
            "id": row.id,
            "name": row.name,
            **read_feed(scope_of(row.scope)[1])._asdict(),
            "expires": _instant(row.expires_at),
            "last_used": _instant(row.last_used_at),
            "revoked": _instant(row.revoked_at),
        }
        for row in await Feeds(desk.tokens).rows()
    ]


async def calendar_revoke(desk: Desk, options: argparse.Namespace) -> object:
    from cloud.rooms.feeds import Feeds

    if options.id not in {row.id for row in await Feeds(desk.tokens).rows()}:
        raise BadToken(f"there is no calendar {options.id!r} (see: dayuan-cloud calendar list)")
    await desk.tokens.revoke(options.id)
    return {"id": options.id, "revoked": True}


def _lasts_s(text: str | None) -> float | None:
    try:
        return duration(text) if text else None
    except ValueError as error:
        raise BadToken(f"--lasts: {error}") from None


def _roles(grants: Sequence[Grant]) -> list[str]:
    return [f"{role.value}@{site}" if site else role.value for role, site in grants]


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")


async def import_site(desk: Desk, options: argparse.Namespace) -> object:
    from cloud import cli_sites  # numpy, of which users and tokens need nothing

    return await cli_sites.import_file(desk.database, options)


async def access_import(desk: Desk, options: argparse.Namespace) -> object:
    from cloud import cli_sites

    return await cli_sites.import_access_file(desk.database, options)


async def map_site(desk: Desk, options: argparse.Namespace) -> object:
    from cloud import cli_sites

    return await cli_sites.put_map(desk.database, options)


def identity(name: str) -> Callable[[Desk, argparse.Namespace], Awaitable[object]]:
    """A command of ``cli_identity``, with its imports when it is asked for."""

    async def work(desk: Desk, options: argparse.Namespace) -> object:
        from cloud import cli_identity  # cryptography, of which users and tokens need nothing

        answer: object = await getattr(cli_identity, name)(desk, options)
        return answer

    work.__name__ = name
    return work


def member(name: str) -> Callable[[Desk, argparse.Namespace], Awaitable[object]]:
    """A command of ``cli_members``, with its imports when it is asked for."""

    async def work(desk: Desk, options: argparse.Namespace) -> object:
        from cloud import cli_members

        answer: object = await getattr(cli_members, work.__name__)(desk, options)
        return answer

    work.__name__ = f"member_{name}"
    return work


def site_file(name: str) -> Callable[[Desk, argparse.Namespace], Awaitable[object]]:
    """A command of ``cli_config`` or ``cli_rollout``, with its imports when it is asked for."""

    async def work(desk: Desk, options: argparse.Namespace) -> object:
        from cloud import cli_config, cli_rollout

        module = cli_rollout if name.startswith("rollout_") else cli_config
        answer: object = await getattr(module, work.__name__)(desk, options)
        return answer

    work.__name__ = name if name.startswith("rollout_") else f"config_{name}"
    return work


def privacy(name: str) -> Callable[[Desk, argparse.Namespace], Awaitable[object]]:
    """A command of ``cli_privacy``, with its imports when it is asked for."""

    async def work(desk: Desk, options: argparse.Namespace) -> object:
        from cloud import cli_privacy  # the store, of which users and tokens need nothing

        try:
            answer: object = await getattr(cli_privacy, name)(desk, options)
        except (BadSubject, cli_privacy.CannotNow, cli_privacy.Held, cli_privacy.Changed) as error:
            raise BadPrivacy(str(error)) from None
        return answer

    work.__name__ = name
    return work


WORKS: Mapping[str, Callable[[Desk, argparse.Namespace], Awaitable[object]]] = {
    work.__name__: work
    for work in (
        user_add,
        user_list,
        user_reset,
        user_disable,
        user_enable,
        user_role,
        user_second_factor_reset,
        audit_verify,
        audit_list,
        token_add,
        token_list,
        token_revoke,
        tracker_add,
        tracker_list,
        tracker_revoke,
        calendar_add,
        calendar_list,
        calendar_revoke,
        import_site,
        access_import,
        map_site,
        *(identity(name) for name in ("gateway_add", "gateway_list", "gateway_revoke", "broker_files", "broker_renew")),
        *(identity(name) for name in ("approval_list", "approval_reject")),
        *(member(name) for name in ("add", "list", "revoke")),
        *(site_file(name) for name in ("show", "history", "diff", "set", "revert")),
        *(site_file(f"rollout_{name}") for name in ("plan", "list", "show", "diff", "start", "pause")),
        *(site_file(f"rollout_{name}") for name in ("continue", "abort")),
        *(privacy(name) for name in ("privacy_export", "privacy_delete", "retention_show", "retention_run")),
    )
}
WITHOUT_TRAIL = frozenset({"audit_verify", "audit_list"})
"""They look at the trail as it lies there, and make no key where there is none."""
