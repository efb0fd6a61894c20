"""A committed event of a gateway about its site file."""

from __future__ import annotations

import numpy as np

from cloud.ingest.contract import Committed, CommittedBatch
from cloud.store.contract import GatewayKey
from protocols.reading import Event, Scalar


def answer_of(key: GatewayKey, kind: str, **data: Scalar) -> Committed:
    """As the store handed it on."""
    nothing = np.empty(0)
    batch = CommittedBatch(
        site=key.site,
        gateway=key.gateway,
        epoch="e",
        seq=1,
        received_at=1,
        stored_at=7,
        series=nothing,
        at=nothing,
        value=nothing,
        quality=nothing,
        events=[Event("gateway", kind, 5, data)],
        refused=0,
        wire_bytes=0,
    )
    return Committed([batch])
