"""The console's features and their wiring: what each is built from, who is told of what, what runs beside.

``cloud.app`` builds one ``Features`` on the open store and registry. A feature takes from others only what
``cloud.assets.contract`` names. A new one is built in ``__init__``, named in ``handlers`` or in the listeners of the
feed, opened in ``open`` and, when it works by itself, run in ``tasks``.
"""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from cloud.alarms.board import AlarmBoard
from cloud.alarms.rule_watch import RuleWatch
from cloud.alarms.site_alarms import SiteAlarms
from cloud.alarms.webhooks import Webhooks
from cloud.assets.book import AssetRoster
from cloud.assets.calendar import SiteCalendar
from cloud.assets.contract import Resources
from cloud.assets.desk import AssetDesk
from cloud.assets.feed import AssetFeed
from cloud.assets.gateways import PlacedGateways
from cloud.assets.maps import SiteMaps
from cloud.assets.plain import PlainAssets
from cloud.assets.told_by import ToldBy
from cloud.dispatch.feature import Dispatch, Needs
from cloud.dispatch.joined import JoinedResources
from cloud.doors.door_limits import DoorDefaults
from cloud.features_access import AccessFeatures, AccessGround
from cloud.features_energy import energy_of
from cloud.features_energy_desk import EnergyDesk
from cloud.features_names import SourceNames
from cloud.features_outward import gps_in_of
from cloud.features_places import Ground, PlaceFeatures
from cloud.features_reports import ReportFeatures
from cloud.features_rooms import RequestedRooms
from cloud.features_tariffs import Grounds, TariffFeatures
from cloud.fleet.fleet import Core as FleetCore
from cloud.fleet.fleet import Fleet
from cloud.fleet.reports import Reports
from cloud.fleet.yards import Around
from cloud.ingest.contract import AnnouncementHandler, CommittedHandler
from cloud.ingest.path import Ingest
from cloud.live.past import Past
from cloud.live.state import LiveState
from cloud.live.state_log import StateLog
from cloud.live.things import Things
from cloud.live.timeline import Timeline
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.alarm_rules_book import AlarmRulesBook
from cloud.registry.alarm_settings_book import AlarmSettingsBook
from cloud.registry.asset_book import AssetBook
from cloud.registry.console_upkeep import ConsoleUpkeep
from cloud.registry.database import Database
from cloud.registry.energy_days_book import EnergyDaysBook
from cloud.registry.inventory import Inventory
from cloud.registry.journal_book import JournalBook
from cloud.registry.request_book import RequestBook
from cloud.registry.state_book import WHOLE_WITHIN_MS, StateBook
from cloud.registry.trip_book import TripBook
from cloud.registry.webhook_book import WebhookBook
from cloud.settings import CloudSettings
from cloud.store.contract import SeriesStore
from protocols.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """What features stand on."""

    settings: CloudSettings
    clock: Clock
    database: Database
    inventory: Inventory
    store: SeriesStore
    ingest: Ingest
    live: LiveState
    alarms: AlarmBoard


class Features:
    """All features of one collector."""

    def __init__(self, core: Core) -> None:
        self.core = core
        core.alarms.gateway_of = self._gateway_of
        self.site_alarms = SiteAlarms(core.alarms, AlarmSettingsBook(core.database), core.clock)
        self.webhooks = Webhooks(core.alarms, WebhookBook(core.database), core.clock)
        self.webhooks.zone_of = core.inventory.time_zone
        self.state_book = StateBook(core.database)
        self.state_log = StateLog(core.live, self.state_book, core.clock)
        self.things = Things(core.live, self.state_log)
        self.upkeep = ConsoleUpkeep(core.settings.console_days, core.clock)
        self.asset_book = AssetBook(core.database, core.clock)
        self.journal = JournalBook(core.database, core.clock)
        self.upkeep.add(self.journal.forget_before)
        self.upkeep.add(self.state_book.forget_before, earlier_ms=WHOLE_WITHIN_MS)
        self.roster = AssetRoster(self.asset_book)
        self.things.told_by = ToldBy(self.roster, core.live).gateways
        core.alarms.name_of = SourceNames(core.inventory, core.live, self.roster).name_of
        self.calendar = SiteCalendar(core.inventory)
        self.alarm_rules = RuleWatch(
            core.alarms, AlarmRulesBook(core.database), core.ingest.series, core.store, self.calendar, core.clock
        )
        self.maps = SiteMaps()
        self.asset_desk = AssetDesk(self.asset_book, self.roster, self.calendar, self.maps, core.clock)
        self.feed = AssetFeed(self.roster, core.ingest.series, core.ingest.qualities)
        self.roster.watch(self.feed.asset_changed)
        self.past = Past(
            core.live,
            core.store,
            core.inventory,
            self.roster,
            self.state_log,
            self.state_book,
            core.ingest.series,
            core.ingest.qualities,
        )
        self.timeline = Timeline(
            self.journal,
            self.state_log,
            self.state_book,
            core.store,
            self.roster,
            AlarmBook(core.database),
            core.alarms.flush,
        )
        self.plain_assets = PlainAssets(self.roster, self.things, core.live)
        self.placed_gateways = PlacedGateways(self.roster, core.live)
        self.roster.watch(self.placed_gateways.asset_changed)
        self.roster.watch(self.plain_assets.asset_changed)
        self.feed.listen(self.plain_assets, self.plain_assets.kinds)
        self.resources: dict[str, Resources] = {}
        """Kind of asset -> the feature that says what those of that kind are doing; dispatch sends them."""
        self.request_book = RequestBook(core.database)
        self.dispatch = self._dispatch()
        self.places = self._places()
        self.site_alarms.watchers.append(self.places.doors.defaults_changed)
        self.access = self._access()
        self.places.visitors.decided = self.places.rooms.decided = self.access.doors.decides
        self.resources |= {"guard": self.places.crew, "technician": self.places.crew}
        self._tell_dispatch_of_places()
        self.fleet = self.resources["vehicle"] = self._fleet()
        self.upkeep.add_own(self.fleet.book.forget_before, core.settings.retention.events_days)
        self.reports = Reports(self.fleet, self.roster, core.store)
        self.feed.listen(self.fleet, ("vehicle",))
        self.energy = energy_of(
            core.database,
            core.store,
            core.ingest,
            self.calendar,
            core.clock,
            keep_days=core.settings.retention.raw_days,
        )
        self.upkeep.add_own(EnergyDaysBook(core.database).forget_before, core.settings.energy_days)
        self.tariffs = TariffFeatures(
            Grounds(core.database, core.clock, core.inventory, self.calendar, core.alarms, self.energy)
        )
        self.reports_of_energy = ReportFeatures(
            core.database, core.settings.data, self.energy, self.tariffs, self.calendar, core.clock
        )
        self.gps_in = gps_in_of(core.database, core.store, core.ingest, core.alarms, core.clock, core.settings.group)
        self.energy_desk = EnergyDesk(core.database, self.energy, self.tariffs, self.calendar, core.alarms, core.clock)

    def _dispatch(self) -> Dispatch:
        sites = self.core.inventory.sites
        return Dispatch(
            Needs(
                book=self.request_book,
                clock=self.core.clock,
                roster=self.roster,
                resources=JoinedResources(self.resources),
                places=self.maps,
                calendar=self.calendar,
                shown=self.things,
                journal=self.journal,
                alarms=self.core.alarms,
                zone_of=self.calendar.zone,
                knows_site=lambda site: any(known.id == site for known in sites()) or bool(self.roster.all(site=site)),
            )
        )

    def _places(self) -> PlaceFeatures:
        core = self.core
        return PlaceFeatures(
            Ground(
                clock=core.clock,
                database=core.database,
                inventory=core.inventory,
                store=core.store,
                live=core.live,
                things=self.things,
                alarms=core.alarms,
                journal=self.journal,
                roster=self.roster,
                calendar=self.calendar,
                maps=self.maps,
                feed=self.feed,
                orders=self.dispatch.orders,
                requests=self.request_book,
                door_defaults=self._door_defaults,
                evaluation_under=lambda site: self.dispatch.settings_of(site).evaluation_under,
            )
        )

    def _tell_dispatch_of_places(self) -> None:
        rooms = RequestedRooms(self.places.rooms, self.calendar, self.calendar.zone, self.core.clock)
        self.dispatch.needs = self.dispatch.needs._replace(figures=self.places, bookings=rooms)

    def _access(self) -> AccessFeatures:
        core = self.core
        return AccessFeatures(
            AccessGround(
                core.database,
                self.roster,
                self.calendar,
                self.places.visitors,
                self.journal,
                core.alarms,
                core.clock,
                core.settings.lists_last_days,
            )
        )

    def _fleet(self) -> Fleet:
        core = self.core
        return Fleet(
            FleetCore(
                around=Around(
                    self.roster,
                    self.maps,
                    self.calendar,
                    self.dispatch.orders,
                    lambda site: self.calendar.zone(site).key,
                ),
                book=TripBook(core.database),
                store=core.store,
                shown=self.things,
                journal=self.journal,
                alarms=core.alarms,
                clock=core.clock,
                keep_days=core.settings.positions_days,
                travelled=self.dispatch.travelled,
            )
        )

    def _door_defaults(self, site: str) -> DoorDefaults:
        decided = self.site_alarms.settings_of(site)
        return DoorDefaults(decided.door_held_s, decided.door_denied_burst, decided.card_travel_kmh)

    def _gateway_of(self, source: str) -> str | None:
        """The alarm source of the gateway a device belongs to, or the device that a meter is read from."""
        site, _, name = source.partition("/")
        if name.startswith("meter:"):
            meter = self.energy.structure(site).structure.meter.get(name.removeprefix("meter:"))
            name = meter.device if meter is not None else ""
        device = self.core.inventory.device(site, name)
        return f"{site}/{device.gateway}" if device is not None and device.gateway else None

    def sites(self) -> set[str]:
        """Sites that have assets or a map."""
        return {asset.key.site for asset in self.roster.all()} | self.maps.sites()

    @property
    def handlers(self) -> list[CommittedHandler]:
        """Told after live state of what is durable, in this order."""
        return [self.feed, self.alarm_rules, self.access.holding]

    @property
    def announced(self) -> list[AnnouncementHandler]:
        """Told after live state of what gateways say of themselves."""
        return [self.access.doors, self.access.holding]

    async def open(self) -> None:
        """Read what was written down before; called once, before anything is committed."""
        self.state_log.started()
        await self.webhooks.open()
        await self.site_alarms.open()
        await self.alarm_rules.open()
        await self.asset_desk.open()
        self.feed.open()
        self.plain_assets.open()
        await self.dispatch.open()
        await self.fleet.open()
        self.placed_gateways.open()
        await self.places.open()
        await self.access.open()
        await self.energy.open()
        await self.tariffs.open()
        await self.reports_of_energy.open()
        await self.energy_desk.open()

    async def close(self) -> None:
        """Write down what waits. Raises StoreUnavailable."""
        await self.places.close()
        await self.fleet.flush()
        await self.webhooks.flush()
        await self.journal.flush()
        await self.state_log.flush()

    def tasks(self) -> Iterator[tuple[str, Coroutine[Any, Any, None]]]:
        """What runs until cancelled, with its name."""
        yield "journal", self.journal.run()
        yield "assets changed elsewhere", self.asset_desk.run()
        yield "state log", self.state_log.run()
        yield "webhooks", self.webhooks.run()
        yield "alarm rules of people", self.alarm_rules.run()
        yield "console upkeep", self.upkeep.run()
        yield from self.dispatch.tasks()
        yield from self.places.tasks()
        yield from self.access.tasks()
        yield from self.fleet.tasks()
        yield from self.energy.tasks()
        yield from self.tariffs.tasks()
        yield from self.reports_of_energy.tasks()
        yield from self.energy_desk.tasks()
        yield "positions of phones", self.gps_in.run()
        yield "trackers announced", self.gps_in.look_after()
