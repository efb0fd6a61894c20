"""Batches of gateways of which nothing is taken: never enrolled where that is asked for, or revoked."""

from collections.abc import Callable

from cloud.ingest.message import Incoming
from cloud.ingest.prepared import AlarmCall, Answer, Prepared
from cloud.store.contract import GatewayKey
from protocols.ack import Rejection
from protocols.batch import digest, open_batch, peek
from protocols.errors import BadBatch

SHOWN_MAX = 100
"""Gateways that are turned away with an alarm of their own; further ones share one."""

_DETAILS = {
    "not_enrolled": "this gateway is not enrolled here: dayuan-cloud gateway add, then dayuan-edge enrol",
    "revoked": "this gateway was revoked; enrol it anew to let it in again",
}


class Strangers:
    """``refusal`` says why nothing of a gateway is taken; None when it is."""

    def __init__(self, refusal: Callable[[GatewayKey], str | None]) -> None:
        self._refusal = refusal
        self._shown: set[GatewayKey] = set()

    def turned_away(self, message: Incoming, prepared: Prepared) -> bool:
        """True for a batch that is not taken. Nothing of it is kept, not even in quarantine: the gateway is told to
        hold it, so that nothing is lost when it is enrolled.
        """
        reason = self._refusal(message.key)
        if reason is None:
            return False
        payload = message.payload
        try:
            identity = open_batch(payload).identity if payload[:1] == b"{" else peek(payload)
        except BadBatch:
            prepared.ignored += 1
            return True
        rejection = Rejection(digest(payload), reason, _DETAILS.get(reason, ""), identity.seq, hold=True)
        prepared.answers.append(Answer(message.key, identity.epoch, identity.seq, rejection))
        name = f"{message.key.site}/{message.key.gateway}"
        if message.key in self._shown or len(self._shown) < SHOWN_MAX:
            self._shown.add(message.key)
            source = name
        else:
            source = "collector"
        prepared.alarms.append(AlarmCall(f"gateway_{reason}", source, {"gateway": name}))
        return True
