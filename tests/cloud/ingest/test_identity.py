"""Each (gateway, epoch, seq) has one effect, whatever is sent again; a cloned identity is fenced."""

from pathlib import Path

from cloud.store.contract import GatewayKey
from tests.cloud.ingest.rig import AT, batch, rig

OTHER = GatewayKey("east", "g2")


async def test_a_batch_is_stored_then_acked_then_handed_on(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        acks = await it.send(batch(1, [1.0, None, 3.5]))
        assert [(ack.epoch, ack.stored, ack.rejected) for ack in acks] == [("e1", [(1, 1)], [])]
        assert await it.stored() == [(AT + 1000, 1.0), (AT + 1010, None), (AT + 1020, 3.5)]
        (given,) = it.handler.batches
        assert (given.site, given.gateway, given.epoch, given.seq) == ("east", "g1", "e1", 1)
        assert given.at.tolist() == [AT + 1000, AT + 1010, AT + 1020]
        assert [it.preparer.series.name(number).point for number in given.series.tolist()] == ["active_power_total"] * 3


async def test_acks_of_one_commit_are_ranges_per_gateway_and_epoch(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        it.put(batch(1, epoch="other"))
        it.put(batch(1, gateway="g2"), OTHER)
        acks = await it.send(*(batch(seq) for seq in (1, 2, 3, 7, 9, 8)))
        found = {(name, ack.epoch): ack.stored for name, ack in it.acks}
        assert found == {
            ("dayuan/1/east/g1/ack", "other"): [(1, 1)],
            ("dayuan/1/east/g2/ack", "e1"): [(1, 1)],
            ("dayuan/1/east/g1/ack", "e1"): [(1, 3), (7, 9)],
        }
        assert len(acks) == 3


async def test_a_repetition_is_acked_again_and_stored_once(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1), batch(1), batch(2))
        acks = await it.send(batch(1), batch(2))
        assert [ack.stored for ack in acks] == [[(1, 2)]]
        assert len(await it.stored()) == 2
        assert len(it.handler.batches) == 2
        assert it.counters()["duplicates"] == 3
        assert not it.alarms.seen


async def test_repetitions_are_known_after_a_restart(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1), batch(2), batch(4))
    async with rig(tmp_path) as it:
        acks = await it.send(batch(2), batch(3), batch(4))
        assert [ack.stored for ack in acks] == [[(2, 4)]]
        assert len(await it.stored()) == 4
        assert it.counters()["duplicates"] == 2
        assert it.preparer.identities.ranges(0) == {"e1": [(1, 4)]}


async def test_another_epoch_starts_its_own_numbers(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1, [1.0]), batch(1, [2.0], epoch="e2"))
        assert [value for _, value in await it.stored()] == [1.0, 2.0]


async def test_two_batches_of_one_number_fence_the_gateway_until_a_person_lifts_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1, [1.0]), batch(2, [2.0]))
        (ack,) = await it.send(batch(2, [99.0]))
        assert [(one.seq, one.reason, one.hold) for one in ack.rejected] == [(2, "fenced", True)]
        assert it.alarms.standing[("identity_conflict", "east/g1")] == {"epoch": "e1", "seq": 2}
        (ack,) = await it.send(batch(3, [3.0]), batch(2, [99.0]), batch(1, [1.0]))
        assert ack.stored == [(1, 1)], "what is stored is said to be stored, fence or not"
        assert {(one.seq, one.hold) for one in ack.rejected} == {(3, True), (2, True)}
        assert [value for _, value in await it.stored()] == [1.0, 2.0]
        quarantine = (await it.store.quarantine()).rows
        assert [(row[5], row[7]) for row in quarantine] == [(2, "identity_conflict")], "kept once"
        await it.send(batch(1, [5.0], epoch="new card"[:3]))
        assert len(await it.stored()) == 3, "another epoch of the same gateway is not fenced"

        assert await it.commit.lift_fence((0, "e1"))
        assert not await it.commit.lift_fence((0, "e1"))
        (ack,) = await it.send(batch(3, [3.0]), batch(2, [99.0]))
        assert ack.stored == [(3, 3)]
        assert [(one.seq, one.reason, one.hold) for one in ack.rejected] == [(2, "identity_conflict", False)]


async def test_a_fence_stands_over_a_restart_and_so_does_its_lifting(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(batch(1, [1.0]))
        await it.send(batch(1, [2.0]))
    async with rig(tmp_path) as it:
        (ack,) = await it.send(batch(2))
        assert [one.hold for one in ack.rejected] == [True]
        await it.commit.lift_fence((0, "e1"))
    async with rig(tmp_path) as it:
        (ack,) = await it.send(batch(2))
        assert ack.stored == [(2, 2)]


async def test_two_different_batches_of_one_number_in_one_commit_fence_too(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        (ack,) = await it.send(batch(1, [1.0]), batch(1, [2.0]), batch(2))
        assert ack.stored == [(1, 1)]
        assert {(one.seq, one.hold) for one in ack.rejected} == {(1, True), (2, True)}
        assert [value for _, value in await it.stored()] == [1.0]
        assert ("identity_conflict", "east/g1") in it.alarms.standing


async def test_the_digest_of_an_old_batch_is_asked_from_the_store(tmp_path: Path) -> None:
    async with rig(tmp_path) as it:
        await it.send(*(batch(seq, [float(seq)]) for seq in range(1, 6)))
    async with rig(tmp_path) as it:
        await it.send(batch(4, [4.0]))
        assert it.counters()["duplicates"] == 1
        assert not it.alarms.seen
        await it.send(batch(5, [4.0]))
        assert it.alarms.seen == ["identity_conflict"]
