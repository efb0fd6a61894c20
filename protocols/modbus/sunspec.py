"""Finding a SunSpec model in a device: the marker, then the chain of models, each with its length.

Where a model starts differs by vendor and firmware, so it is looked up and never assumed.
"""

import struct
from collections.abc import Collection, Generator

import msgspec

from protocols.modbus.point import ModbusPoint
from protocols.modbus.texts import TextField

MARKER = b"SunS"
MARKER_ADDRESSES = (40000, 0, 50000)
COMMON_MODEL = 1
"""The model in which every SunSpec device says its maker, its own model and its serial number."""
END_MODEL = 0xFFFF
MODELS_MAX = 64


def find_model(wanted: Collection[int]) -> Generator[tuple[int, int], bytes | None, int | None]:
    """Find the first model whose number is in ``wanted``.

    Yields (start, count) of holding registers to read; send back their bytes, or None when the device refused. Returns
    the address of the model's header, None when there is no such model.
    """
    for base in MARKER_ADDRESSES:
        if (yield base, 2) == MARKER:
            break
    else:
        return None
    start = base + 2
    for _ in range(MODELS_MAX):
        header = yield start, 2
        if header is None:
            return None
        model, length = struct.unpack(">HH", header)
        if model in wanted:
            return start
        if model == END_MODEL or start + 2 + length > END_MODEL:
            return None
        start += 2 + length
    return None


def placed(point: ModbusPoint, start: int) -> ModbusPoint:
    """The point with offsets from the model's header turned into addresses."""
    return msgspec.structs.replace(
        point,
        at=point.at + start,
        plus=tuple(at + start for at in point.plus),
        alternatives=tuple(at + start for at in point.alternatives),
        scale_factor=None if point.scale_factor is None else point.scale_factor + start,
    )


def placed_text(field: TextField, start: int) -> TextField:
    """The text with its offset from the header of the common model, found at ``start``, turned into an address."""
    return msgspec.structs.replace(field, at=field.at + start)
