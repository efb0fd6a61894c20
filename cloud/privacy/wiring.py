"""Puts sources, holds and retention together. A new source is one line here."""

from typing import NamedTuple

from cloud.privacy.contract import Source
from cloud.privacy.desk import PrivacyDesk
from cloud.privacy.events import AccessEvents
from cloud.privacy.keeper import Keeper
from cloud.privacy.tombstones import Tombstones
from cloud.registry.database import Database
from cloud.registry.people_accounts import Accounts, Bookings, Passes, Requests
from cloud.registry.people_columns import Deeds, Texts
from cloud.registry.people_lent import LentCards
from cloud.registry.people_places import Holders, NamedTokens, PatrolRuns
from cloud.registry.people_retention import PeopleRetention
from cloud.registry.people_search import PeopleSearch
from cloud.registry.people_traces import Alarms, AssetsOfPeople, AuditRecords, Timeline, TimeMachine, Trips
from cloud.registry.privacy_book import PrivacyBook
from cloud.settings import CloudSettings
from cloud.store.contract import SeriesStore
from protocols.clock import Clock


class Privacy(NamedTuple):
    """The parts that routes, commands and the collector ask."""

    desk: PrivacyDesk
    keeper: Keeper
    book: PrivacyBook
    search: PeopleSearch


def sources_of(database: Database, store: SeriesStore, clock: Clock) -> list[Source]:
    """Everything in which people are named, in the order of an export."""
    return [
        Accounts(database),
        Requests(database),
        Bookings(database, clock),
        Passes(database, clock),
        AccessEvents(store),
        Trips(database),
        Timeline(database),
        TimeMachine(database),
        Alarms(database),
        PatrolRuns(database, clock),
        Deeds(database, clock),
        Holders(database),
        AssetsOfPeople(database),
        AuditRecords(database),
    ]


def asked_of(database: Database, clock: Clock) -> list[Source]:
    """Those that may be about the person, of which somebody chooses."""
    return [Texts(database, clock), NamedTokens(database)]


def privacy_of(settings: CloudSettings, database: Database, store: SeriesStore, clock: Clock) -> Privacy:
    """Built before registry and store are open; opens nothing."""
    book = PrivacyBook(database, clock)
    keeper = Keeper(settings.days_kept, book, PeopleRetention(database), store, clock)
    tombstones = Tombstones(settings.data)
    sources, asked = sources_of(database, store, clock), asked_of(database, clock)
    desk = PrivacyDesk(sources, book, tombstones, keeper, clock, cards=LentCards(database), asked=asked)
    return Privacy(desk, keeper, book, PeopleSearch(database))
