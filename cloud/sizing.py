"""How much machine a fleet of gateways needs: worked out from what was measured once. ``dayuan-cloud size``.

Pure. The figures in ``MEASURED`` were taken with ``python -m tests.bench.sizing`` and have their own date; docs/SIZING.md
says on which machine, what was not measured, and what to measure anew on one's own.
"""

from typing import NamedTuple

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


def size(fleet: Fleet, measured: "Measured") -> list[Row]:
    """The table for a fleet. Raises ValueError for one that is none."""
    if min(fleet.gateways, fleet.devices, fleet.points) < 1 or min(fleet.every_s, fleet.flush_s) <= 0:
        raise ValueError("gateways, devices and points are 1 and more, times are longer than nothing")
    readings, batches = fleet.readings_per_s, fleet.batches_per_s
    servers = readings > EMBEDDED_READINGS_PER_S or fleet.gateways > SERVERS_FROM_GATEWAYS

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
            Row("disk of VictoriaMetrics, GB a year", f"{readings * ENGINE_BYTES * DAY_S * YEAR_DAYS / 1e9:,.0f}", "stated"),
            Row("disk of PostgreSQL, GB a year", f"{batches * LEDGER_BYTES * DAY_S * YEAR_DAYS / 1e9:,.0f}", "measured"),
        ]
    else:
        rows += [
            Row("store", "embedded (DuckDB), one collector", "stated"),
            Row("collector, cores", f"{cores(measured.embedded):.1f}", "measured per batch and reading"),
            Row("disk, GB a year", f"{readings * DUCKDB_BYTES * DAY_S * YEAR_DAYS / 1e9:,.0f}", "measured"),
        ]
    return rows
