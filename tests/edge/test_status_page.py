"""The status page over the wire: with a gateway, without one, with a wrong site file; who gets in; hostile visitors."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import pytest

from edge import cli
from edge.status_page import VISITORS_MAX, StatusPage
from edge.status_page_state import PageDesk, named_buffer
from edge.status_page_token import WRONG_MAX, Gate, read_token
from protocols.clock import ManualClock, SystemClock
from protocols.errors import BadSettings
from tests.edge.test_gateway import gateway, site_file, until_snapshot
from tests.waiting import until

TOKEN = "a-token-of-this-page"


@asynccontextmanager
async def served(site: Path, token: str | None = None) -> AsyncIterator[StatusPage]:
    clock = SystemClock()
    page = StatusPage(PageDesk(site, clock), Gate(token, clock), clock, host="127.0.0.1", port=0)
    task = asyncio.create_task(page.run())
    try:
        await asyncio.wait_for(page.ready.wait(), 10)
        yield page
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ask(page: StatusPage, raw: bytes) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", page.port)
    writer.write(raw)
    await writer.drain()
    answer = b""
    with contextlib.suppress(ConnectionResetError):
        answer = await asyncio.wait_for(reader.read(), 30)
    writer.close()
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        await writer.wait_closed()
    if not answer:
        return 0, {}, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


async def get(page: StatusPage, path: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
    host = () if any(line.lower().startswith("host:") for line in headers) else (f"Host: 127.0.0.1:{page.port}",)
    return await ask(page, "\r\n".join([f"GET {path} HTTP/1.1", *host, *headers, "", ""]).encode())


async def enter(page: StatusPage, token: str, *headers: str) -> tuple[int, dict[str, str], bytes]:
    body = f"token={token}".encode()
    lines = ["POST /enter HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers, "", ""]
    return await ask(page, "\r\n".join(lines).encode() + body)


async def test_it_shows_the_running_gateway_with_its_values(tmp_path: Path) -> None:
    site = site_file(tmp_path)
    async with gateway(site), served(site) as page:
        await until_snapshot(site, lambda now: now.report.devices[0].failures > 0)
        status, headers, body = await get(page, "/state.json")
        told = json.loads(body)
        assert (status, told["running"], told["error"], told["buffer"]) == (200, True, None, None)
        assert told["snapshot"]["gateway"] == "b3"
        assert told["snapshot"]["report"]["devices"][0]["id"] == "b3-main"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"


async def test_without_a_gateway_it_says_what_waits_in_the_file(tmp_path: Path) -> None:
    async with served(site_file(tmp_path)) as page:
        told = json.loads((await get(page, "/state.json"))[2])
        assert not told["running"]
        assert told["buffer"]["error"] == "there is no such file yet"


async def test_a_wrong_site_file_is_shown_with_its_line_and_the_right_one_afterwards(tmp_path: Path) -> None:
    site = site_file(tmp_path)
    good = site.read_text("utf-8")
    site.write_text(good.replace('profile = "eastron/sdm630"', 'profile = "eastron/sdm999"'), encoding="utf-8")
    async with served(site) as page:
        error = json.loads((await get(page, "/state.json"))[2])["error"]
        assert error["file"] == str(site)
        assert good.splitlines()[error["line"] - 1].startswith("profile =")
        assert "sdm999" in error["message"]
        site.write_text(good + "\n# right\n", encoding="utf-8")

        async def right() -> bool:
            return json.loads((await get(page, "/state.json"))[2])["error"] is None

        await until(right, 15)


async def test_a_gateway_is_found_though_its_file_is_wrong_by_now(tmp_path: Path) -> None:
    site = site_file(tmp_path)
    async with gateway(site):
        await until_snapshot(site, lambda now: True)
        site.write_text(site.read_text("utf-8").replace("unit = 1", "unit = 999"), encoding="utf-8")
        async with served(site) as page:
            told = json.loads((await get(page, "/state.json"))[2])
            assert told["error"]["line"]
            assert told["running"]


@pytest.mark.parametrize("text", ["", "[buffer", "[buffer]\npath = 7", "\x00", "[[buffer]]"])
async def test_the_page_is_up_whatever_stands_in_the_site_file(tmp_path: Path, text: str) -> None:
    site = tmp_path / "site.toml"
    site.write_text(text, encoding="utf-8")
    async with served(site) as page:
        status, _, body = await get(page, "/state.json")
        assert status == 200
        assert json.loads(body)["error"]["message"]
    assert named_buffer(tmp_path / "missing.toml") is None


async def test_with_a_token_nobody_sees_anything_without_it(tmp_path: Path) -> None:
    async with served(site_file(tmp_path), TOKEN) as page:
        assert (await get(page, "/state.json"))[0] == 401
        assert (await get(page, "/"))[1]["Location"] == "/enter"
        assert (await get(page, "/state.json", "Authorization: Bearer wrong"))[0] == 401
        assert (await get(page, "/state.json", f"Authorization: Bearer {TOKEN}"))[0] == 200
        assert (await enter(page, "wrong"))[1]["Location"] == "/enter?wrong"
        status, headers, _ = await enter(page, TOKEN)
        assert status == 303
        assert "HttpOnly; SameSite=Strict" in headers["Set-Cookie"]
        cookie = headers["Set-Cookie"].split(";")[0]
        assert TOKEN not in cookie
        assert (await get(page, "/state.json", f"Cookie: other=1; {cookie}"))[0] == 200
        assert (await get(page, "/state.json", f"Cookie: {cookie}x"))[0] == 401
        assert (await enter(page, TOKEN, "Sec-Fetch-Site: cross-site"))[0] == 403


async def test_after_many_wrong_tokens_none_is_looked_at_for_a_while(tmp_path: Path) -> None:
    clock = ManualClock()
    gate = Gate(TOKEN, clock)
    for _ in range(WRONG_MAX):
        assert not gate.takes("wrong")
    assert gate.is_busy()
    assert not gate.takes(TOKEN)
    await clock.advance(61.0)
    assert gate.takes(TOKEN)
    visit = gate.begin()
    assert gate.knows(visit)
    await clock.advance(13 * 3600.0)
    assert not gate.knows(visit)


async def test_a_foreign_name_that_leads_to_this_machine_gets_nothing(tmp_path: Path) -> None:
    async with served(site_file(tmp_path)) as page:
        for name in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""):
            assert (await get(page, "/state.json", f"Host: {name}"))[0] == 421
        for name in ("localhost", "localhost:8088", "127.0.0.1", "[::1]:8088", "LOCALHOST"):
            assert (await get(page, "/state.json", f"Host: {name}"))[0] == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /../site.toml HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"GET /page.css%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        (b"PUT / HTTP/1.1\r\nHost: localhost\r\n\r\n", 405),
        (b"GET /\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n", 400),
        (b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n", 413),
        (b"POST /enter HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /enter HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 20_000 + b"\r\n\r\n", 413),
        (b"\x16\x03\x01\x02\x00" * 50 + b"\r\n\r\n", 400),
    ],
)
async def test_what_is_no_proper_request_is_refused(tmp_path: Path, raw: bytes, status: int) -> None:
    async with served(site_file(tmp_path)) as page:
        assert (await ask(page, raw))[0] in (status, 0)
        assert (await get(page, "/"))[0] == 200


async def test_visitors_who_say_nothing_do_not_keep_others_out_for_long(tmp_path: Path) -> None:
    async with served(site_file(tmp_path)) as page:
        silent = [await asyncio.open_connection("127.0.0.1", page.port) for _ in range(VISITORS_MAX)]

        async def full() -> bool:
            return (await get(page, "/"))[0] == 503

        await until(full, 10)
        for _, writer in silent[:4]:
            writer.close()

        async def room() -> bool:
            return (await get(page, "/"))[0] == 200

        await until(room, 10)
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()


def test_to_listen_for_others_needs_a_token_that_only_its_owner_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = str(site_file(tmp_path))
    assert cli.main(["page", site, "--listen", "0.0.0.0:0"]) == 2
    assert "--token-file" in capsys.readouterr().err
    assert cli.main(["page", site, "--listen", "nonsense"]) == 2
    token = tmp_path / "token"
    made = read_token(token)
    assert len(made) >= 32
    assert token.stat().st_mode & 0o777 == 0o600
    assert read_token(token) == made
    token.chmod(0o640)
    assert cli.main(["page", site, "--listen", "0.0.0.0:0", "--token-file", str(token)]) == 2
    assert "chmod 600" in capsys.readouterr().err
    token.chmod(0o600)
    token.write_text("short\n", encoding="ascii")
    with pytest.raises(BadSettings, match="can be guessed"):
        read_token(token)


async def test_the_command_prints_its_address_and_ends_when_told(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge.cli", "page", str(site_file(tmp_path)), "--listen", "127.0.0.1:0"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\n", line)
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 15) == 0


def test_both_languages_have_every_word_and_nothing_comes_from_another_host() -> None:
    folder = resources.files("edge") / "page"
    words = folder.joinpath("words.js").read_text("utf-8")
    english, chinese = words.split('"zh-CN": {')
    keys = r"(?:^|[{,]\s*|\n\s*)([a-z_]+): (?:\"|\()"
    assert set(re.findall(keys, english)) == set(re.findall(keys, chinese))
    assert len(set(re.findall(keys, english))) > 60
    for name in ("index.html", "enter.html", "page.css", "page.js", "words.js"):
        assert "//" not in re.sub(r"^\s*//.*$", "", folder.joinpath(name).read_text("utf-8"), flags=re.MULTILINE)
