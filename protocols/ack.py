"""The ack: what the collector has durably stored of one epoch, and what it rejected and why. JSON on the wire."""

from typing import Annotated

import msgspec

from protocols.errors import BadAck

RANGES_MAX = 10_000
ACK_MAX = 1024 * 1024

_Seq = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]


class Rejection(msgspec.Struct, frozen=True, omit_defaults=True):
    """One batch that was not stored.

    ``seq`` is None when it could not be read; ``digest`` (:func:`protocols.batch.digest`) always names the payload.
    ``hold``: keep the batch and offer it again later (its gateway is fenced). Otherwise it goes to quarantine.
    """

    digest: str
    reason: str
    detail: str = ""
    seq: _Seq | None = None
    hold: bool = False


class Ack(msgspec.Struct, frozen=True, omit_defaults=True):
    """``stored`` holds closed ranges [first, last] of seqs of ``epoch``. ``at``: collector's time, ms.

    ``epoch`` is "" when nothing but undecodable payloads is answered. ``missing``: closed ranges of seqs of ``epoch``
    that the gateway says were acked and that the collector does not have (it came back from a backup); what is still
    kept of them is to be sent once more. Who does not know the key leaves it.
    """

    epoch: str
    stored: list[tuple[_Seq, _Seq]] = []
    rejected: list[Rejection] = []
    at: int = 0
    missing: list[tuple[_Seq, _Seq]] = []
    v: int = 1


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Ack)


def encode_ack(ack: Ack) -> bytes:
    """The ack as published."""
    return _encoder.encode(ack)


def parse_ack(payload: bytes) -> Ack:
    """Read an ack; raises BadAck."""
    if len(payload) > ACK_MAX:
        raise BadAck("too_large", f"{len(payload)} bytes")
    try:
        ack = _decoder.decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise BadAck("schema", str(error)) from None
    if ack.v != 1:
        raise BadAck("version", f"v is {ack.v}; this gateway reads 1")
    ranges = [*ack.stored, *ack.missing]
    if len(ranges) > RANGES_MAX or any(first > last for first, last in ranges):
        raise BadAck("schema", "ranges are [first, last] with first <= last")
    return ack
