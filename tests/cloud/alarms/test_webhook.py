"""Webhooks: what is sent, byte for byte; the outbox over restarts; receivers that fail, hang and redirect."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest

from cloud.alarms.board import AlarmBoard
from cloud.alarms.desk import Act, AlarmDesk
from cloud.alarms.webhook import Prepared, Told, Webhook, accepted, address_fault, masked, prepare
from cloud.alarms.webhook_post import ANSWER_MAX, Answer, NotReached, post
from cloud.alarms.webhooks import Webhooks
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.database import Database
from cloud.registry.webhook_book import WebhookBook
from protocols.clock import ManualClock

AT = 1_790_000_000_000
OWN = Webhook(id="erp", name="ERP", min_priority=3, language="en")
DING = Webhook(id="ding", name="Duty", format="dingtalk")
WECOM = Webhook(id="wecom", name="Duty", format="wecom", language="en")
MESSAGE = Told(
    event="raised",
    at=AT,
    alarm="12",
    kind="device_lost",
    priority=2,
    source="east/m1",
    since=AT - 5,
    ended_at=None,
    text={"en": "Main does not answer.", "zh": "总表无应答。"},
    name="Main",
    site_name="East",
    zone="Asia/Shanghai",
)


def test_our_own_body_is_signed_over_timestamp_and_body() -> None:
    made = prepare(OWN, "https://erp/in", "s3cret", MESSAGE, delivery=7, at=AT)
    assert (
        made.body
        == (
            '{"event":"raised","at":1790000000000,"alarm":"12","kind":"device_lost","priority":2,"source":"east/m1",'
            '"since":1789999999995,"ended_at":null,"text":{"en":"Main does not answer.",'
            '"zh":"总表无应答。"},"name":"Main","site_name":"East","zone":"Asia/Shanghai"}'
        ).encode()
    )
    expected = hmac.new(b"s3cret", b"1790000000000." + made.body, hashlib.sha256).hexdigest()
    assert made.headers["X-Dayuan-Signature"] == f"sha256={expected}"
    assert (made.headers["X-Dayuan-Timestamp"], made.headers["X-Dayuan-Delivery"]) == ("1790000000000", "7")
    assert "X-Dayuan-Signature" not in prepare(OWN, "https://erp/in", "", MESSAGE, delivery=7, at=AT).headers


def test_dingtalk_is_signed_in_the_query_and_wecom_is_not() -> None:
    made = prepare(DING, "https://oapi.dingtalk.com/robot/send?access_token=x", "SECabc", MESSAGE, delivery=1, at=AT)
    asked = parse_qs(urlsplit(made.url).query)
    digest = hmac.new(b"SECabc", b"1790000000000\nSECabc", hashlib.sha256).digest()
    assert asked == {"access_token": ["x"], "timestamp": [str(AT)], "sign": [base64.b64encode(digest).decode()]}
    assert (
        made.body
        == (
            '{"msgtype":"markdown","markdown":{"title":"[P2] 告警 East · Main",'
            '"text":"**[P2] 告警 East · Main**\\n\\n> 总表无应答。\\n\\n2026-09-21 22:13 起"}}'
        ).encode()
    )
    other = prepare(WECOM, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k", "x", MESSAGE, delivery=1, at=AT)
    assert other.url == "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"
    assert other.body == (
        b'{"msgtype":"markdown","markdown":{"content":'
        b'"**[P2] Alarm East \xc2\xb7 Main**\\n\\n> Main does not answer.\\n\\nSince 2026-09-21 22:13"}}'
    )


def test_a_robot_that_says_200_but_an_error_code_did_not_take_it() -> None:
    assert accepted(DING, 200, b'{"errcode":0,"errmsg":"ok"}')
    assert not accepted(DING, 200, b'{"errcode":310000,"errmsg":"sign not match"}')
    assert not accepted(WECOM, 200, b"<html>")
    assert accepted(OWN, 204, b"")
    assert not accepted(OWN, 302, b"")


def test_addresses_are_checked_and_shown_without_their_keys() -> None:
    assert address_fault("https://erp.example/in") is None
    for wrong in ("", "ftp://x/y", "https://", "https://a:b@erp/in", "https://erp:99999/", "javascript:1"):
        assert address_fault(wrong) is not None
    assert masked("https://oapi.dingtalk.com/robot/send?access_token=x") == "https://oapi.dingtalk.com/robot/send?…"
    assert "T00000000" not in masked("https://hooks.example/services/T00000000/B00000000/XXXX")


# --- the outbox ---


class Receiver:
    """Takes messages; fails as long as ``failing``."""

    def __init__(self) -> None:
        self.failing = ""
        self.got: list[Prepared] = []

    async def __call__(self, request: Prepared, ca_file: str) -> Answer:
        self.got.append(request)
        if self.failing == "down":
            raise NotReached("ConnectError")
        return Answer(500 if self.failing else 200, b'{"errcode":0}')

    def events(self) -> list[tuple[str, str]]:
        """What was told: event and source."""
        told = [json.loads(each.body) for each in self.got]
        return [(each["event"], each["source"]) for each in told]


class Post:
    """A board with webhooks over one registry."""

    def __init__(self, database: Database, clock: ManualClock, receiver: Receiver) -> None:
        self.clock, self.book = clock, AlarmBook(database)
        self.board = AlarmBoard(self.book, clock)
        self.desk = AlarmDesk(self.board, self.book, clock)
        self.hooks = Webhooks(self.board, WebhookBook(database), clock, post=receiver)

    async def open(self) -> "Post":
        await self.board.open()
        await self.hooks.open()
        return self


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def office(database: Database, clock: ManualClock, receiver: Receiver) -> Post:
    office = await Post(database, clock, receiver).open()
    await office.hooks.put(OWN, "https://erp/in", "s3cret", by="root", rev=None)
    return office


async def test_an_alarm_is_told_when_it_begins_and_when_it_ends_and_not_while_it_is_hidden(
    office: Post, receiver: Receiver
) -> None:
    office.board.raise_alarm("device_lost", "east/m1", {"error": "x"})
    await office.hooks.round()
    await office.desk.shelve(1, Act(by="wang", text="x", until=office.clock.now_ms() + 60_000))
    office.board.clear_alarm("device_lost", "east/m1")
    office.board.raise_alarm("device_lost", "east/m1", {"error": "x"})
    for _ in range(3):
        await office.hooks.round()
    assert receiver.events() == [("raised", "east/m1"), ("returned", "east/m1")], "the second came while shelved"
    office.clock.step(60_001)
    office.board._end_shelves()
    await office.hooks.round()
    assert receiver.events()[2:] == [("raised", "east/m1")]


async def test_what_was_not_sent_is_sent_after_a_restart_and_in_its_order(
    office: Post, receiver: Receiver, database: Database, clock: ManualClock
) -> None:
    receiver.failing = "down"
    office.board.raise_alarm("device_lost", "east/m1", {"error": "x"})
    office.board.raise_alarm("device_lost", "east/m2", {"error": "x"})
    await office.hooks.round()
    office.board.raise_alarm("device_lost", "east/m3", {"error": "x"})
    await office.board.write()
    new = await Post(database, clock, receiver).open()
    receiver.failing, receiver.got = "", []
    await new.hooks.round()
    assert receiver.got == [], "its time has not come"
    clock.step(12_001)
    for _ in range(4):
        await new.hooks.round()
    assert receiver.events() == [("raised", "east/m1"), ("raised", "east/m2"), ("raised", "east/m3")]
    assert len({each.headers["X-Dayuan-Delivery"] for each in receiver.got}) == 3
    states = [each.state for each in await new.hooks.deliveries("erp", 10)]
    assert states == ["sent", "sent", "sent"]


async def test_tries_grow_rarer_and_end_after_a_day(office: Post, receiver: Receiver, clock: ManualClock) -> None:
    receiver.failing = "500"
    office.board.raise_alarm("device_lost", "east/m1", {"error": "x"})
    waits: list[float] = []
    for _ in range(60):
        await office.hooks.round()
        (delivery,) = await office.hooks.deliveries("erp", 10)
        if delivery.state == "failed":
            break
        waits.append((delivery.next_at - clock.now_ms()) / 1000)
        clock.step(delivery.next_at - clock.now_ms())
    assert delivery.state == "failed"
    assert 20 <= len(waits) <= 45
    assert all(8 * 2**n <= wait <= 12.01 * 2**n for n, wait in enumerate(waits[:8]))
    assert all(wait <= 3600 * 1.2 for wait in waits)
    assert delivery.answer.startswith("500")


async def test_robots_get_no_more_than_twenty_messages_a_minute(
    office: Post, receiver: Receiver, clock: ManualClock
) -> None:
    await office.hooks.remove("erp")
    await office.hooks.put(DING, "https://ding", "", by="root", rev=None)
    for number in range(30):
        office.board.raise_alarm("device_lost", f"east/x{number}", {"error": ""})
    for _ in range(60):
        await office.hooks.round()
        clock.step(1000)
    assert 12 <= len(receiver.got) <= 20


async def test_a_webhook_wants_its_site_its_kinds_and_its_priorities(office: Post, receiver: Receiver) -> None:
    chosen = Webhook(id="erp", name="ERP", site="east", kinds=("device_lost", "disk_full"), min_priority=2)
    await office.hooks.put(chosen, "https://erp/in", "", by="root", rev=1)
    for kind, source in (
        ("device_lost", "east/m1"),
        ("device_lost", "eastern/m1"),
        ("gateway_offline", "east/b3"),
        ("unannounced", "east/b3"),
    ):
        office.board.raise_alarm(kind, source, {})
    for _ in range(4):
        await office.hooks.round()
    assert receiver.events() == [("raised", "east/m1")]


# --- a real server ---


class Server:
    """An HTTP server that answers as told; ``asked`` holds what came."""

    def __init__(self) -> None:
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        self.asked: list[bytes] = []
        self.hangs = False
        self.url = ""
        self.held = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        self.asked.append(head + await reader.readexactly(length))
        if self.hangs:
            await self.held.wait()
        else:
            writer.write(self.answer)
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/in?key=hush"
    yield made
    made.held.set()
    listening.close()


async def test_a_real_server_gets_the_bytes_as_they_were_signed(server: Server) -> None:
    made = prepare(OWN, server.url, "s3cret", MESSAGE, delivery=7, at=AT)
    assert await post(made) == Answer(200, b"ok")
    (asked,) = server.asked
    assert asked.startswith(b"POST /in?key=hush HTTP/1.1\r\n")
    assert asked.endswith(made.body)
    assert made.headers["X-Dayuan-Signature"].encode() in asked


async def test_a_redirect_is_not_followed_and_a_long_answer_is_cut(server: Server) -> None:
    made = prepare(OWN, server.url, "", MESSAGE, delivery=7, at=AT)
    server.answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    assert (await post(made)).status == 302
    server.answer = b"HTTP/1.1 500 No\r\nContent-Length: 900000\r\n\r\n" + b"x" * 900_000
    answer = await post(made)
    assert (answer.status, len(answer.body)) == (500, ANSWER_MAX)
    assert len(server.asked) == 2


async def test_nobody_there_or_no_answer_is_said_without_the_address(server: Server) -> None:
    server.hangs = True
    made = prepare(OWN, server.url, "s3cret", MESSAGE, delivery=7, at=AT)
    with pytest.raises(NotReached, match=r"no answer within 0\.3 s|ReadTimeout"):
        await post(made, total_s=0.3)
    with pytest.raises(NotReached) as nobody:
        await post(made._replace(url="http://127.0.0.1:1/in?key=hush"))
    assert "hush" not in str(nobody.value)
    with pytest.raises(NotReached, match="ca_file"):
        await post(made, ca_file="/nowhere/ca.pem")


async def test_a_test_that_is_not_taken_has_failed_and_is_not_sent_again(
    office: Post, receiver: Receiver, clock: ManualClock
) -> None:
    receiver.failing = "down"
    said = await office.hooks.test("erp")
    assert (said.state, said.answer, said.event) == ("failed", "ConnectError", "test")
    receiver.failing, receiver.got = "", []
    clock.step(60_000)
    await office.hooks.round()
    assert receiver.got == []
    assert (await office.hooks.test("erp")).state == "sent"
