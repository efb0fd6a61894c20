"""One gateway that sends without end has its share of the box, and no more."""

from cloud.ingest.message import SHARE_BYTES, SHARE_MESSAGES, Inbox, Incoming
from cloud.store.contract import GatewayKey

BAD, GOOD = GatewayKey("east", "bad"), GatewayKey("east", "b3")


def message(key: GatewayKey, size: int = 10) -> Incoming:
    return Incoming(key, "t", b"x" * size, 0, lambda: None)


def fill(inbox: Inbox, key: GatewayKey, size: int = 10) -> int:
    taken = 0
    while inbox.has_room_for(key, size) and taken < 10 * SHARE_MESSAGES:
        inbox.put(message(key, size))
        taken += 1
    return taken


async def test_a_gateway_gets_its_share_and_others_theirs() -> None:
    inbox = Inbox()
    assert fill(inbox, BAD) == SHARE_MESSAGES
    assert fill(inbox, GOOD) == SHARE_MESSAGES
    assert not inbox.full
    await inbox.take()
    assert fill(inbox, BAD) == SHARE_MESSAGES


async def test_large_messages_count_by_their_bytes_and_one_is_always_taken() -> None:
    inbox = Inbox()
    assert fill(inbox, BAD, SHARE_BYTES // 4) == 4
    assert fill(inbox, GOOD, 2 * SHARE_BYTES) == 1
    while any(inbox.waiting):
        await inbox.take()
    assert fill(inbox, BAD, SHARE_BYTES // 4) == 4
