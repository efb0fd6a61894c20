"""Pretend gateways end when they are told to, whatever becomes of a goodbye or of a confirmation at that instant."""

import asyncio

from protocols.ack import Ack, encode_ack
from protocols.batch import peek
from protocols.clock import SystemClock
from simulators.fleet_gateway import ACK_TIMEOUT_S, Figures, Load, PretendGateway
from simulators.wires.mqtt import BrokerAccount, MqttWire, Received
from tests.deaf_broker import DeafBroker
from tests.virtual_time import VirtualClock, run

WITHIN_S = 30.0


async def test_a_goodbye_that_nobody_hears_does_not_make_it_connect_again():
    async with DeafBroker() as broker:
        account = BrokerAccount(host=broker.url.host, port=broker.url.port)
        wire = MqttWire(account, "fleet-0001", SystemClock(), subscribe=("dayuan/1/fleet/fleet-0001/ack",))
        running = asyncio.create_task(wire.run())
        await wire.wait_connected()
        # More than all buffers between the two hold: the goodbye waits behind it.
        publishing = asyncio.create_task(wire.publish("dayuan/1/fleet/fleet-0001/up", bytes(32 * 1024 * 1024)))
        await asyncio.sleep(0)
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=WITHIN_S)
        publishing.cancel()
        running.cancel()
        await asyncio.wait([running, publishing], timeout=WITHIN_S)
        assert done, "it was told to end, and connected again"
        assert broker.came == 1


class _ConfirmsAtTheEnd:
    """A wire that takes batches, acks each one when it comes a second time, and confirms in the instant of a
    cancellation, as ``asyncio.wait_for`` of Python 3.11 does: the cancellation is lost."""

    connected = True

    def __init__(self) -> None:
        self._acks: asyncio.Queue[Received] = asyncio.Queue()
        self._came: set[int] = set()

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        identity = peek(payload)
        if identity.seq in self._came:
            await self._acks.put(
                Received("ack", encode_ack(Ack(identity.epoch, [(identity.seq, identity.seq)])), False)
            )
        self._came.add(identity.seq)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async def messages(self):
        while True:
            yield await self._acks.get()


def test_a_gateway_ends_when_a_confirmation_comes_as_it_is_told_to_end():
    async def a_run(clock: VirtualClock) -> Figures:
        figures = Figures()
        gateway = PretendGateway("fleet-0001", _ConfirmsAtTheEnd(), "fleet", Load(0.0, 10, 1), clock, figures)  # type: ignore[arg-type]
        async with asyncio.timeout(10 * ACK_TIMEOUT_S):
            await gateway.run(clock.monotonic() + 1.0)
        return figures

    assert run(a_run).acked == 1
