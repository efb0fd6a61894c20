"""The commands of ``dayuan-cloud`` that work on a registry, beside a running collector or without one."""

import argparse
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

from cloud.registry.database import Database
from cloud.registry.opening import registry_of
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Role
from cloud.registry.tokens import BadToken, Scope, Tokens, scope_of
from cloud.registry.users import BadUser, Users
from cloud.settings import CloudSettings
from protocols.clock import SystemClock
from protocols.errors import Permanent
from protocols.settings import duration


class BadGateway(Permanent):
    """A gateway or a folder for a broker that was not taken."""


class BadSite(Permanent):
    """A file that was not taken; one line for each fault, as ``file:line: key: what is wrong``."""


Mistaken = (BadUser, BadToken, BadSite, BadGateway)
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


async def at_desk(settings: CloudSettings, options: argparse.Namespace) -> object:
    """Do what was asked for. Raises one of ``Mistaken``."""
    database = registry_of(settings, SystemClock())
    desk = Desk(database, settings)
    try:
        await database.open(replace_damaged=False)
        return await WORKS[options.desk_work](desk, options)
    finally:
        desk.passwords.close()
        await database.close()


async def user_add(desk: Desk, options: argparse.Namespace) -> object:
    password = await desk.users.add(options.name, Role(options.role))
    return {"user": options.name.strip().lower(), "role": options.role, "one_time_password": password}


async def user_list(desk: Desk, _: argparse.Namespace) -> object:
    return [
        {
            "name": user.name,
            "role": user.role,
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
    await desk.users.set_role(options.name, Role(options.role))
    return {"user": options.name, "role": options.role}


async def token_add(desk: Desk, options: argparse.Namespace) -> object:
    lasts_s = _lasts_s(options.lasts)
    scope = Scope(options.scope or "")
    token_id, secret = await desk.tokens.add(options.name, Role(options.role), lasts_s=lasts_s, scope=scope)
    told = {"id": token_id, "name": options.name, "role": options.role}
    return {**told, **({"for": scope.value} if scope else {}), "token": secret}


async def token_list(desk: Desk, _: argparse.Namespace) -> object:
    return [
        {
            "id": token.id,
            "name": token.name,
            "role": token.role,
            "for": token.scope,
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


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at // 1000, UTC).isoformat().replace("+00:00", "Z")


async def import_site(desk: Desk, options: argparse.Namespace) -> object:
    from cloud import cli_sites  # numpy, of which users and tokens need nothing

    return await cli_sites.import_file(desk.database, options)


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


WORKS: Mapping[str, Callable[[Desk, argparse.Namespace], Awaitable[object]]] = {
    work.__name__: work
    for work in (
        user_add,
        user_list,
        user_reset,
        user_disable,
        user_enable,
        user_role,
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
        map_site,
        *(identity(name) for name in ("gateway_add", "gateway_list", "gateway_revoke", "broker_files")),
    )
}
