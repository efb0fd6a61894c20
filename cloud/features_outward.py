"""Wiring of what phones send over HTTP."""

from cloud.alarms.board import AlarmBoard
from cloud.gps_in.announcing import Announcing
from cloud.gps_in.intake import EPOCH, Intake
from cloud.gps_in.trackers import Trackers
from cloud.ingest.fading import FadingAlarms
from cloud.ingest.path import Ingest
from cloud.registry.database import Database
from cloud.registry.tokens import Tokens
from cloud.settings import GroupPlace
from cloud.store.contract import SeriesStore
from protocols.clock import Clock


def gps_in_of(
    database: Database,
    store: SeriesStore,
    path: Ingest,
    alarms: AlarmBoard,
    clock: Clock,
    group: GroupPlace | None = None,
) -> Intake:
    """The intake of positions, on the ingest path and the registry's tokens. A group names its epoch."""
    epoch = EPOCH if group is None else f"{EPOCH}-{group.member}"
    announcing = Announcing(Trackers(Tokens(database, clock)), path, clock)
    return Intake(path, store, announcing, FadingAlarms(alarms, clock), clock, epoch=epoch)
