"""A command on its way from the collector to a gateway: an order, and the collector's signature over its very bytes.

On the wire JSON, ``{"v": 1, "order": "<JSON text>", "signature": "<base64>"}``: what is signed is the text, so nobody
has to agree on how JSON is written.
"""

import base64
import secrets
from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from protocols.clock import MS_PER_S
from protocols.enrolment import decoded
from protocols.errors import BadCommand
from protocols.signing import signed_by

Action = Literal["on", "off", "pulse", "set"]

LASTS_MS_MAX = 60 * MS_PER_S
"""An order that could be carried out later than this after it was given is none."""
AHEAD_MS_MAX = 30 * MS_PER_S
"""So far a gateway's clock may be behind the collector's."""
PAYLOAD_BYTES_MAX = 4096
_SIGNED = b"dayuan command 1\0"

_Id = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
_Hex = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
_Instant = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Issuer = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be done, once, by one gateway, until ``expires_at`` (ms). ``value``: of set, or seconds of a pulse.

    ``issuers``: numbers of the people who stand for it, which mean something to the collector alone; there where a
    second person approved it, else left out, so that gateways which know of no approvals read it.
    """

    id: _Hex
    nonce: _Hex
    site: _Id
    gateway: _Id
    device: _Id
    point: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
    action: Action
    value: float | None = None
    issued_at: _Instant
    expires_at: _Instant
    issuers: Annotated[tuple[_Issuer, ...], msgspec.Meta(max_length=4)] = ()

    @property
    def people(self) -> int:
        """How many different people stand for it; one when it does not say."""
        return max(1, len(set(self.issuers)))

    @property
    def text(self) -> str:
        """For events and logs: ``relay_1 pulse 3``."""
        return f"{self.point} {self.action}" + ("" if self.value is None else f" {self.value:g}")


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: int
    order: str
    signature: Annotated[str, msgspec.Meta(max_length=128)]


def new_id() -> str:
    """An id, or a nonce, that nobody has."""
    return secrets.token_hex(16)


def seal_order(order: Order, sign: Callable[[bytes], bytes]) -> bytes:
    """The order as published; ``sign`` is of the collector's command key."""
    text = msgspec.json.encode(order)
    signature = base64.b64encode(sign(_SIGNED + text)).decode()
    return msgspec.json.encode(_Envelope(1, text.decode(), signature))


def open_order(payload: bytes, public_key: bytes, *, site: str, gateway: str) -> Order:
    """The order in a message, if our collector gave it to this gateway; raises BadCommand. Looks at no time."""
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise BadCommand("too_large", f"{len(payload)} bytes, at most {PAYLOAD_BYTES_MAX}")
    try:
        envelope = msgspec.json.decode(payload, type=_Envelope)
        text = envelope.order.encode()
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadCommand("unreadable", str(error)) from None
    if envelope.v != 1:
        raise BadCommand("version", f"v is {envelope.v}; this gateway reads 1")
    if not signed_by(public_key, decoded(envelope.signature), _SIGNED + text):
        raise BadCommand("signature", "not signed by our collector")
    try:
        order = msgspec.json.decode(text, type=Order)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadCommand("unreadable", str(error)) from None
    if (order.site, order.gateway) != (site, gateway):
        raise BadCommand("target", f"it is for {order.site}/{order.gateway}")
    return order


def untimely(order: Order, now_ms: int) -> str | None:
    """Why the order must not be carried out now; None when it may."""
    if not 0 < order.expires_at - order.issued_at <= LASTS_MS_MAX:
        return f"it lasts longer than {LASTS_MS_MAX // MS_PER_S} s"
    if now_ms >= order.expires_at:
        return f"it expired {(now_ms - order.expires_at) / MS_PER_S:.0f} s ago by the clock of this gateway"
    if order.issued_at > now_ms + AHEAD_MS_MAX:
        return f"it was given {(order.issued_at - now_ms) / MS_PER_S:.0f} s in the future by the clock of this gateway"
    return None
