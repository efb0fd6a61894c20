"""A backlog goes up under live traffic, of one gateway and of several at once: every row is there once, in its order.

Here minutes; ``python -m tests.proof.outage --level soak`` takes a day, ``python -m tests.proof.fleet_reconnect``
many gateways. How fast it goes is looked at there.
"""

from __future__ import annotations

from pathlib import Path

from tests.proof import fleet_reconnect, outage

OUTAGE_H = 0.05
FLEET = fleet_reconnect.Size(4, 60)


async def test_after_an_outage_every_row_is_stored_once_and_in_its_order(tmp_path: Path) -> None:
    done = await outage.play(OUTAGE_H, tmp_path / "outage")
    assert done.wrong == []
    assert done.readings == 9_000


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
