"""Whatever is done to a chain of records, the check names the first that is bad."""

from collections.abc import Callable, Sequence

import pytest

from cloud.audit.chain import (
    BEGINNING,
    Check,
    Checkpoint,
    Record,
    Removed,
    Sealed,
    Verdict,
    checkpoint_of,
    removed_of,
    seal_of,
)

KEY, OTHER = b"k" * 32, b"o" * 32
Chain = list[Sealed]


def record(number: int, actor: str = "li") -> Record:
    return Record(number, 1_790_000_000_000 + number, actor, "session", "192.0.2.1", "PUT /x", "east", "", "{}")


def chained(records: Sequence[Record], key: bytes = KEY, before: str = BEGINNING) -> Chain:
    found = []
    for each in records:
        before = seal_of(key, before, each)
        found.append(Sealed(each, before))
    return found


def verify(chain: Chain, checkpoints: Sequence[Checkpoint], key: bytes = KEY, removed: Removed = Removed()) -> Verdict:
    check = Check(key, removed, checkpoints)
    for each in chain:
        check.take(each)
    return check.end()


WHOLE = chained([record(number) for number in range(1, 11)])
SIGNED = [checkpoint_of(KEY, number, WHOLE[number - 1].seal, 5) for number in (4, 10)]


def test_a_chain_as_it_was_written_is_good() -> None:
    assert verify(WHOLE, SIGNED) == Verdict(10)
    assert verify([], []) == Verdict(0)


def deleted(chain: Chain) -> Chain:
    return chain[:5] + chain[6:]


def edited(chain: Chain) -> Chain:
    return [*chain[:5], Sealed(chain[5].record._replace(actor="wang"), chain[5].seal), *chain[6:]]


def edited_and_sealed_with_another_key(chain: Chain) -> Chain:
    return chain[:5] + chained([each.record for each in chain[5:]], OTHER, chain[4].seal)


def reordered(chain: Chain) -> Chain:
    return [*chain[:5], chain[6], chain[5], *chain[7:]]


def reordered_and_renumbered(chain: Chain) -> Chain:
    one, other = chain[5], chain[6]
    return [
        *chain[:5],
        Sealed(other.record._replace(number=6), other.seal),
        Sealed(one.record._replace(number=7), one.seal),
        *chain[7:],
    ]


def put_in(chain: Chain) -> Chain:
    return [*chain[:5], Sealed(record(6, "nobody"), "0" * 64), *chain[5:]]


def seal_moved(chain: Chain) -> Chain:
    return [*chain[:5], Sealed(chain[5].record, chain[6].seal), *chain[6:]]


@pytest.mark.parametrize(
    "harm",
    [
        deleted,
        edited,
        edited_and_sealed_with_another_key,
        reordered,
        reordered_and_renumbered,
        put_in,
        seal_moved,
    ],
)
def test_the_first_record_that_is_not_as_it_was_written_is_named(harm: Callable[[Chain], Chain]) -> None:
    verdict = verify(harm(list(WHOLE)), SIGNED)
    assert (verdict.bad, verdict.records) == (6, 5), verdict.what


@pytest.mark.parametrize("field", [name for name in Record._fields if name != "number"])
def test_no_field_of_a_record_can_be_changed(field: str) -> None:
    value = 7 if field == "at" else "other"
    changed = Sealed(WHOLE[2].record._replace(**{field: value}), WHOLE[2].seal)
    assert verify([*WHOLE[:2], changed, *WHOLE[3:]], SIGNED).bad == 3


def test_a_tail_that_was_cut_off_is_missed_by_the_checkpoint() -> None:
    verdict = verify(WHOLE[:7], SIGNED)
    assert (verdict.bad, verdict.what) == (8, "the end is missing: a checkpoint knows 10 records")
    assert verify([], SIGNED).bad == 1


def regrown(to: int) -> Chain:
    """The tail from 8 on was cut off, and others were written in its place, up to ``to``."""
    others = [record(number, "nobody") for number in range(8, to + 1)]
    return WHOLE[:7] + chained(others, before=WHOLE[6].seal)


@pytest.mark.parametrize("to", [10, 12])
def test_a_tail_that_was_cut_off_is_missed_whatever_was_written_and_signed_in_its_place(to: int) -> None:
    chain = regrown(to)
    later = [checkpoint_of(KEY, number, chain[number - 1].seal, 6) for number in range(7, to + 1)]
    verdict = verify(chain, [*SIGNED, *later])
    assert (verdict.bad, verdict.records) == (10, 9), verdict.what
    gone = removed_of(KEY, 10, chain[9].seal)
    assert verify(chain[10:], [*SIGNED, *later], removed=gone).bad == 10, "also when those are forgotten by age"


def test_checkpoints_of_two_processes_may_stand_in_any_order() -> None:
    """Each signs what it read, and may be overtaken by the other."""
    assert verify(WHOLE, [*SIGNED[::-1], *SIGNED]) == Verdict(10)


def test_a_whole_chain_in_the_place_of_another_is_seen() -> None:
    """Sealed by the same key, as from a backup of another day."""
    swapped = chained([record(number, "wang") for number in range(1, 13)])
    verdict = verify(swapped, SIGNED)
    assert (verdict.bad, verdict.what) == (4, "another record stood here when the checkpoint was signed")
    assert verify(chained([each.record for each in WHOLE], OTHER), SIGNED).bad == 1


def test_checkpoints_of_another_key_or_none_at_all_are_told() -> None:
    forged = [checkpoint_of(OTHER, 7, WHOLE[6].seal, 5)]
    assert "not signed by this key" in verify(WHOLE[:7], forged).what
    assert "no checkpoint" in verify(WHOLE, []).what


def test_what_was_forgotten_by_age_is_no_hole_and_cannot_be_pretended() -> None:
    gone = removed_of(KEY, 3, WHOLE[2].seal)
    assert verify(WHOLE[3:], SIGNED, removed=gone) == Verdict(7)
    assert verify(WHOLE[4:], SIGNED, removed=gone).bad == 4
    pretended = Removed(5, WHOLE[4].seal, "0" * 64)
    assert verify(WHOLE[5:], SIGNED, removed=pretended).bad == 6
