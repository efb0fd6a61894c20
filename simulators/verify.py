"""The verdict: what the simulated devices gave against what the collector stored, and what the difference means."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from protocols.clock import Clock
from simulators.layout import Layout
from simulators.ledger import Ledger, Published, ServedValue
from simulators.matching import Finding, Tally, match_polled
from simulators.rules import Rules, read_rules
from simulators.stored import ApiRefused, CollectorApi, StoredData, fetch
from simulators.told_matching import match_events, match_told_readings

EARLIER_MS = 3_600_000
LATER_MS = 86_400_000
SHOWN_MAX = 10

NEEDED = frozenset({"active_power_total", "active_energy_import_total", "voltage_l1_n", "frequency"})
"""Points that every meter has and every gateway must keep, whatever it announced."""

Series = dict[tuple[str, str], list[ServedValue]]


@dataclass
class Verdict:
    """The outcome. ``ok`` only when everything produced is stored once and unchanged, and something was produced."""

    readings: Tally = field(default_factory=Tally)
    events: Tally = field(default_factory=Tally)
    holes: list[str] = field(default_factory=list)
    not_in_profile: int = 0
    unheard: list[str] = field(default_factory=list)

    @property
    def missing(self) -> int:
        return self.readings.missing + self.events.missing

    @property
    def duplicated(self) -> int:
        return self.readings.duplicated + self.events.duplicated

    @property
    def altered(self) -> int:
        return self.readings.altered + self.events.altered

    @property
    def stored(self) -> int:
        both = (self.readings, self.events)
        return sum(tally.matched + tally.altered + tally.duplicated for tally in both)

    @property
    def produced(self) -> int:
        return self.readings.matched + self.events.matched + self.missing + self.altered

    @property
    def ok(self) -> bool:
        wrong = self.missing or self.duplicated or self.altered or self.holes or self.unheard
        return self.produced > 0 and not wrong

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The verdict for a person: the counts first, then what they mean, then the first findings."""
        yield (
            f"produced {self.produced}  stored {self.stored}  "
            f"missing {self.missing}  duplicated {self.duplicated}  altered {self.altered}"
        )
        yield f"  readings {self.readings.matched}, events {self.events.matched}; compared bit for bit"
        yield from self._apart()
        yield from (f"  hole: {hole}" for hole in self.holes)
        if self.unheard:
            yield f"  never asked and never heard of: {', '.join(self.unheard)}"
        yield from self._findings()

    def _apart(self) -> Iterator[str]:
        yield "  Produced is what a gateway asked for or was sent, and had to keep. Counted apart:"
        both = Tally()
        both.add(self.readings)
        both.add(self.events)
        apart = (
            (both.held_back, "held back by a deadband (within the band of the site file, never beyond max silence)"),
            (self.not_in_profile, "in an answer beside wanted registers, of no point that the gateway announced"),
            (both.asked_again, "answered too late for the gateway, which then asked again (or slow on purpose)"),
            (both.before_order, "asked for within a second before an order, to see that the device is there"),
            (
                both.lost_in_memory,
                "in the memory of a gateway when it was killed: at most a flush interval and a poll",
            ),
            (both.lost_in_broker, "confirmed by a broker that was killed within 2 s, before any gateway had them"),
            (both.lost_at_qos0, "sent with QoS 0 while a gateway or the broker was away: nobody keeps those"),
            (both.told_again, "kept by the broker, told again to a gateway that came back, stored as of unknown age"),
            (both.unconfirmed, "sent by devices, never confirmed by the broker"),
            (both.sent_twice, "sent again by a device whose connection broke before the confirmation"),
            (both.said_by_gateway, 'stored "no answer" of a gateway (quality bad): its own word, no value of a device'),
            (both.on_the_way, "too young to judge"),
        )
        for count, meaning in apart:
            if count:
                yield f"    {count:>9}  {meaning}"
        yield "  Values in registers that nobody asked for were never produced and are in no count."

    def _findings(self) -> Iterator[str]:
        for title, tally in (("readings", self.readings), ("events", self.events)):
            for kind, findings in tally.findings.items():
                yield f"  first {kind} {title}:"
                yield from (f"    {instant(f.at)}  {f.name}  {f.text}" for f in findings[:SHOWN_MAX])


def instant(at_ms: int) -> str:
    """A time as text, UTC with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def judge(ledger: Ledger, stored: StoredData, rules: Rules, *, until_ms: int) -> Verdict:
    """Compare everything. Values served after ``until_ms`` are too young."""
    verdict = Verdict()
    polled: Series = defaultdict(list)
    for value in ledger.served():
        polled[(value.device, value.point)].append(value)
    for name, served in sorted(polled.items()):
        if name in stored.announced or name in stored.series or name[1] in NEEDED:
            verdict.readings.add(match_polled(name, served, stored.series.get(name, ()), rules, until_ms=until_ms))
        else:
            verdict.not_in_profile += len(served)
    published: list[Published] = list(ledger.published())
    meters = {device for device, _ in polled}
    told = {name: readings for name, readings in stored.series.items() if name[0] not in meters}
    verdict.readings.add(match_told_readings(published, told, rules, until_ms=until_ms))
    verdict.events.add(match_events(published, stored.events, rules, until_ms=until_ms))
    verdict.readings.add(_invented(polled, published, stored))
    verdict.holes = list(_holes(stored))
    heard = {device for device, _ in polled} | {message.device for message in published}
    verdict.unheard = sorted(rules.devices.keys() - heard)
    return verdict


def _invented(polled: Series, published: list[Published], stored: StoredData) -> Tally:
    """Stored values of meters' points that never stood in any answer."""
    tally = Tally()
    known = {device for device, _ in polled} | {message.device for message in published}
    for name, readings in stored.series.items():
        if name in polled or (name[0] in known and name[0] not in {device for device, _ in polled}):
            continue
        for reading in readings:
            if reading.value is not None:
                text = f"stored {reading.value!r}, which no device served"
                tally.found("altered", Finding("/".join(name), reading.at, text))
    return tally


def _holes(stored: StoredData) -> Iterator[str]:
    for (gateway, epoch), ranges in sorted(stored.ranges.items()):
        if len(ranges) != 1 or ranges[0][0] != 1:
            spelled = ", ".join(f"{first}-{last}" for first, last in ranges) or "none"
            yield f"{gateway}: the stored batches of epoch {epoch} are {spelled}, not one run from 1"


def _orders(ledger: Ledger) -> dict[str, list[int]]:
    found: defaultdict[str, list[int]] = defaultdict(list)
    for written in ledger.writes():
        found[written.device].append(written.at)
    return {device: sorted(at) for device, at in found.items()}


def verify(
    ledger: Ledger,
    api: CollectorApi,
    site_files: list[Path],
    *,
    until_ms: int,
    progress: Callable[[int, int], None] = lambda done, whole: None,
) -> Verdict:
    """Fetch what is stored and judge it. Raises ApiRefused or OSError when the collector cannot be asked."""
    from_ms = ledger.kept_from()
    rules = replace(read_rules(site_files, ledger.incidents(), from_ms=from_ms), orders=_orders(ledger))
    first = (
        from_ms + EARLIER_MS
        if from_ms
        else min(
            (value.served_at for value in ledger.served()),
            default=min((message.sent_at for message in ledger.published()), default=until_ms),
        )
    )
    names = {(value.device, value.point) for value in ledger.served()}
    names |= {(m.device, reading.point) for m in ledger.published() for reading in m.expected.readings}
    stored = fetch(api, rules.site, names, from_at=first - EARLIER_MS, to_at=until_ms + LATER_MS, progress=progress)
    return judge(ledger, stored, rules, until_ms=until_ms)


def verify_folder(folder: Path, clock: Clock, *, younger_than_s: float) -> Verdict | str:
    """The verdict on a running demo, or what stands in the way of one."""
    layout = Layout(folder)
    state = layout.state()
    if not layout.ledger.exists() or "http_port" not in state:
        return f"{layout.root}: no demo was ever started here; is --data right?"
    ledger = Ledger(layout.ledger)
    api = CollectorApi(f"http://127.0.0.1:{state['http_port']}", layout.token_file.read_text(encoding="utf-8").strip())
    files = sorted((layout.root / "sites").glob("*.toml"))
    try:
        return verify(ledger, api, files, until_ms=clock.now_ms() - round(younger_than_s * 1000))
    except ApiRefused as error:
        return f"the collector refused to answer: {error}"
    except OSError as error:
        return f"nobody answers at {api.url} ({error}); the demo must be running"
    finally:
        api.close()
        ledger.close()
