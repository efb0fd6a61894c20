"""How a device that publishes misbehaves: kinds of faults, and what they do to a message or to its clock.

silent: it says nothing, its connection stands. flapping: it loses the connection without a goodbye, again and again, so
that its will is published. clock_wrong: its clock is off by ``offset_s``, or shows its uptime since 1970 when that is
0. duplicate: every message twice, byte for byte; with QoS 1 in turn as a second message and with the DUP flag after a
lost PUBACK. lost_fix: no satellites. stuck: its sensors show what they showed when it began. retained_old: everything
is published with the retain flag, as by a wrong setting. garbage: nothing it sends can be read. counter_reset: its
counters begin again at 0.
"""

from __future__ import annotations

from collections.abc import Iterator

from protocols.settings import duration
from simulators.devices.mqtt.said import Said
from simulators.ledger import Expectation

SILENT, FLAPPING, CLOCK_WRONG, DUPLICATE = "silent", "flapping", "clock_wrong", "duplicate"
LOST_FIX, STUCK, RETAINED_OLD, GARBAGE, COUNTER_RESET = "lost_fix", "stuck", "retained_old", "garbage", "counter_reset"
MQTT_KINDS = (SILENT, FLAPPING, CLOCK_WRONG, DUPLICATE, LOST_FIX, STUCK, RETAINED_OLD, GARBAGE, COUNTER_RESET)

BELIEVED_AHEAD_S = 300.0
"""A clock further ahead than this is wrong for everybody who hears it."""
BELIEVED_BEHIND_S = 6 * 3600.0
"""A clock this far behind is still taken for a late message. What lies further back may be either: it is not played."""
FLAP_S = 1.0

OFFSETS = "0 (its uptime, as before the first NTP answer), -6 h to 5 min (believed), more than 5 min (not believed)"


def clock_believed(offset_s: float) -> bool:
    """False when nobody may take the device's time for true."""
    return offset_s != 0 and -BELIEVED_BEHIND_S <= offset_s <= BELIEVED_AHEAD_S


def mangled(said: Said, number: int) -> Said:
    """The same message as nobody can read it: cut off, not UTF-8, or with a word that is no value."""
    whole = said.payload
    if whole[:1] in (b"{", b"["):
        forms = [whole[: max(1, len(whole) // 2)], whole[:-1] + b',"\xff\xfe', b"NaN"]
    elif whole[:1] in (b"$", b"!"):
        forms = [whole[:20], whole.replace(b",", b";"), b"$"]
    else:
        forms = [b"nan", b"\xff\xfe", b"?"]
    return said._replace(payload=forms[number % len(forms)], expected=Expectation(), retain=False)


def copies(said: Said) -> Iterator[Said]:
    """A message and its copy; what the copy adds depends on whether it can be told from a second occasion."""
    yield said
    yield said._replace(expected=Expectation()) if said.once else said


def offset_s(text: str) -> float:
    """Seconds of "-2 h", "10 min", "0 s". Raises ValueError that says how to write it, or what is allowed."""
    behind = text.strip().startswith("-")
    seconds = duration(text.strip().removeprefix("-").strip())
    if behind and seconds > BELIEVED_BEHIND_S:
        raise ValueError(f"an offset of {text!r}: {OFFSETS}")
    return -seconds if behind else seconds
