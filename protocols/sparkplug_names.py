"""Names of Sparkplug B 3.0: topics, ids, and the STATE by which a host says whether it is there."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from protocols.errors import BadPayload

NAMESPACE = "spBv1.0"
REBIRTH = "Node Control/Rebirth"
BD_SEQ = "bdSeq"
QUALITY = "Quality"
GOOD, BAD, STALE = 192, 0, 500
"""The three values that the property Quality may have."""

SEQ_COUNT = 256
"""Both counters, seq and bdSeq, go from 0 to 255 and begin again."""

ID_RULE = "1 to 100 characters without +, #, / and control characters"
STATE_BYTES_MAX = 4096


class State(msgspec.Struct, frozen=True):
    """What a host publishes on its STATE topic. ``timestamp``: ms since 1970 UTC, when that session began or ended."""

    online: bool
    timestamp: int


_decoder = msgspec.json.Decoder(State)


def is_sparkplug_id(text: str) -> bool:
    """True for what may be a group, a node, a device or a host."""
    return 0 < len(text) <= 100 and text.isprintable() and not any(sign in "+#/" for sign in text)


def state_topic(host: str) -> str:
    """Where a host says whether it is there."""
    return f"{NAMESPACE}/STATE/{host}"


class NodeTopics(NamedTuple):
    """The topics of one edge node."""

    group: str
    node: str

    def of_node(self, verb: str) -> str:
        """NBIRTH, NDATA, NDEATH, NCMD"""
        return f"{NAMESPACE}/{self.group}/{verb}/{self.node}"

    def of_device(self, verb: str, device: str) -> str:
        """DBIRTH, DDATA, DDEATH, DCMD"""
        return f"{NAMESPACE}/{self.group}/{verb}/{self.node}/{device}"


def parse_state(payload: bytes) -> State:
    """Read a STATE; raises BadPayload. The text forms ONLINE and OFFLINE are of Sparkplug 2 and are not taken."""
    if len(payload) > STATE_BYTES_MAX:
        raise BadPayload("too_large", f"{len(payload)} bytes of STATE")
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayload("schema", f"STATE: {error}") from None
