"""Grant lists: what was sealed opens, what anybody changed does not, and each fault is told with its place."""

import gc
import random
from typing import Any

import msgspec
import pytest
import zstandard

from protocols.errors import BadGrants
from protocols.grants import (
    CARDS_MAX,
    EXEMPT,
    LASTS_MS_MAX,
    OPEN_MAX,
    PACKED_MAX,
    Card,
    Cards,
    Grant,
    GrantDoor,
    GrantList,
    columns,
    open_grants,
    seal_grants,
)
from protocols.schedules import Schedule
from protocols.signing import public_of, sign

SEED, OTHER_SEED = b"s" * 32, b"o" * 32
PUBLIC = public_of(SEED)
NOW = 1_800_000_000_000
DAY = 86_400_000
KEYS = [f"{number:032x}" for number in (3, 1, 2)]


def grant_list(**given: Any) -> GrantList:
    """One that holds together: two doors, a schedule, three cards."""
    wanted: dict[str, Any] = {
        "site": "east",
        "gateway": "b3",
        "number": 7,
        "issued_at": NOW,
        "expires_at": NOW + 7 * DAY,
        "time_zone": "Asia/Shanghai",
        "doors": [GrantDoor(id="north"), GrantDoor(id="lab", level=2, passback="hard", forgiven_min=30)],
        "schedules": [Schedule(id="office", week=[[(480, 1080)]] * 5 + [[], []])],
        "sets": [[Grant("north")], [Grant("north", "office"), Grant("lab", "office", NOW, NOW + DAY)]],
        "cards": columns([Card(KEYS[0], 30, 1, EXEMPT, 2), Card(KEYS[1], 10, 0), Card(KEYS[2], 20, 1)]),
    }
    return GrantList(**{**wanted, **given})


def sealed(grants: GrantList) -> bytes:
    return seal_grants(grants, lambda text: sign(SEED, text))


def forged(text: bytes, seed: bytes = SEED, **of_frame: Any) -> bytes:
    """Signed, whatever it says."""
    frame = zstandard.ZstdCompressor(**of_frame).compress(text)
    return b"\x01" + sign(seed, b"dayuan grants 1\0" + frame) + frame


def opened(payload: bytes, **given: str) -> GrantList:
    return open_grants(payload, PUBLIC, **{"site": "east", "gateway": "b3", **given})


def test_what_was_sealed_opens_and_every_card_is_found() -> None:
    grants = opened(sealed(grant_list()))
    assert grants == grant_list()
    assert [card.key for card in grants.cards] == sorted(KEYS)
    assert grants.cards.find(KEYS[0]) == Card(KEYS[0], 30, 1, EXEMPT, 2)
    for foreign in ("0" * 32, f"{4:032x}", "f" * 32, "", KEYS[0][:31], KEYS[0] + "0"):
        assert grants.cards.find(foreign) is None


def test_a_bit_anywhere_makes_it_nobodys() -> None:
    payload = sealed(grant_list())
    for place in range(len(payload)):
        changed = bytearray(payload)
        changed[place] ^= 1 << place % 8
        with pytest.raises(BadGrants) as caught:
            opened(bytes(changed))
        assert caught.value.reason == ("version" if place == 0 else "signature")
    for length in (1, 64, 65, len(payload) - 1):
        with pytest.raises(BadGrants, match="signature"):
            opened(payload[:length])


def test_another_signature_of_the_same_key_is_no_list() -> None:
    text = msgspec.json.encode(grant_list())
    frame = zstandard.ZstdCompressor().compress(text)
    for domain in (b"", b"dayuan command 1\0"):
        with pytest.raises(BadGrants, match="signature"):
            opened(b"\x01" + sign(SEED, domain + frame) + frame)
    with pytest.raises(BadGrants, match="signature"):
        opened(forged(text, OTHER_SEED))


@pytest.mark.parametrize("other", [{"site": "west"}, {"gateway": "b4"}])
def test_the_list_of_another_gateway_is_not_taken(other: dict[str, str]) -> None:
    with pytest.raises(BadGrants, match="target: it is for east/b3"):
        opened(sealed(grant_list()), **other)


_SCHEDULE = Schedule(id="s", week=[[]] * 7)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"expires_at": NOW}, "times: expires_at"),
        ({"expires_at": NOW + LASTS_MS_MAX + 1}, "times: it lasts"),
        ({"time_zone": "Moon/Base"}, "'Moon/Base' is no time zone"),
        ({"doors": [GrantDoor(id="north"), GrantDoor(id="north")]}, r"doors\[1\]: 'north' stands twice"),
        ({"schedules": [_SCHEDULE, _SCHEDULE]}, r"schedules\[1\]: 's' stands twice"),
        ({"schedules": [Schedule(id="s", week=[[(5, 5)], *[[]] * 6])]}, r"schedule s, week\[0\]"),
        ({"sets": [[Grant("north"), Grant("south")]]}, r"sets\[0\]\[1\]: the list has no door 'south'"),
        ({"sets": [[Grant("north", "night")]]}, r"sets\[0\]\[0\]: the list has no schedule 'night'"),
        ({"sets": [[Grant("north", None, 9, 9)]]}, r"sets\[0\]\[0\]: valid_until 9 is not after valid_from 9"),
        ({"cards": columns([Card(KEYS[0], 1, 2)])}, r"cards\[0\]: set 2 of 2"),
        (
            {"cards": columns([Card(KEYS[0], 1, 0), Card(KEYS[0], 2, 0)])},
            r"cards\[1\]: the key 0{8}\.\.\. stands",
        ),
        ({"cards": columns([Card("A" * 32, 1, 0)])}, "keys: not 1 times 32 digits"),
        ({"cards": columns([Card("a" * 31, 1, 0)])}, "keys: not 1 times 32 digits"),
        ({"cards": columns([Card("04a1b2c3", 1, 0)])}, "keys: not 1 times 32 digits"),
        ({"cards": Cards(keys=KEYS[0] + KEYS[1], people=[1, 2], sets=[0, 0], flags=[0, 0], levels=[1, 1])}, "ascend"),
        (
            {"cards": Cards(keys=KEYS[0], people=[1], sets=[], flags=[0], levels=[1])},
            "lengths: 1 people, 0 sets",
        ),
    ],
)
def test_a_fault_is_told_to_who_seals_and_to_who_opens(given: dict[str, Any], said: str) -> None:
    with pytest.raises(BadGrants, match=said):
        sealed(grant_list(**given))
    with pytest.raises(BadGrants, match=said):
        opened(forged(msgspec.json.encode(grant_list(**given))))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "schema"),
        (b"{}", "schema"),
        (b"[" * 5000, "schema"),
        (msgspec.json.encode(grant_list()).replace(b'"v":1', b'"v":2'), "schema"),
        (msgspec.json.encode(grant_list()).replace(b'"v":1', b'"v":1,"extra":1'), "schema"),
        (msgspec.json.encode(grant_list()).replace(b'"number":7', b'"number":0'), "schema"),
        (msgspec.json.encode(grant_list()).replace(b'"hard"', b'"harder"'), "schema"),
        (b" " * (OPEN_MAX + 1), "too_large"),
    ],
)
def test_signed_nonsense_is_refused_all_the_same(text: bytes, reason: str) -> None:
    with pytest.raises(BadGrants) as caught:
        opened(forged(text))
    assert caught.value.reason == reason


def test_what_is_no_frame_or_too_large_or_empty_is_refused() -> None:
    def signed(frame: bytes) -> bytes:
        return b"\x01" + sign(SEED, b"dayuan grants 1\0" + frame) + frame

    text = msgspec.json.encode(grant_list())
    unsized = zstandard.ZstdCompressor(write_content_size=False).compress(text)
    for payload, reason in (
        (b"", "empty"),
        (b"\x01" * (PACKED_MAX + 1), "too_large"),
        (b"\x02" + sealed(grant_list())[1:], "version"),
        (signed(b"no frame"), "damaged"),
        (signed(unsized), "damaged"),
        (signed(zstandard.ZstdCompressor().compress(text) + b"more"), "damaged"),
    ):
        with pytest.raises(BadGrants) as caught:
            opened(payload)
        assert caught.value.reason == reason


def test_as_many_cards_as_are_allowed_fit_and_one_more_does_not() -> None:
    rng = random.Random(5)
    cards = [
        Card(f"{rng.getrandbits(128):032x}", rng.randrange(60_000), rng.randrange(2000), 0, rng.randrange(1, 4))
        for _ in range(CARDS_MAX)
    ]
    sets = [[Grant("north", "office", NOW + number, NOW + DAY)] * 4 for number in range(2000)]
    payload = sealed(grant_list(cards=columns(cards), sets=sets))
    assert len(payload) <= PACKED_MAX
    assert len(opened(payload).cards) == CARDS_MAX
    with pytest.raises(BadGrants, match="schema"):
        sealed(grant_list(cards=columns([*cards, Card("f" * 32, 1, 0)]), sets=sets))


def test_fifty_thousand_cards_are_nothing_to_search_for_cycles():
    made = columns([Card(f"{place:032x}", place + 1, 0, 0, 1) for place in range(50_000)])
    cards = msgspec.json.decode(msgspec.json.encode(made), type=Cards)
    gc.collect()
    assert not any(gc.is_tracked(getattr(cards, name)) for name in ("people", "sets", "flags", "levels"))
