"""Orders of the collector at the gateway: one that is good is carried out once, and nothing else is carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from edge.commands import Command, CommandOutcome
from edge.contract import LinkMessage
from edge.remote_commands import RemoteCommands
from edge.seen_commands import SeenCommands
from edge.settings import RemoteRule
from protocols.clock import ManualClock
from protocols.commands import Action, Order, new_id, open_order, seal_order
from protocols.errors import BadCommand, StoreUnavailable
from protocols.events import check_event
from protocols.signing import public_of, sign
from tests.edge.collecting_sink import CollectingSink
from tests.waiting import until

SEED = bytes(range(32))
RULES = {
    ("gate", "relay_1"): RemoteRule(("pulse",), 1.0, 5.0),
    ("gate", "relay_2"): RemoteRule(("on", "off")),
    ("moxa", "relay_1"): RemoteRule(("pulse",), is_fixed=True),
    ("heater", "setpoint"): RemoteRule(("set",), 16.0, 24.0),
}


class Site:
    """A gateway's desk for orders, over one file, through any number of lives."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "buffer.db.orders"
        self.clock, self.sink = ManualClock(), CollectingSink()
        self.done: list[Command] = []
        self.clock_known = True
        self.outcome: Callable[[Command], CommandOutcome] = lambda _: CommandOutcome(True, "done")

    @asynccontextmanager
    async def life(
        self, kept: int = 5_000, rules: Mapping[tuple[str, str], RemoteRule] = RULES
    ) -> AsyncIterator[RemoteCommands]:
        seen = SeenCommands(self.path, kept=kept)
        desk = RemoteCommands(
            site="east",
            gateway="b3",
            rules=rules,
            seen=seen,
            key=lambda: public_of(SEED),
            clock_known=lambda: self.clock_known,
            obey=self.obey,
            sink=self.sink,
            clock=self.clock,
        )
        running = asyncio.create_task(desk.run(), name="orders")
        try:
            yield desk
        finally:
            running.cancel()
            await asyncio.wait([running])
            seen.close()

    async def obey(self, command: Command) -> CommandOutcome:
        self.done.append(command)
        return self.outcome(command)

    def order(
        self,
        point: str = "relay_1",
        action: Action = "pulse",
        value: float | None = 3.0,
        *,
        device: str = "gate",
        gateway: str = "b3",
        age_ms: int = 0,
        lasts_ms: int = 30_000,
    ) -> Order:
        at = self.clock.now_ms() - age_ms
        return Order(
            id=new_id(),
            nonce=new_id(),
            site="east",
            gateway=gateway,
            device=device,
            point=point,
            action=action,
            value=value,
            issued_at=at,
            expires_at=at + lasts_ms,
        )

    async def answered(self, many: int = 1) -> list[str]:
        await until(lambda: len(self.sink.events) >= many, within_s=20)
        assert [check_event(event) for event in self.sink.events] == [None] * len(self.sink.events)
        return [str(event.data["result"]) for event in self.sink.events]


def sealed(order: Order) -> bytes:
    return seal_order(order, lambda message: sign(SEED, message))


def message(payload: bytes, *, retain: bool = False) -> LinkMessage:
    return LinkMessage("dayuan/1/east/b3/cmd", payload, 1, 1, retain, False)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


async def test_a_good_order_is_carried_out_and_answered(site: Site) -> None:
    order = site.order()
    async with site.life() as desk:
        await desk.hear(message(sealed(order)))
        assert await site.answered() == ["done"]
    assert site.done == [Command("gate", "relay_1", "pulse", 3.0)]
    assert site.sink.events[0].data["id"] == order.id


async def test_a_thousand_replays_over_two_restarts_are_carried_out_once(site: Site) -> None:
    payload = sealed(site.order())
    heard = 0
    for _ in range(3):
        async with site.life() as desk:
            for _ in range(334):
                await desk.hear(message(payload))
                heard += 1
                await until(lambda: not desk._waiting.qsize(), within_s=20)
            await site.answered()
    assert heard > 1000
    assert len(site.done) == 1
    assert len(site.sink.events) == 1


async def test_an_order_altered_by_one_bit_anywhere_is_not_carried_out(site: Site) -> None:
    payload = sealed(site.order())
    async with site.life() as desk:
        for place in range(len(payload)):
            altered = bytearray(payload)
            altered[place] ^= 1 << (place % 8)
            await desk.hear(message(bytes(altered)))
        await desk.hear(message(payload))
        assert await site.answered() == ["done"]
    assert len(site.done) == 1
    assert sum(desk.ignored.values()) == len(payload)


async def test_an_order_of_another_gateway_or_another_signer_is_nothing(site: Site) -> None:
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order(gateway="b4"))))
        await desk.hear(message(seal_order(site.order(), lambda text: sign(bytes(32), text))))
        for junk in (b"", b"{}", b"[" * 100, b"\xff", b'{"v":1,"order":"{}","signature":"AA=="}', b"x" * 5000):
            await desk.hear(message(junk))
    assert site.done == []
    assert site.sink.events == []
    assert desk.ignored["target"] == 1


async def test_a_retained_order_is_never_carried_out(site: Site) -> None:
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order()), retain=True))
    assert site.done == []
    assert desk.ignored["retained"] == 1


@pytest.mark.parametrize(
    ("age_ms", "lasts_ms", "said"),
    [
        (30_000, 30_000, "expired"),
        (365 * 86_400_000, 30_000, "expired"),
        (-31_000, 30_000, "in the future"),
        (-365 * 86_400_000, 30_000, "in the future"),
        (0, 60_001, "longer than 60 s"),
        (10, 0, "longer than 60 s"),
    ],
)
async def test_an_order_out_of_its_time_is_refused_and_said_so(
    site: Site, age_ms: int, lasts_ms: int, said: str
) -> None:
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order(age_ms=age_ms, lasts_ms=lasts_ms))))
        assert await site.answered() == ["refused"]
    assert site.done == []
    assert said in str(site.sink.events[0].data["detail"])


async def test_a_gateway_whose_clock_is_not_set_obeys_nothing(site: Site) -> None:
    site.clock_known = False
    payload = sealed(site.order())
    async with site.life() as desk:
        await desk.hear(message(payload))
        assert await site.answered() == ["refused"]
        site.clock_known = True
        await desk.hear(message(payload))
    assert site.done == [], "and not later either"


@pytest.mark.parametrize(
    ("device", "point", "action", "value"),
    [
        ("gate", "relay_1", "on", None),
        ("gate", "relay_1", "pulse", 0.5),
        ("gate", "relay_1", "pulse", 5.01),
        ("gate", "relay_1", "pulse", None),
        ("gate", "relay_3", "on", None),
        ("door", "relay_1", "pulse", 3.0),
        ("heater", "setpoint", "set", 24.5),
        ("heater", "setpoint", "set", -1e308),
        ("heater", "setpoint", "on", None),
    ],
)
async def test_nothing_outside_the_list_of_the_site_file_reaches_a_device(
    site: Site, device: str, point: str, action: Action, value: float | None
) -> None:
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order(point, action, value, device=device))))
        assert await site.answered() == ["refused"]
    assert site.done == []


async def test_an_order_cut_off_by_a_restart_is_unknown_and_not_done_again(site: Site) -> None:
    order = site.order()
    seen = SeenCommands(site.path)
    assert await asyncio.to_thread(seen.take, order), "put on disk; then the process died before or after acting"
    seen.close()
    async with site.life() as desk:
        assert await site.answered() == ["unknown"]
        await desk.hear(message(sealed(order)))
        await until(lambda: desk.ignored["seen"], within_s=20)
    async with site.life():
        pass
    assert site.done == []
    assert len(site.sink.events) == 1


async def test_an_outcome_nobody_knows_stays_unknown(site: Site) -> None:
    site.outcome = lambda _: CommandOutcome(None, "sent once and not again")
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order())))
        assert await site.answered() == ["unknown"]
    assert len(site.done) == 1


async def test_an_order_that_was_forgotten_counts_as_seen(site: Site) -> None:
    first = sealed(site.order())
    async with site.life(kept=3) as desk:
        await desk.hear(message(first))
        await site.answered(1)
        for number in range(5):
            site.clock.step(31_000)
            await desk.hear(message(sealed(site.order())))
            await site.answered(number + 2)
        assert len(site.done) == 6
        site.clock.step(-5 * 31_000)
        await desk.hear(message(first))
        await until(lambda: desk.ignored["seen"], within_s=20)
    assert len(site.done) == 6


async def test_a_list_of_seen_orders_that_cannot_be_written_stops_all_orders(site: Site) -> None:
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order())))
        await site.answered()
    site.path.write_bytes(b"damaged" * 1000)
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order())))
        await until(lambda: desk.ignored["store"], within_s=20)
    assert len(site.done) == 1


def test_an_order_reads_back_as_it_was_sealed() -> None:
    order = Order(
        id="0" * 32,
        nonce="1" * 32,
        site="east",
        gateway="b3",
        device="gate",
        point="relay_1",
        action="on",
        issued_at=1,
        expires_at=2,
    )
    assert open_order(sealed(order), public_of(SEED), site="east", gateway="b3") == order
    wider = msgspec.json.decode(sealed(order))
    wider["more"] = 1
    with pytest.raises(BadCommand):
        open_order(msgspec.json.encode(wider), public_of(SEED), site="east", gateway="b3")


async def test_the_list_of_seen_orders_may_be_closed_while_a_thread_works_on_it(site: Site) -> None:
    seen = SeenCommands(site.path)
    orders = [site.order() for _ in range(200)]

    def work() -> int:
        for number, order in enumerate(orders):
            try:
                assert seen.take(order)
            except StoreUnavailable:
                return number
        return len(orders)

    working = asyncio.create_task(asyncio.to_thread(work), name="work")
    await until(site.path.exists, within_s=20)
    seen.close()
    assert await working < len(orders)


async def test_a_pulse_whose_length_the_module_holds_is_ordered_without_one(site: Site) -> None:
    async with site.life() as desk:
        await desk.hear(message(sealed(site.order(device="moxa", value=None))))
        assert await site.answered() == ["done"]
        await desk.hear(message(sealed(site.order(device="moxa", value=3.0))))
        assert await site.answered(2) == ["done", "refused"]
    assert site.done == [Command("moxa", "relay_1", "pulse", None)]
    assert "set in the module" in str(site.sink.events[1].data["detail"])
