"""The messages of one Sparkplug session, numbered: seq 0 in NBIRTH, one more in each message of the node after it."""

from __future__ import annotations

from collections.abc import Sequence

from edge.contract import Link
from protocols.clock import Clock
from protocols.sparkplug import Metric, Payload, encode_payload
from protocols.sparkplug_names import SEQ_COUNT, NodeTopics


class Voice:
    """Used by one task only. Every message goes with QoS 0 and is not retained, as Sparkplug wants it."""

    def __init__(self, link: Link, topics: NodeTopics, clock: Clock, bd_seq: int) -> None:
        self._link, self._topics, self._clock = link, topics, clock
        self._seq = 0
        self.bd_seq = bd_seq
        self.was_born = False
        self.sent = 0

    async def node_birth(self, metrics: Sequence[Metric]) -> None:
        """NBIRTH, which begins the numbering."""
        self._seq = 0
        self.was_born = True
        await self._publish(self._topics.of_node("NBIRTH"), metrics)

    async def node_data(self, metrics: Sequence[Metric]) -> None:
        """NDATA"""
        await self._publish(self._topics.of_node("NDATA"), metrics)

    async def device(self, verb: str, device: str, metrics: Sequence[Metric]) -> None:
        """DBIRTH, DDATA or DDEATH"""
        await self._publish(self._topics.of_device(verb, device), metrics)

    async def _publish(self, topic: str, metrics: Sequence[Metric]) -> None:
        payload = encode_payload(Payload(self._clock.now_ms(), self._seq, tuple(metrics)))
        self._seq = (self._seq + 1) % SEQ_COUNT
        await self._link.publish(topic, payload, qos=0)
        self.sent += 1
