"""A compound for dispatch: assets, places and states as a test sets them, over a real registry."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from cloud.assets.contract import Asset, AssetKey, Binding, Fence, Place, ResourceState
from cloud.dispatch.contract import Actor, Measured, RoomSharing
from cloud.dispatch.deciding import Act
from cloud.dispatch.feature import Dispatch, Needs
from cloud.dispatch.filing import Draft
from cloud.dispatch.request import Request, Requester, Where
from cloud.geo.earth import Spot
from cloud.registry.database import Database
from cloud.registry.request_book import RequestBook
from protocols.clock import ManualClock

SITE = "east"
ZONE = ZoneInfo("Asia/Shanghai")
NINE = 1_795_223_000_000 // 86_400_000 * 86_400_000 + 3_600_000 + 86_400_000
"""A day at 09:00 in the site's zone."""
GATE = Spot(30.2741, 120.1551)
METRE = 1 / 111_195
"""Degrees of latitude."""

LI, ZHOU, WANG, SUN = (
    Actor("li", dispatcher=True),
    Actor("zhou", dispatcher=True),
    Actor("wang", dispatcher=False, sees_all=False),
    Actor("sun", dispatcher=False, sees_all=False),
)


def away(metres: float, from_: Spot = GATE) -> Spot:
    """A spot that lies so many metres north."""
    return Spot(from_.latitude + metres * METRE, from_.longitude)


class Fakes:
    """Roster, Resources, SiteMap, Calendar, Shown, Journal, Alarms and PlaceFigures in one, in RAM."""

    def __init__(self) -> None:
        self.assets: dict[AssetKey, Asset] = {}
        self.known: dict[AssetKey, ResourceState] = {}
        self.named = [Place(site=SITE, id="gate", name="South Gate", kind="gate", spot=GATE)]
        self.lines: list[list[Spot]] = []
        self.shown: dict[str, dict[str, object]] = {}
        self.shows = 0
        self.noted: list[tuple[str, str]] = []
        self.alarms: dict[tuple[str, str], dict[str, object]] = {}
        self.office = True
        self.measured = Measured(None, 0)

    def vehicle(
        self, name: str, spot: Spot | None, state: str = "available", kind: str = "vehicle", **facts: object
    ) -> str:
        key = AssetKey(SITE, kind, name)
        self.assets[key] = Asset(key=key, name=name.upper(), facts={"seats": 4, "class": "sedan", **facts})
        self.known[key] = ResourceState(key, state, spot, None if spot is None else 0)
        return key.entity

    def seen(self, name: str, spot: Spot, at: int, state: str = "on_trip", accuracy_m: float | None = None) -> None:
        key = AssetKey(SITE, "vehicle", name)
        self.known[key] = ResourceState(key, state, spot, at, accuracy_m)

    def find(self, key: AssetKey) -> Asset | None:
        return self.assets.get(key)

    def all(self, kind: str | None = None, site: str | None = None) -> Sequence[Asset]:
        return [a for k, a in sorted(self.assets.items()) if kind in (None, k.kind) and site in (None, k.site)]

    def bound(self, site: str, device: str) -> Sequence[tuple[Asset, Binding]]:
        return []

    def by_card(self, site: str, card_key: str) -> Asset | None:
        return None

    def states(self, site: str, kind: str) -> Sequence[ResourceState]:
        return [state for key, state in self.known.items() if (key.site, key.kind) == (site, kind)]

    def fences(self, site: str) -> Sequence[Fence]:
        return []

    def places(self, site: str) -> Sequence[Place]:
        return self.named

    def place(self, site: str, name: str) -> Place | None:
        return next((place for place in self.named if name in (place.id, place.name)), None)

    def roads(self, site: str) -> Sequence[Sequence[Spot]]:
        return self.lines

    def where(self, site: str, spot: Spot) -> str:
        return "by the lake"

    def is_workday(self, site: str, at: int) -> bool:
        return True

    def day_of(self, site: str, at: int) -> tuple[int, int]:
        first = (at + 8 * 3_600_000) // 86_400_000 * 86_400_000 - 8 * 3_600_000
        return first, first + 86_400_000

    def within(self, site: str, at: int, schedule: Sequence[str]) -> bool:
        return self.office

    def show(
        self, name: str, kind: str, site: str, *, title: str, attributes: Mapping[str, object], **_: object
    ) -> None:
        self.shown[name] = dict(attributes)
        self.shows += 1

    def hide(self, name: str) -> None:
        self.shown.pop(name, None)

    def note(self, site: str, entity: str, kind: str, at: int, facts: Mapping[str, object]) -> None:
        self.noted.append((entity, kind))

    def replace(self, *_: object) -> None:
        raise AssertionError("dispatch works out no day anew")

    def raise_alarm(self, kind: str, source: str, args: Mapping[str, object]) -> None:
        self.alarms[kind, source] = dict(args)

    def clear_alarm(self, kind: str, source: str) -> None:
        self.alarms.pop((kind, source), None)

    async def gate_passage_s(self, site: str, since: int, until: int) -> Measured:
        return self.measured

    async def room_booking_s(self, site: str, since: int, until: int) -> Measured:
        return self.measured

    async def room_sharing(self, site: str, since: int, until: int) -> RoomSharing:
        return RoomSharing(0, 0, 0)


class Rig:
    """A dispatch over a registry, and short ways to use it."""

    def __init__(self, database: Database, clock: ManualClock, fakes: Fakes | None = None) -> None:
        self.database, self.clock = database, clock
        self.fakes = fakes or Fakes()
        self.dispatch = self.made()

    def made(self) -> Dispatch:
        f = self.fakes
        return Dispatch(
            Needs(
                book=RequestBook(self.database),
                clock=self.clock,
                roster=f,
                resources=f,
                places=f,
                calendar=f,
                shown=f,
                journal=f,
                alarms=f,
                zone_of=lambda _: ZONE,
                knows_site=lambda site: site == SITE,
                figures=f,
            )
        )

    async def restarted(self) -> None:
        """The collector was away; what was shown is gone, alarms were kept."""
        self.fakes.shown.clear()
        self.dispatch = self.made()
        await self.dispatch.open()

    def pass_s(self, seconds: float) -> None:
        """Only the wall clock: nobody sleeps here."""
        self.clock.step(round(seconds * 1000))

    async def file(self, actor: Actor = LI, key: str = "", **fields: object) -> Request:
        return await self.dispatch.desk.file(draft(**fields), actor, key)

    async def act(self, request: Request, action: str, actor: Actor = LI, key: str = "", **fields: object) -> Request:
        return await self.dispatch.desk.act(request.id, Act(action=action, **fields), actor, key)  # type: ignore[arg-type]

    async def now(self, request: Request) -> Request:
        return await self.dispatch.desk.get(request.id, LI)


def draft(**fields: object) -> Draft:
    """A vehicle at the gate, as soon as possible, unless fields say otherwise."""
    known: dict[str, object] = {
        "site": SITE,
        "kind": "vehicle",
        "title": "guests",
        "requester": Requester("Wang", "Reception", "8012"),
        "origin": Where("gate"),
    }
    return Draft(**{**known, **fields})  # type: ignore[arg-type]
