"""Small profiles for tests, from the lines that matter."""

from protocols.modbus.profile import ModbusProfile, decode_modbus
from protocols.settings import Document

HEAD = '[profile]\nid = "a/b"\nvendor = "A"\nmodel = "B"\nkind = "io"\nprotocol = "modbus"\n'


def profile_from(text: str) -> ModbusProfile:
    """The profile of a file with these lines after ``[profile]``."""
    return decode_modbus(Document("t.toml", HEAD + text))
