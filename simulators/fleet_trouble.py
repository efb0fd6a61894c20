"""What befalls a whole fleet at once: all connections are cut, or all are away for a while. And how it comes back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from protocols.clock import Clock
from simulators.fleet_gateway import Figures, PretendGateway
from simulators.wires.mqtt import MqttWire

LOOK_EVERY_S = 0.05


class Trouble(NamedTuple):
    """``after_s``: from the begin of sending. ``away_s``: 0 is a cut, after which everybody comes back at once."""

    after_s: float
    away_s: float = 0.0


async def meet(
    trouble: Trouble,
    gateways: Sequence[PretendGateway],
    wires: Sequence[MqttWire],
    figures: Figures,
    clock: Clock,
    *,
    until: float,
) -> dict[str, float]:
    """Wait for its instant, let it happen, and tell how the fleet came back; what did not come to its end before
    sealing does (``until``, monotonic) is -1.

    ``back_s``: until all were connected again, ``acked_again_s``: until each had an ack again. Of a fleet that was away
    also ``backlog_batches`` when it came back, ``drain_s`` until no more was owed than a second's sealing, and
    ``drain_factor``: how much faster than it seals it was acked meanwhile.
    """
    await clock.sleep(trouble.after_s)
    for wire in wires:
        wire.stay_away()
    cut_at = clock.monotonic()
    await clock.sleep(trouble.away_s)
    for wire in wires:
        wire.come_back()
    back_at, sent, acked = clock.monotonic(), figures.sent, figures.acked
    backlog = sum(each.owed for each in gateways)
    found = {"back_s": -1.0, "acked_again_s": -1.0, "resent_by_then": 0.0}
    if trouble.away_s:
        found |= {"away_s": trouble.away_s, "backlog_batches": float(backlog), "drain_s": -1.0, "drain_factor": -1.0}
    sealed_per_s = sent / max(0.001, back_at - cut_at + trouble.after_s)
    resent = figures.resent
    while -1.0 in found.values() and clock.monotonic() < until:
        since_s = clock.monotonic() - back_at
        if found["back_s"] < 0 and all(each.connected_at > cut_at for each in gateways):
            found["back_s"] = round(since_s, 2)
        if found["acked_again_s"] < 0 and all(each.acked_at > cut_at for each in gateways):
            found["acked_again_s"] = round(since_s, 2)
            found["resent_by_then"] = float(figures.resent - resent)
        if found.get("drain_s", 0) < 0 and sum(each.owed for each in gateways) <= sealed_per_s:
            found["drain_s"] = round(since_s, 2)
            found["drain_factor"] = round((figures.acked - acked) / max(since_s, 0.001) / max(sealed_per_s, 0.001), 2)
        await clock.sleep(LOOK_EVERY_S)
    return found
