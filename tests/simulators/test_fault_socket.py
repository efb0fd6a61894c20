"""What somebody may write into the socket of the fault command: every line gets an answer, and nothing breaks."""

import asyncio
import json

import pytest

from protocols.clock import SystemClock
from simulators.fault_socket import NAME, FaultSocket
from tests.waiting import until


class TwoDevices:
    """What the socket needs of the hardware."""

    def __init__(self) -> None:
        self.breakable = {"m1": None, "m2": None}
        self.broken = []

    def break_device(self, device, fault):
        self.broken.append((device, fault.kind))

    def mend_device(self, device):
        self.broken.append((device, ""))


LINES = [
    b"[]", b"null", b"7", b'"m1"', b"", b"{", b"\xff\xfe", b"[" * 20_000,
    b'{"device": "m1", "kind": "silent", "delay_s": []}',
    b'{"device": "m1", "kind": "silent", "share": {"a": 1}}',
    b'{"device": "m1", "kind": "silent", "code": 1e999}',
    b'{"device": "m1", "kind": "silent", "for_s": "soon"}',
    b'{"device": "m1", "kind": "silent", "offset_s": NaN}',
]  # fmt: skip


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
async def test_a_line_that_is_no_request_is_answered_with_what_is_wrong(tmp_path, line):
    hardware = TwoDevices()
    serving = asyncio.create_task(FaultSocket(tmp_path, hardware, SystemClock(), lambda _: None).run())
    try:
        await until((tmp_path / NAME).exists)

        async def ask(asked: bytes) -> dict:
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / NAME))
            writer.write(asked + b"\n")
            async with asyncio.timeout(5):
                answer = json.loads(await reader.readline())
            writer.close()
            return answer

        answer = await ask(line)
        assert not answer["ok"]
        assert answer["detail"]
        assert answer["devices"] == ["m1", "m2"]
        assert hardware.broken == []
        assert (await ask(b'{"device": "m2", "kind": "silent"}'))["ok"]
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
