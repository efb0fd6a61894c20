"""Shelly Gen1: one topic per value, plain text. Energy of relays is counted in Watt-minutes, of meters in Wh."""

from __future__ import annotations

from simulators.devices.mqtt.dialect import Dialect, Place
from simulators.devices.mqtt.said import Moment, Said, reads, spelled, text
from simulators.ledger import Expectation
from simulators.wires.mqtt import WillMessage

W_MINUTES_PER_KWH = 60_000


class _Gen1(Dialect):
    model = ""
    report_s = 30.0

    @staticmethod
    def speaks_on(topic: str) -> tuple[str, ...]:
        return (f"{topic}/#", "shellies/announce")

    def will(self, now: Moment) -> WillMessage | None:
        return WillMessage(f"{self.topic}/online", b"false", retain=True)

    def hello(self, now: Moment) -> list[Said]:
        body = {"id": self.topic.split("/", 1)[-1], "model": self.model, "mac": "8CAAB54B98DF", "ip": "192.0.2.93"}
        about = spelled(body | {"new_fw": False, "fw_ver": "20220809-123240/v1.12-g99f7e0b"})
        return [
            text(f"{self.topic}/online", "true", retain=True),
            Said("shellies/announce", about),
            Said(f"{self.topic}/announce", about),
        ]

    def value(self, now: Moment, topic: str, words: str, point: str = "", number: float = 0.0) -> Said:
        """One value on its topic, and the reading it must become, if anybody listens for it."""
        expected = reads([now.reading(point, number)]) if point else Expectation()
        return text(f"{self.topic}/{topic}", words, expected)


class Shelly1Pm(_Gen1):
    """One relay with a meter and one input. An empty input event at the start is no press."""

    model = "SHSW-PM"

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._on = True

    def hello(self, now: Moment) -> list[Said]:
        none = spelled({"event": "", "event_cnt": 0})
        return [*super().hello(now), Said(f"{self.topic}/input_event/0", none), *self.report(now)]

    def report(self, now: Moment) -> list[Said]:
        power = f"{self.figure(now, 'active_power_total') if self._on else 0.0:.2f}"
        energy = str(int(self.figure(now, "active_energy_import_total") * W_MINUTES_PER_KWH))
        return [
            self._relay(now),
            self.value(now, "relay/0/power", power, "active_power_total", float(power)),
            self.value(
                now, "relay/0/energy", energy, "active_energy_import_resettable", int(energy) / W_MINUTES_PER_KWH
            ),
            self.value(now, "input/0", "0", "input_on", 0),
        ]

    def switch(self, now: Moment, on: bool) -> list[Said]:
        """The relay."""
        self._on = on
        return [self._relay(now)]

    def _relay(self, now: Moment) -> Said:
        return self.value(now, "relay/0", "on" if self._on else "off", "relay_on", self._on)


class ShellyI3(_Gen1):
    """Three inputs. A press is told with a number that counts on; told again, it has the number of the first time."""

    model = "SHIX3-1"
    opens = True

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._presses = 0

    def hello(self, now: Moment) -> list[Said]:
        none = spelled({"event": "", "event_cnt": 0})
        return [*super().hello(now), *(Said(f"{self.topic}/input_event/{n}", none) for n in range(3))]

    def report(self, now: Moment) -> list[Said]:
        return [
            self.value(
                now, f"input/{n}", str(int(self.is_open and not n)), f"digital_input_{n + 1}", self.is_open and not n
            )
            for n in range(3)
        ]

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        said = [self.value(now, "input/0", str(int(is_open)), "digital_input_1", is_open)]
        if is_open:
            self._presses += 1
            press = spelled({"event": "S", "event_cnt": self._presses})
            events = [now.event("button", {"input": "1", "detail": "S"})]
            once = Said(f"{self.topic}/input_event/0", press, reads((), events))
            said += [once, once._replace(expected=Expectation())]
        return said


class ShellyEm(_Gen1):
    """Two clamps and a contactor. Power, reactive power, voltage and two counters each."""

    model = "SHEM"
    report_s = 15.0

    def report(self, now: Moment) -> list[Said]:
        said = [self.value(now, "relay/0", "off", "relay_on", 0)]
        for number, phase in enumerate(("l1", "l2")):
            wh = f"{self.figure(now, f'active_energy_import_{phase}') * 1000:.1f}"
            power, reactive = (f"{self.figure(now, f'{name}_power_{phase}'):.2f}" for name in ("active", "reactive"))
            volts = f"{self.figure(now, f'voltage_{phase}_n'):.2f}"
            for name, words, point, divisor in (
                ("power", power, f"active_power_{phase}", 1),
                ("reactive_power", reactive, f"reactive_power_{phase}", 1),
                ("voltage", volts, f"voltage_{phase}_n", 1),
                ("total", wh, f"active_energy_import_{phase}", 1000),
                ("total_returned", "0.0", f"active_energy_export_{phase}", 1000),
            ):
                said.append(self.value(now, f"emeter/{number}/{name}", words, point, float(words) / divisor))
        return said


class Shelly3Em(_Gen1):
    """Three phases, six values each; 18 messages and no common time."""

    model = "SHEM-3"
    report_s = 15.0

    def report(self, now: Moment) -> list[Said]:
        said = []
        for number, phase in enumerate(("l1", "l2", "l3")):
            if f"active_power_{phase}" not in self.measured(now):
                continue
            wh = self.figure(now, f"active_energy_import_{phase}") * 1000
            for name, words, point, divisor in (
                ("power", f"{self.figure(now, f'active_power_{phase}'):.2f}", f"active_power_{phase}", 1),
                ("pf", f"{self.figure(now, f'power_factor_{phase}'):.2f}", f"power_factor_{phase}", 1),
                ("current", f"{self.figure(now, f'current_{phase}'):.2f}", f"current_{phase}", 1),
                ("voltage", f"{self.figure(now, f'voltage_{phase}_n'):.2f}", f"voltage_{phase}_n", 1),
                ("total", f"{wh:.1f}", f"active_energy_import_{phase}", 1000),
                ("total_returned", "0.0", f"active_energy_export_{phase}", 1000),
            ):
                said.append(self.value(now, f"emeter/{number}/{name}", words, point, float(words) / divisor))
        return said


class ShellyDoorWindow(_Gen1):
    """A battery sensor: it wakes, says everything, and sleeps; "offline" is how it normally is."""

    model = "SHDW-2"
    opens = True
    report_s = 6 * 3600.0

    def hello(self, now: Moment) -> list[Said]:
        return [*super().hello(now), *self._everything(now, "poweron")]

    def report(self, now: Moment) -> list[Said]:
        return self._everything(now, "periodic")

    def turn(self, now: Moment, is_open: bool) -> list[Said]:
        self.is_open = is_open
        return self._everything(now, "sensor")

    def _everything(self, now: Moment, reason: str) -> list[Said]:
        degrees, lux = f"{self.rng.uniform(18, 24):.1f}", self.rng.randint(0, 800)
        state = "open" if self.is_open else "close"
        return [
            self.value(now, "sensor/state", state, "door_open", self.is_open),
            self.value(now, "sensor/tilt", "90" if self.is_open else "0"),
            self.value(now, "sensor/vibration", "0"),
            self.value(now, "sensor/temperature", degrees, "temperature_c", float(degrees)),
            self.value(now, "sensor/lux", str(lux)),
            self.value(now, "sensor/illumination", "bright" if lux > 200 else "dark"),
            self.value(now, "sensor/battery", "97", "battery_percent", 97),
            self.value(now, "sensor/error", "0"),
            Said(f"{self.topic}/sensor/act_reasons", spelled([reason])),
        ]
