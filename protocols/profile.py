"""Finding and reading the profile of a device model.

A profile ``vendor/model`` is the file ``vendor/model.toml`` in one of the site's own profile folders, else in
``protocols/profiles``.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from protocols.errors import BadProfile, BadSettings
from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.mqtt.profile import MqttProfile
from protocols.mqtt.site_points import decode as decode_mqtt
from protocols.settings import Document, load_toml

Profile = ModbusProfile | MqttProfile

BUILT_IN = Path(__file__).parent / "profiles"

_PROFILE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}/[a-z0-9][a-z0-9._-]{0,63}")


def load_profile(profile_id: str, dirs: Sequence[Path] = ()) -> Profile:
    """The profile ``profile_id``; folders in ``dirs`` come before the built-in ones.

    Raises BadProfile: unknown (with the known ids), or wrong in itself (with file, line and key).
    """
    if not _PROFILE_ID.fullmatch(profile_id):
        raise BadProfile(
            f"{profile_id!r} is no profile id", file="profile", allowed="vendor/model, like eastron/sdm630"
        )
    for folder in (*dirs, BUILT_IN):
        path = folder / f"{profile_id}.toml"
        if path.is_file():
            return read_profile(path, profile_id)
    known = ", ".join(sorted(profile_ids(dirs)))
    raise BadProfile(f"no profile {profile_id!r}", file="profile", allowed=known)


def read_profile(path: Path, profile_id: str = "") -> Profile:
    """The profile in one file; raises BadProfile."""
    try:
        document = load_toml(path)
        profile = _decode(document)
        if profile_id and profile.head.id != profile_id:
            raise document.fail(("profile", "id"), f"{profile.head.id!r} in a file of another name", profile_id)
    except BadSettings as error:
        raise BadProfile(
            error.message, file=error.file, line=error.line, key=error.key, allowed=error.allowed
        ) from None
    return profile


def profile_ids(dirs: Sequence[Path] = ()) -> Iterator[str]:
    """Every profile id there is a file for."""
    for folder in dict.fromkeys((*dirs, BUILT_IN)):
        for path in sorted(folder.glob("*/*.toml")):
            yield f"{path.parent.name}/{path.stem}"


def _decode(document: Document) -> Profile:
    head = document.values.get("profile")
    protocol = head.get("protocol") if isinstance(head, dict) else None
    if protocol == "modbus":
        return decode_modbus(document)
    if protocol == "mqtt":
        return decode_mqtt(document)
    raise document.fail(("profile", "protocol"), f"{protocol!r} is no protocol", "modbus, mqtt")
