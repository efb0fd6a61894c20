"""How much machine a fleet of gateways needs: worked out from what was measured once. ``dayuan-cloud size``.

Pure. ``MEASURED`` was taken with ``python -m tests.bench.sizing``; docs/SIZING.md says on which machine,
what was not measured, and what to measure anew on one's own.
"""

from math import ceil
from typing import NamedTuple

from cloud.store.series_book import GATEWAYS_MAX, SERIES_MAX

DAY_S = 86_400
YEAR_DAYS = 365


class Cost(NamedTuple):
    """CPU time, microseconds: of one batch, whatever is in it, and of one reading."""

    batch_us: float
    reading_us: float


class Measured(NamedTuple):
    """Of a collector with the store in its folder, and of a group on PostgreSQL and VictoriaMetrics."""

    broker: Cost
    embedded: Cost
    member: Cost
    postgres: Cost
    engine: Cost
    desk: Cost
    claims_per_s: float
    """Batches a second that a group of three took on the machine of the measurement, with the gateways on it."""


class Fleet(NamedTuple):
    """``every_s``: how often each point is read. ``flush_s``: how often a gateway seals a batch."""

    gateways: int
    devices: int
    points: int
    every_s: float
    flush_s: float

    @property
    def readings_per_s(self) -> float:
        """Without deadband: it only makes this less."""
        return self.gateways * self.devices * self.points / self.every_s

    @property
    def batches_per_s(self) -> float:
        """A gateway seals no empty batch: none more often than it reads."""
        return self.gateways / max(self.flush_s, self.every_s / max(1, self.devices))


class Row(NamedTuple):
    """One line of the table. ``origin``: ``measured``, ``computed`` or ``stated``."""

    name: str
    value: str
    origin: str


HEADROOM = 2.0
"""Reconnects bring backlogs: half of a machine is left for them."""
EMBEDDED_READINGS_PER_S = 50_000
"""Above it the embedded store is no advice, whatever a machine can do: one process, one disk, no other to take over."""
SERVERS_FROM_GATEWAYS = 2_000
"""The same in connections and series: a restart of the one process is then felt by everybody."""


WIRE_BATCH_BYTES, WIRE_READING_BYTES = 260, 4.0
"""Of a batch beside its readings (topic, header, names, ack; estimated); of a reading in batches of 100 and more."""
DUCKDB_BYTES = 3.0
"""Of a reading at rest; until it is rested about 12."""
ENGINE_BYTES = 3.0
"""Of a reading with its origin. Not measured over a long time: it depends on how values move."""
LEDGER_BYTES = 160.0
"""Of a batch in the ledger with its indexes, by the width of its row; until retention folds identities to ranges."""
LEDGER_READINGS_PER_S = 80_000
"""Readings are held for 60 s until the engine surely has them, and 5 million may wait: more than this backs up."""


def network_mbit(fleet: Fleet) -> float:
    """What gateways send, without TLS and what is below it."""
    return (fleet.batches_per_s * WIRE_BATCH_BYTES + fleet.readings_per_s * WIRE_READING_BYTES) * 8 / 1e6


def on_servers(fleet: Fleet) -> bool:
    """Whether the embedded store is no advice for it."""
    return fleet.readings_per_s > EMBEDDED_READINGS_PER_S or fleet.gateways > SERVERS_FROM_GATEWAYS


def members_needed(fleet: Fleet, measured: Measured) -> int:
    """By CPU: a member is one process of one core."""
    cost = measured.member
    spent = (cost.batch_us * fleet.batches_per_s + cost.reading_us * fleet.readings_per_s) / 1e6 * HEADROOM
    return max(2, ceil(spent))


def warnings(fleet: Fleet, measured: Measured) -> list[str]:
    """What such a fleet would run into."""
    found = []
    if fleet.batches_per_s > measured.claims_per_s:
        found.append(
            f"{fleet.batches_per_s:,.0f} batches a second: a group was measured with {measured.claims_per_s:,.0f} (two "
            "cores that did all of it), and its commits come one after the other; measure yours with dayuan-sim fleet, "
            "let gateways flush less often, or split the sites between groups"
        )
    if fleet.readings_per_s > LEDGER_READINGS_PER_S:
        found.append(
            f"{fleet.readings_per_s:,.0f} readings a second: one ledger holds {LEDGER_READINGS_PER_S:,} on their way "
            "to the engine; split the sites between groups"
        )
    desk = measured.desk
    cores = (desk.batch_us * fleet.batches_per_s + desk.reading_us * fleet.readings_per_s) / 1e6
    if on_servers(fleet) and cores * HEADROOM > 1:
        found.append(
            f"the desk needs {cores:.1f} of a core, {cores * HEADROOM:.1f} with room for backlogs; it is one process "
            "of one core: let gateways flush less often, or split the sites between groups"
        )
    if fleet.gateways * fleet.devices * fleet.points > SERIES_MAX:
        found.append(f"more than {SERIES_MAX:,} series: one registry of names holds no more; split the sites")
    if fleet.gateways > GATEWAYS_MAX:
        found.append(f"more than {GATEWAYS_MAX:,} gateways: one collector or group knows no more; split the sites")
    return found


def size(fleet: Fleet, measured: "Measured") -> list[Row]:
    """The table for a fleet. Raises ValueError for one that is none."""
    if min(fleet.gateways, fleet.devices, fleet.points) < 1 or min(fleet.every_s, fleet.flush_s) <= 0:
        raise ValueError("gateways, devices and points are 1 and more, times are longer than nothing")
    readings, batches = fleet.readings_per_s, fleet.batches_per_s
    servers = on_servers(fleet)

    def cores(cost: Cost) -> float:
        return (cost.batch_us * batches + cost.reading_us * readings) / 1e6 * HEADROOM

    rows = [
        Row("readings a second", f"{readings:,.0f}", "computed"),
        Row("batches a second", f"{batches:,.0f}", "computed"),
        Row("series", f"{fleet.gateways * fleet.devices * fleet.points:,}", "computed"),
        Row("MQTT connections, and file descriptors of the broker", f"{fleet.gateways + 50:,}", "computed"),
        Row("network from gateways, Mbit/s", f"{network_mbit(fleet):,.1f}", "computed"),
        Row("broker, cores", f"{cores(measured.broker):.1f}", "measured per batch and reading"),
    ]
    if servers:
        members = members_needed(fleet, measured)
        rows += [
            Row("store", "PostgreSQL and VictoriaMetrics, a group of collectors", "stated"),
            Row("collectors that take in batches", f"{members}, with one more to spare", "computed"),
            Row("they together, cores", f"{cores(measured.member):.1f}", "measured per batch and reading"),
            Row("the one at the desk, cores", f"{cores(measured.desk):.1f}", "measured per batch and reading"),
            Row("PostgreSQL, cores", f"{cores(measured.postgres):.1f}", "measured per batch and reading"),
            Row("VictoriaMetrics, cores", f"{cores(measured.engine):.1f}", "measured per batch and reading"),
            Row(
                "disk of VictoriaMetrics, GB a year",
                f"{readings * ENGINE_BYTES * DAY_S * YEAR_DAYS / 1e9:,.0f}",
                "stated",
            ),
            Row(
                "disk of PostgreSQL, GB a year", f"{batches * LEDGER_BYTES * DAY_S * YEAR_DAYS / 1e9:,.0f}", "computed"
            ),
        ]
    else:
        rows += [
            Row("store", "embedded (DuckDB), one collector", "stated"),
            Row("collector, cores", f"{cores(measured.embedded):.1f}", "measured per batch and reading"),
            Row("disk, GB a year", f"{readings * DUCKDB_BYTES * DAY_S * YEAR_DAYS / 1e9:,.0f}", "measured"),
        ]
    return rows


MEASURED = Measured(
    broker=Cost(batch_us=37, reading_us=0),
    embedded=Cost(batch_us=431, reading_us=0.3),
    member=Cost(batch_us=792, reading_us=0.62),
    postgres=Cost(batch_us=167, reading_us=0.15),
    engine=Cost(batch_us=254, reading_us=0.71),
    desk=Cost(batch_us=413, reading_us=0.98),
    claims_per_s=800,
)
