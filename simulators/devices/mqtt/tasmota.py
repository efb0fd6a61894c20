"""Tasmota: tag readers, a door contact with a relay, and meters. Times are local and name no zone; QoS 0 throughout."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import MS, Moment, Said, reads, spelled, text
from simulators.ledger import CARD, Expectation
from simulators.wires.mqtt import WillMessage
from simulators.world.people import Person


class _Tasmota(Dialect):
    """What all of them do: a will, a word when they are there, STATE every so often."""

    report_s = 300.0

    @staticmethod
    def speaks_on(topic: str) -> tuple[str, ...]:
        return (f"tele/{topic}/#", f"stat/{topic}/#")

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"tele/{self.topic}/LWT", b"Offline", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        return [text(f"tele/{self.topic}/LWT", "Online", retain=True)]

    def report(self, now: Moment) -> list[Said]:
        uptime = int(now.uptime_s)
        body = {"Time": self.local(now), "UptimeSec": uptime, "Heap": 24, "SleepMode": "Dynamic", "LoadAvg": 19}
        return [self.tele(now, "STATE", body | {"POWER": "ON", "Wifi": {"RSSI": 82, "Signal": -59}}, Expectation())]

    def local(self, now: Moment) -> str:
        """The clock of the device on its wall, without a zone."""
        return datetime.fromtimestamp(now.clock_ms // MS, self.place.zone).strftime("%Y-%m-%dT%H:%M:%S")

    def tele(self, now: Moment, what: str, body: dict[str, Any], expected: Expectation) -> Said:
        return Said(f"tele/{self.topic}/{what}", spelled(body), expected, 0, False, True)


class TasmotaPn532(_Tasmota):
    """The key of the card's data changed between versions; the number is whole."""

    taps = True

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._new = self.rng.random() < 0.5

    def tap(self, now: Moment, person: Person, *, known: bool = True) -> list[Said]:
        more = {"Data": "", "Auth": "Ok"} if self._new else {"DATA": ""}
        body = {"Time": self.local(now), "PN532": {"UID": person.card, **more}}
        return [self.tele(now, "SENSOR", body, _card_read(now, person.card))]


class TasmotaRdm6300(_Tasmota):
    """125 kHz tags: 8 hex digits, the version byte dropped. The tag is the last four bytes of a person's card."""

    taps = True

    def tap(self, now: Moment, person: Person, *, known: bool = True) -> list[Said]:
        number = person.card[-8:]
        body = {"Time": self.local(now), "RDM6300": {"UID": number}}
        return [self.tele(now, "SENSOR", body, _card_read(now, f"em:{number}"))]


class TasmotaWiegand(_Tasmota):
    """26 bit frames: the number of the last three bytes. Some taps fail (a wrong parity is UID 0), keys are typed."""

    taps = True

    def tap(self, now: Moment, person: Person, *, known: bool = True) -> list[Said]:
        number = int(person.card[-6:], 16)
        said = []
        if not known:
            # Somebody tries the keypad first; its digits are nobody's card.
            said.append(self._frame(now, self.rng.randint(0, 9), 4, Expectation()))
            said.append(self._frame(now, 0, 26, Expectation()))
        said.append(self._frame(now, number, 26, _card_read(now, f"w26:{number:06X}")))
        return said

    def _frame(self, now: Moment, number: int, size: int, expected: Expectation) -> Said:
        body = {"Time": self.local(now), "Wiegand": {"UID": number, "Size": size}}
        return self.tele(now, "SENSOR", body, expected)


class TasmotaSwitch(_Tasmota):
    """A door contact on the first input (ON is open) and a relay. A change is told twice: as JSON and as plain text."""

    opens = tells_time = True

    def report(self, now: Moment) -> list[Said]:
        word = "ON" if self.is_open else "OFF"
        expected = reads([now.reading("door_open", self.is_open, now.clock_ms // MS * MS)])
        return [
            *super().report(now),
            self.tele(now, "SENSOR", {"Time": self.local(now), "Switch1": word}, expected),
        ]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        body = {"Switch1": {"Action": "ON" if is_open else "OFF"}}
        expected = reads([now.reading("door_open", is_open)])
        return [Said(f"stat/{self.topic}/RESULT", spelled(body), expected)]

    def switch(self, now: Moment, on: bool) -> list[Said]:
        """The relay."""
        word = "ON" if on else "OFF"
        expected = reads([now.reading("relay_on", on)])
        return [
            Said(f"stat/{self.topic}/RESULT", spelled({"POWER": word}), expected),
            text(f"stat/{self.topic}/POWER", word),
        ]


class TasmotaEnergy(_Tasmota):
    """The ENERGY object: one value, or a list with one per channel; the voltage stays single."""

    tells_time = True

    def report(self, now: Moment) -> list[Said]:
        truth = self.measured(now)
        phases = [n for n in (1, 2, 3) if truth.get(f"current_l{n}") is not None]
        amps = [round(truth[f"current_l{n}"] or 0.0, 3) for n in phases]
        energy: dict[str, Any] = {
            "TotalStartTime": "2024-03-01T08:00:00",
            "Total": round(self.figure(now, "active_energy_import_total"), 3),
            "Yesterday": 5.34,
            "Today": 0.954,
            "Period": 217,
            "Power": round(self.figure(now, "active_power_total")),
            "ApparentPower": round(self.figure(now, "apparent_power_total")),
            "ReactivePower": round(self.figure(now, "reactive_power_total")),
            "Factor": round(self.figure(now, "power_factor_total"), 2),
            "Voltage": round(self.figure(now, "voltage_l1_n")),
            "Current": amps[0] if len(amps) == 1 else amps,
        }
        values = {
            "active_energy_import_total": energy["Total"],
            "active_power_total": energy["Power"],
            "apparent_power_total": energy["ApparentPower"],
            "reactive_power_total": energy["ReactivePower"],
            "power_factor_total": energy["Factor"],
            "voltage_l1_n": energy["Voltage"],
            **{f"current_l{n}": amp for n, amp in zip(phases, amps, strict=True)},
        }
        expected = reads(now.readings(values, now.clock_ms // MS * MS))
        return [*super().report(now), self.tele(now, "SENSOR", {"Time": self.local(now), "ENERGY": energy}, expected)]


def _card_read(now: Moment, card: str) -> Expectation:
    return reads((), [now.event("card_read", {CARD: card})])
