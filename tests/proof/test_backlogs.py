"""A backlog goes up under live traffic, of one gateway and of several at once: every row is there once, in its order.

Here minutes; ``python -m tests.proof.outage --level soak`` takes a day, ``python -m tests.proof.fleet_reconnect``
many gateways. How fast it goes is looked at there.
"""

from __future__ import annotations

from pathlib import Path

from protocols.batch import Identity
from tests.proof import fleet_reconnect, outage
from tests.proof.full_outage import balance, holes

OUTAGE_H, FULL_H = 0.05, 0.5
FLEET = fleet_reconnect.Size(4, 60)


async def test_after_an_outage_every_row_is_stored_once_and_in_its_order(tmp_path: Path) -> None:
    done = await outage.play(OUTAGE_H, tmp_path / "outage")
    assert done.wrong == []
    assert done.readings == 9_000


async def test_what_a_full_buffer_dropped_is_exactly_what_gap_records_name(tmp_path: Path) -> None:
    done = await outage.play(FULL_H, tmp_path / "full", full=True)
    assert done.wrong == []
    assert done.gaps > 0
    assert done.readings + done.dropped == round(FULL_H * 3600) * outage.PER_BATCH


def test_an_account_that_does_not_balance_is_seen() -> None:
    produced = {Identity("e", seq): seq for seq in range(1, 5)}
    gap = {"reason": "buffer_full", "epoch": "e", "from_seq": 1, "to_seq": 2, "batches": 2, "readings": 100}
    stored = {Identity("e", 3), Identity("e", 4)}
    assert balance(produced, stored, [gap]) == ([3, 4], 100, 1, [])
    assert balance(produced, stored - {Identity("e", 4)}, [gap]).wrong, "neither stored nor named"
    assert balance(produced, stored | {Identity("e", 2)}, [gap]).wrong, "both"
    assert balance(produced, stored, [gap, gap]).wrong, "named twice"
    assert balance(produced, stored, [gap | {"readings": 99}]).wrong, "a wrong figure"
    assert holes(stored, [gap]) == []
    assert holes({*stored, Identity("e", 6)}, [gap]), "5 is nowhere"


async def test_of_gateways_that_come_back_together_each_gets_everything_up(tmp_path: Path) -> None:
    ran = await fleet_reconnect.play(FLEET, tmp_path / "fleet")
    assert ran.wrong == []
    assert len(ran.gateways) == FLEET.gateways
    assert ran.asked_s, "the collector was asked meanwhile"


def test_what_is_missing_or_different_is_seen(tmp_path: Path) -> None:
    wanted = outage.expected(20, 1_800_000_000_000)
    series = [number for number in range(len(wanted)) for _ in range(len(next(iter(wanted.values()))[0]))]
    names = {name: number for number, name in enumerate(wanted)}
    at = outage.np.concatenate([at for at, _ in wanted.values()])
    value = outage.np.concatenate([value for _, value in wanted.values()])
    order = outage.np.array(series)
    assert outage.differences("s", names, wanted, order, at, value) == []
    assert len(outage.differences("s", names, wanted, order[1:], at[1:], value[1:])) == 1
    swapped = value.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    assert len(outage.differences("s", names, wanted, order, at, swapped)) == 1
