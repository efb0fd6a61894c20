"""What is asked of access: doors and their lists, who may open what, why a card was refused, cards nobody has."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response

from cloud.access.rulings import Allowed, Situation, may_what, rule, who_may
from cloud.api.access import Site
from cloud.api.answers import ApiError, json_answer
from cloud.api.place_answers import check_site, example
from cloud.api.services import Services
from cloud.features_access import AccessFeatures, is_card_key
from cloud.places.history import History
from cloud.store.contract import GatewayKey
from protocols.reading import ID_PATTERN, Event

Id = Annotated[str, Path(pattern=f"^{ID_PATTERN.pattern}$")]
At = Annotated[int | None, Query(ge=0, le=253_402_300_800_000, description="ms; now when not said")]
From = Annotated[int | None, Query(alias="from", ge=0, description="ms; a day back when not said")]
DAY_MS = 86_400_000
DECIDED = frozenset({"access_granted", "access_denied"})
SHOWN_MAX = 500
TAGS_MAX = 200
LIST = {
    "gateway": "b3",
    "online": True,
    "enrolled": True,
    "wanted": 1790000000000,
    "cards": 412,
    "doors": 3,
    "issued_at": 1790000000000,
    "expires_at": 1790604800000,
    "published_at": 1790000000400,
    "held": 1790000000000,
    "held_expires_at": 1790604800000,
    "told_at": 1790000001000,
    "refused": "",
    "fault": "",
}
DOOR = {
    "door": "b3-lobby",
    "name": "Lobby",
    "gateway": "b3",
    "local": "main-entrance",
    "lock": "fail-secure",
    "remote": True,
    "card_level": 1,
    "passback": "off",
}
ALLOWED = {
    "holder": "li-na",
    "name": "Li Na",
    "door": "b3-lobby",
    "permission": "staff-in",
    "schedule": "work",
    "now": True,
}
RULING: dict[str, Any] = {
    "reason": "not_now",
    "holder": "li-na",
    "name": "Li Na",
    "permissions": ["staff-in"],
    "since": None,
    "until": None,
    "detail": "",
}
DECISION = {
    "at": 1790000000000,
    "door": "b3-lobby",
    "device": "b3-lobby-reader",
    "granted": False,
    "reason": "not_now",
    "card": "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605",
    "holder": "li-na",
    "name": "Li Na",
    "list": 1790000000000,
}
UNKNOWN = {
    "card": "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605",
    "door": "b3-lobby",
    "device": "b3-lobby-reader",
    "at": 1790000000000,
    "times": 2,
}


def routes(services: Services) -> APIRouter:
    """``/api/v1/access/{site}/...``, to read."""
    router = APIRouter(tags=["access"])
    _doors(router, services)
    _asked(router, services)
    _heard(router, services)
    _carriers(router, services)
    return router


def access_of(services: Services) -> AccessFeatures:
    """The feature. Only for routes that are there when features are."""
    assert services.features is not None
    return services.features.access


def _doors(router: APIRouter, services: Services) -> None:
    access = access_of(services)

    @router.get(
        "/api/v1/access/{site}/doors", response_class=Response, responses=example({"doors": [DOOR], "lists": [LIST]})
    )
    async def doors(site: Site) -> Response:
        """Doors that gateways decide for, and the list of each gateway: wanted, and held as it says itself.

        A gateway whose `held` is not `wanted` goes by an older list; `held` 0 has none, null has not said."""
        check_site(services, site)
        behind = {(known.gateway.gateway, known.door.id): known.door for known in access.doors.all(site)}
        shown = []
        for each in access.publisher.controlled(site):
            said = behind[each.gateway, each.local]
            head = {"door": each.door, "name": each.name, "gateway": each.gateway, "local": each.local}
            rules = {"card_level": each.least, "passback": each.passback}
            shown.append({**head, "lock": said.lock, "remote": said.remote, **rules})
        lists = [_list_shown(access, key) for key in access.doors.gateways(site)]
        return json_answer({"doors": shown, "lists": lists})

    @router.get(
        "/api/v1/access/{site}/doors/{door}/who", response_class=Response, responses=example({"allowed": [ALLOWED]})
    )
    async def who(site: Site, door: Id, at: At = None) -> Response:
        """Everybody who may open a door at some time, by which permission, and whether at the instant."""
        situation = access.situation(site)
        if all(each.door != door for each in situation.doors):
            raise ApiError(404, "unknown_door", f"no gateway decides for a door {door!r}", "bind its reader to it")
        when = services.clock.now_ms() if at is None else at
        return await asyncio.to_thread(lambda: _allowed_shown(situation, who_may(situation, door, when)))

    @router.get(
        "/api/v1/access/{site}/holders/{holder}/doors",
        response_class=Response,
        responses=example({"allowed": [ALLOWED]}),
    )
    async def what(site: Site, holder: Id, at: At = None) -> Response:
        """Every door somebody may open at some time."""
        situation = access.situation(site)
        if holder not in situation.known.holders:
            raise ApiError(404, "unknown_record", f"no holder {holder!r} at site {site!r}")
        when = services.clock.now_ms() if at is None else at
        return await asyncio.to_thread(lambda: _allowed_shown(situation, may_what(situation, holder, when)))


def _asked(router: APIRouter, services: Services) -> None:
    access = access_of(services)

    @router.get("/api/v1/access/{site}/ruling", response_class=Response, responses=example(RULING))
    async def ruling(
        site: Site,
        door: Annotated[str, Query(max_length=32)],
        card: Annotated[str, Query(pattern="^[0-9a-f]{32}$", description="its key")],
        at: At = None,
    ) -> Response:
        """What today's rules say of a card at a door at an instant, and why. A gateway decides by the list it holds."""
        check_site(services, site)
        when = services.clock.now_ms() if at is None else at
        found = rule(access.situation(site), door, card, when)._asdict()
        return json_answer(_named(found, access, site))


def _heard(router: APIRouter, services: Services) -> None:
    access, history = access_of(services), History(services.store)

    @router.get(
        "/api/v1/access/{site}/decisions", response_class=Response, responses=example({"decisions": [DECISION]})
    )
    async def decisions(
        site: Site,
        door: Annotated[str, Query(max_length=32, description="only this one")] = "",
        denied: Annotated[bool, Query(description="only refusals")] = False,
        from_: From = None,
        limit: Annotated[int, Query(ge=1, le=SHOWN_MAX)] = 100,
    ) -> Response:
        """Who was let in and who was refused at doors of the site, the newest first."""
        check_site(services, site)
        now = services.clock.now_ms()
        since = max(from_ if from_ is not None else now - DAY_MS, now - 31 * DAY_MS)
        found = []
        for event, where in await _at_doors(services, history, site, door, since, now + 1):
            if event.kind in DECIDED and not (denied and event.kind == "access_granted"):
                found.append(_decision(event, where, access, site))
        found.sort(key=lambda each: -int(str(each["at"])))
        return json_answer({"decisions": found[:limit]})

    @router.get("/api/v1/access/{site}/unknown-cards", response_class=Response, responses=example({"cards": [UNKNOWN]}))
    async def unknown(
        site: Site, door: Annotated[str, Query(max_length=32, description="only at this one")] = "", from_: From = None
    ) -> Response:
        """Card keys that were held to readers and are nobody's, the newest first: to give one to somebody."""
        check_site(services, site)
        now = services.clock.now_ms()
        since = max(from_ if from_ is not None else now - DAY_MS, now - 7 * DAY_MS)
        known = {*access.register.site(site).credentials, *(each.card for each in access.publisher.lent(site))}
        read: dict[tuple[str, str], int] = {}
        cards: dict[str, dict[str, Any]] = {}
        for event, where in await _at_doors(services, history, site, door, since, now + 1):
            card = str(event.data.get("card_key") or "")
            if not is_card_key(card) or card in known:
                continue
            seen = cards.setdefault(card, {"card": card, "door": where, "device": event.device, "at": 0, "times": 0})
            # A reader whose gateway decides tells a tap twice: the card as it was read, and the decision.
            key = (card, "read" if event.kind == "card_read" else "decided")
            read[key] = read.get(key, 0) + 1
            seen["times"] = max(seen["times"], read[key])
            if event.at >= seen["at"]:
                seen.update(at=event.at, door=where, device=event.device)
        shown = sorted(cards.values(), key=lambda each: -each["at"])
        return json_answer({"cards": shown[:SHOWN_MAX]})


def _carriers(router: APIRouter, services: Services) -> None:
    access = access_of(services)

    @router.get(
        "/api/v1/access/{site}/carriers", response_class=Response, responses=example({"carriers": {"6f1d3a": "Li Na"}})
    )
    async def carriers(
        site: Site,
        tags: Annotated[str, Query(pattern="^[0-9a-f]{6}(,[0-9a-f]{6})*$", max_length=7 * TAGS_MAX)],
    ) -> Response:
        """Who carries the cards that lists of what happened call by the first six digits of their keys. A tag that is
        nobody's, or that is of several people, is not in the answer."""
        check_site(services, site)
        return json_answer({"carriers": access.carriers(site, tags.split(","))})


async def _at_doors(
    services: Services, history: History, site: str, door: str, since: int, until: int
) -> Iterable[tuple[Event, str]]:
    """Events of the readers of doors, with the door."""
    assert services.features is not None
    roster = services.features.roster
    where: dict[str, str] = {}
    for asset in roster.all("door", site):
        where |= {each.device: asset.key.id for each in asset.bindings if each.role in ("reader", "contact", "lock")}
    for reader in roster.all("reader", site):
        if reader.text("door"):
            where |= {each.device: reader.text("door") for each in reader.bindings}
    found: list[tuple[Event, str]] = []
    for device, name in where.items():
        if door in ("", name):
            found += [(event, name) for event in await history.events(site, device, since, until)]
    return found


def _decision(event: Event, door: str, access: AccessFeatures, site: str) -> dict[str, object]:
    card = str(event.data.get("card_key") or "")
    credential = access.register.site(site).credentials.get(card)
    found = {
        "at": event.at,
        "door": door,
        "device": event.device,
        "granted": event.kind == "access_granted",
        "reason": str(event.data.get("reason") or ""),
        "card": card,
        "holder": credential.holder if credential is not None else "",
        "list": event.data.get("list"),
    }
    named = _named(found, access, site)
    return named if named["name"] else {**named, "name": access.visitor_of(site, card, event.at)}


def _allowed_shown(situation: Situation, allowed: Iterable[Allowed]) -> Response:
    holders = situation.known.holders
    return json_answer({"allowed": [{**each._asdict(), "name": holders[each.holder].name} for each in allowed]})


def _named(found: dict[str, Any], access: AccessFeatures, site: str) -> dict[str, Any]:
    holder = access.register.site(site).holders.get(found["holder"])
    return {**found, "name": holder.name if holder is not None else ""}


def _list_shown(access: AccessFeatures, key: GatewayKey) -> dict[str, object]:
    publisher = access.publisher
    given, held = publisher.given.get(key), access.holding.held(key)
    sender = publisher.sender
    return {
        "gateway": key.gateway,
        "online": access.online(key),
        "enrolled": sender is not None and sender.enrolled(key),
        "wanted": given.number if given else None,
        "cards": given.cards if given else 0,
        "doors": given.doors if given else 0,
        "issued_at": given.issued_at if given else None,
        "expires_at": given.expires_at if given else None,
        "published_at": given.published_at if given else None,
        "held": held.number if held else None,
        "held_expires_at": held.expires_at if held else None,
        "told_at": held.told_at if held else None,
        "refused": held.refused if held else "",
        "fault": publisher.faults.get(key, ""),
    }
