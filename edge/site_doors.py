"""The doors of the site file, held against the devices: who reads cards, and that a module ends the pulse by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edge.settings import DeviceSettings, DoorSettings, StrikeSettings
from edge.site_file import DoorRow, StrikeRow
from protocols.errors import BadCommand, BadSettings
from protocols.grants import DOORS_MAX
from protocols.modbus import writes
from protocols.modbus.profile import ModbusProfile
from protocols.mqtt.profile import MqttProfile
from protocols.profile import Profile
from protocols.reading import ID_RULE, is_id
from protocols.settings import duration

Key = tuple[str | int, ...]
Fail = Callable[[Key, str, str], BadSettings]
LEVELS = {"number": 1, "proven": 2, "two": 3}
NAME_MAX = 200


def read_doors(
    rows: Sequence[DoorRow], devices: Sequence[DeviceSettings], profiles: Mapping[str, Profile], fail: Fail
) -> tuple[DoorSettings, ...]:
    """The doors; raises what ``fail`` makes of a key, a message and what is allowed."""
    if len(rows) > DOORS_MAX:
        raise fail(("door", DOORS_MAX, "id"), f"{len(rows)} doors", f"at most {DOORS_MAX} at one gateway")
    known = {device.id: (device, profiles[device.profile]) for device in devices}
    doors = tuple(_Door(row, ("door", index), known, fail).read() for index, row in enumerate(rows))
    _no_shared_parts(doors, fail)
    return doors


class _Door:
    """Reads one row."""

    def __init__(self, row: DoorRow, key: Key, known: Mapping[str, tuple[DeviceSettings, Profile]], fail: Fail) -> None:
        self._row, self._key, self._known, self._fail = row, key, known, fail

    def read(self) -> DoorSettings:
        row, key = self._row, self._key
        if not is_id(row.id):
            raise self._fail((*key, "id"), f"{row.id!r} is no id", ID_RULE)
        if len(row.name) > NAME_MAX:
            raise self._fail((*key, "name"), "too long", f"at most {NAME_MAX} characters")
        for side, readers in (("reader_in", row.reader_in), ("reader_out", row.reader_out)):
            for reader in readers:
                self._check_reader(reader, (*key, side))
        if not (row.reader_in or row.reader_out):
            allowed = 'a device that reads cards, like reader_in = ["north-in"]'
            raise self._fail((*key, "reader_in"), "a door without a reader", allowed)
        self._check_zones()
        if row.contact and row.contact not in self._known:
            raise self._fail((*key, "contact"), f"no device {row.contact!r}", self._devices())
        return DoorSettings(
            id=row.id,
            name=row.name or row.id,
            lock=row.lock,
            strike=self._strike(row.strike, (*key, "strike")),
            reader_in=row.reader_in,
            reader_out=row.reader_out,
            level=LEVELS[row.level],
            contact=row.contact,
            zone_in=row.zone_in,
            zone_out=row.zone_out,
            clock_unknown=row.clock_unknown,
        )

    def _check_reader(self, reader: str, at: Key) -> None:
        if reader not in self._known:
            raise self._fail(at, f"no device {reader!r}", self._devices())
        device, profile = self._known[reader]
        if not (isinstance(profile, MqttProfile) and profile.reads_cards):
            raise self._fail(at, f"{device.profile} reads no cards", "a device whose profile reads card numbers")

    def _check_zones(self) -> None:
        row, key = self._row, self._key
        for name, zone in (("zone_in", row.zone_in), ("zone_out", row.zone_out)):
            if zone and not is_id(zone):
                raise self._fail((*key, name), f"{zone!r} is no id", ID_RULE)
        if bool(row.zone_in) != bool(row.zone_out):
            missing = "zone_out" if row.zone_in else "zone_in"
            raise self._fail((*key, missing), "anti-passback needs both sides of the door", "zone_in and zone_out")
        if row.zone_in and row.zone_in == row.zone_out:
            raise self._fail((*key, "zone_out"), "the same zone on both sides", "two zones")

    def _strike(self, row: StrikeRow, key: Key) -> StrikeSettings:
        if row.device not in self._known:
            raise self._fail((*key, "device"), f"no device {row.device!r}", self._devices())
        device, profile = self._known[row.device]
        can = profile.writes if isinstance(profile, ModbusProfile) else {}
        if row.point not in can:
            what = f"{row.point!r} of {device.profile} cannot be written"
            raise self._fail((*key, "point"), what, ", ".join(can) or "a relay of a module, on a Modbus bus")
        assert isinstance(profile, ModbusProfile)
        if row.point not in {point.name for point in profile.selected(extended=device.extended)}:
            what = f"where {row.point} of {device.profile} is comes from one source only"
            raise self._fail((*key, "point"), what, f"try it on the bench, then extended = true of {device.id}")
        try:
            seconds = duration(row.pulse) if row.pulse else None
            writes.pulse(can[row.point], seconds)
        except ValueError as error:
            raise self._fail((*key, "pulse"), str(error), 'a time, like "3 s"') from None
        except BadCommand as error:
            if error.reason == "no_pulse":
                what = f"{device.profile} cannot end a pulse by itself; a door must not hang on the gateway"
                raise self._fail((*key, "point"), what, "a module that makes pulses, see docs/DOORS.md") from None
            raise self._fail((*key, "pulse"), error.detail, "a pulse that the module makes") from None
        return StrikeSettings(row.device, row.point, seconds)

    def _devices(self) -> str:
        return ", ".join(self._known) or "no [[device]] in the file"


def _no_shared_parts(doors: Sequence[DoorSettings], fail: Fail) -> None:
    readers: dict[str, str] = {}
    strikes: dict[tuple[str, str], str] = {}
    for index, door in enumerate(doors):
        for side, devices in (("reader_in", door.reader_in), ("reader_out", door.reader_out)):
            for device in devices:
                if device in readers:
                    what = f"{device!r} already reads for door {readers[device]!r}"
                    raise fail(("door", index, side), what, "each reader at one side of one door")
                readers[device] = door.id
        strike = (door.strike.device, door.strike.point)
        other = strikes.setdefault(strike, door.id)
        if other != door.id:
            what = f"{strike[1]} of {strike[0]} already opens {other!r}"
            raise fail(("door", index, "strike", "point"), what, "one strike for each door")
