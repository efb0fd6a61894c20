"""The part that every device profile has, whatever it speaks: the table ``[profile]``."""

from typing import Literal

import msgspec

ProfileProtocol = Literal["modbus", "mqtt"]


class ProfileHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which device a profile is for, and how far it has been checked.

    ``checked`` stays ``data sheets`` until somebody has compared the points with a device's own display.
    """

    id: str
    vendor: str
    model: str
    kind: str
    protocol: ProfileProtocol
    checked: str = "data sheets"
    covers: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
