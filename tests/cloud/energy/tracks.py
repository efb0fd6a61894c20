"""A track of a whole register at once."""

from cloud.energy.contract import Readings, Recorded, Register, Track
from cloud.energy.eras import Eras
from cloud.energy.follow import follow


def register_track(
    register: Register, readings: Readings, records: tuple[Recorded, ...] = (), *, until: int | None = None
) -> Track:
    """All there is of a register, from its first reading."""
    if until is None:
        until = int(readings.at[-1]) + 1 if len(readings.at) else 0
    return follow(Eras(register, records), readings, until=until)
