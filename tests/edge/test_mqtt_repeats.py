"""What a device says again is told once, and what only looks the same is not left out."""

from __future__ import annotations

from collections import Counter

from edge.drivers.mqtt_repeats import SAME_PACKET_S, Repeats
from protocols.mqtt.message import Decoded
from protocols.reading import Event

NOW = 1_795_000_000_000


def tap(card: str = "a", at: int = NOW, *, own_time: bool = False) -> Decoded:
    return Decoded(events=(Event("door", "card_read", at, {"card_key": card}),), has_own_time=own_time)


def action(word: str, *, event: bool = True) -> Decoded:
    events = (Event("lock", "lock_operated", NOW, {"action": word}),) if event else ()
    return Decoded(events=events, said=(("action", word),), changed=("action",) * len(events))


class Memory(Repeats):
    def __init__(self, within_s: float = 1.0) -> None:
        super().__init__(within_s, Counter())

    def tells(self, decoded: Decoded, heard_s: float, *, sent_again: bool = False, queued: bool = False) -> bool:
        return bool(self.news(decoded, heard_s, sent_again=sent_again, queued=queued))


def test_a_tap_told_three_times_within_a_second_is_one() -> None:
    memory = Memory()
    assert [memory.tells(tap(), at) for at in (10.0, 10.3, 10.6)] == [True, False, False]
    assert memory.left_out == {"repeated_event": 2}


def test_a_card_that_stays_on_the_reader_is_one_tap_and_the_next_tap_is_another() -> None:
    memory = Memory()
    assert [memory.tells(tap(), 10 + n * 0.9) for n in range(20)] == [True] + [False] * 19
    assert memory.tells(tap(), 10 + 19 * 0.9 + 1.1)


def test_two_cards_at_once_are_two_taps() -> None:
    memory = Memory()
    assert [memory.tells(tap(card), 10.0) for card in ("a", "b", "a", "b")] == [True, True, False, False]


def test_a_profile_without_the_rule_leaves_nothing_out() -> None:
    memory = Memory(0.0)
    assert all(memory.tells(tap(), 10.0) for _ in range(3))


def test_with_a_clock_of_its_own_the_times_of_the_taps_count() -> None:
    memory = Memory()
    assert memory.tells(tap(at=NOW, own_time=True), 10.0)
    assert memory.tells(tap(at=NOW + 60_000, own_time=True), 10.1)
    assert not memory.tells(tap(at=NOW + 60_500, own_time=True), 10.2)


def test_taps_that_waited_at_the_broker_are_all_told_as_nobody_knows_when_they_were() -> None:
    memory = Memory()
    assert [memory.tells(tap(), 10.0 + n / 100, queued=True) for n in range(3)] == [True, True, True]


def test_what_the_broker_sends_again_is_left_to_the_buffer() -> None:
    """The first copy may have been lost on its way to the disk."""
    memory = Memory()
    assert memory.tells(tap(), 10.0)
    assert memory.tells(tap(), 10.1, sent_again=True)


def test_an_action_is_news_when_it_is_another_than_before() -> None:
    memory = Memory(0.0)
    assert memory.tells(action("unlock"), 10.0)
    assert not memory.tells(action("unlock"), 500.0), "repeated from the cache with the next battery level"
    assert memory.tells(action("auto_lock"), 501.0)
    memory.news(action("", event=False), 502.0, sent_again=False, queued=False)
    assert memory.tells(action("auto_lock"), 503.0)
    assert memory.left_out == {"unchanged": 1}


def test_a_packet_is_known_by_its_name_for_a_while() -> None:
    memory = Memory()
    packet = Decoded(same="position 1 2")
    assert not memory.is_known_packet(packet, 10.0)
    assert memory.is_known_packet(packet, 11.0)
    assert not memory.is_known_packet(Decoded(same="position 1 3"), 11.0)
    assert not memory.is_known_packet(packet, 11.0 + SAME_PACKET_S), "numbers come round"
    assert not memory.is_known_packet(Decoded(), 12.0)
    assert not memory.is_known_packet(Decoded(), 12.0), "a message without a name is never the same"


def test_a_driver_that_starts_anew_takes_everything_as_new() -> None:
    memory = Memory()
    assert memory.tells(tap(), 10.0)
    memory.clear()
    assert memory.tells(tap(), 10.1)


def test_its_memory_is_bounded() -> None:
    memory = Memory()
    for n in range(2000):
        memory.tells(tap(str(n)), 10.0)
        memory.is_known_packet(Decoded(same=str(n)), 10.0)
    assert len(memory._events) <= 256
    assert len(memory._packets) <= 256
