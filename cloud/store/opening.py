"""Which store the settings name."""

from cloud.settings import CloudSettings
from cloud.store.contract import SeriesFacts, SeriesStore
from cloud.store.ledger_desk import LedgerDesk
from cloud.store.ledger_file import FILE_NAME, LedgerFile
from cloud.store.ledger_store import LedgerStore
from cloud.store.place import StorePlace
from cloud.store.readings_engine import ReadingsEngine
from protocols.clock import Clock


def store_of(settings: CloudSettings, clock: Clock, facts: SeriesFacts) -> SeriesStore:
    """The store, not open yet. The ledger of one on a server stands where the registry stands."""
    place = settings.store_server
    if place is None:
        from cloud.store.duckdb_store import DuckdbStore

        return DuckdbStore(settings.data, clock, retention=settings.retention, facts=facts)
    ledger = LedgerFile(settings.registry_server or settings.data / FILE_NAME, shared=settings.group is not None)
    kind = LedgerDesk if settings.group is not None else LedgerStore
    return kind(ledger, _engine(place), clock, retention=settings.retention, facts=facts)


def _engine(place: StorePlace) -> ReadingsEngine:
    if place.kind == "victoria":
        from cloud.store.victoria_engine import VictoriaEngine
        from cloud.store.victoria_http import VictoriaHttp

        secret = place.secret()
        return VictoriaEngine(VictoriaHttp(place.url, username=place.username, password=secret, ca_file=place.ca_file))
    from cloud.store.influx_engine import InfluxEngine

    return InfluxEngine(place)
