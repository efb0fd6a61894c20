"""The collector's connection ends when it is told to, also when the broker does not take the goodbye."""

import asyncio
import random

from cloud.ingest import subscriber as module
from cloud.ingest.message import Inbox
from cloud.ingest.subscriber import BrokerSettings, Subscriber
from protocols.clock import SystemClock
from tests.deaf_broker import DeafBroker

WITHIN_S = 30.0


class _Alarms:
    def raise_alarm(self, kind, source, args):
        pass

    def clear_alarm(self, kind, source):
        pass


async def test_a_goodbye_that_nobody_hears_does_not_make_it_connect_again(monkeypatch):
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 1.0)
    async with DeafBroker() as broker:
        settings = BrokerSettings(url=broker.url, client_id="dayuan-office-c1", lasting=False)
        subscriber = Subscriber(settings, Inbox(), _Alarms(), SystemClock(), random.Random(1))
        running = asyncio.create_task(subscriber.run())
        while not subscriber.connected:
            await asyncio.sleep(0)
        # More than all buffers between the two hold: the goodbye waits behind it.
        publishing = asyncio.create_task(subscriber.publish("dayuan/1/a/b/ack", bytes(32 * 1024 * 1024)))
        await asyncio.sleep(0)
        running.cancel()
        done, _ = await asyncio.wait([running], timeout=WITHIN_S)
        publishing.cancel()
        running.cancel()
        await asyncio.wait([running, publishing], timeout=WITHIN_S)
        assert done, "it was told to end, and connected again"
        assert broker.came == 1
