"""Enrolment from the box's side: a good collector, and everything that is not one."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from cloud.identity.authority import Authority
from edge.enrol import NotEnrolled, enrol
from edge.identity import Identity
from edge.identity_files import IdentityFiles
from protocols.certificates import make_request, public_key, read_request
from protocols.clock import ManualClock
from protocols.enrolment import Enrolled, EnrolmentCode, EnrolmentRequest, Greeting, new_code, spell_code
from tests.edge.mosquitto import free_port

Answer = Callable[[EnrolmentRequest], tuple[int, bytes]]


class Collector:
    """Answers as a collector does, except where a test says otherwise."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.authority = Authority(folder / "authority", self.clock)
        self.authority.open()
        self.code = new_code(self.authority.certificate.fingerprint)
        self.asked: list[EnrolmentRequest] = []
        self.greeting = lambda: msgspec.json.encode(Greeting(self.ca, self.clock.now_ms()))
        self.answer: Answer = self.give

    @property
    def ca(self) -> str:
        return self.authority.certificate.pem.decode()

    def give(self, asked: EnrolmentRequest, name: str = "east/b3") -> tuple[int, bytes]:
        assert asked.is_signed_by(self.code.public)
        certificate = self.authority.issue_gateway(read_request(asked.csr.encode()), name)
        commands = self.authority.commands.pem.decode()
        return 201, msgspec.json.encode(Enrolled(certificate.pem.decode(), self.ca, commands, 0))

    @contextmanager
    def served(self) -> Iterator[str]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._say(200, outer.greeting())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append(msgspec.json.decode(body, type=EnrolmentRequest))
                self._say(*outer.answer(outer.asked[-1]))

            def _say(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()


@pytest.fixture
def collector(tmp_path: Path) -> Collector:
    return Collector(tmp_path)


@pytest.fixture
def files(tmp_path: Path) -> IdentityFiles:
    return IdentityFiles(tmp_path / "identity")


def go(collector: Collector, files: IdentityFiles, code: EnrolmentCode | None = None, url: str = "") -> None:
    with collector.served() as where:
        text = spell_code(code or collector.code)
        enrol(url or where, text, site="east", gateway="b3", files=files, clock=collector.clock)


def test_the_box_gets_a_certificate_for_a_key_that_never_left(collector: Collector, files: IdentityFiles) -> None:
    go(collector, files)
    held = files.held()
    assert held.certificate.name == "east/b3"
    assert held.certificate.public_key == public_key(held.key)
    assert len(files.command_key()) == 32
    assert stat.S_IMODE(files.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.folder.iterdir()} == {0o600}
    sent = msgspec.json.encode(collector.asked[0])
    secret = b"".join(held.key.splitlines()[1:-1])
    assert secret not in sent
    assert collector.code.secret not in sent
    assert spell_code(collector.code).encode() not in sent


def test_what_goes_wrong_leaves_no_certificate_and_is_said_in_words(collector: Collector, files: IdentityFiles) -> None:
    def refused(said: str, **options: object) -> None:
        with pytest.raises(NotEnrolled, match=said):
            go(collector, files, **options)  # type: ignore[arg-type]
        assert not files.enrolled

    body = b'{"error": {"code": "code_expired", "message": "this code is over; make a new one", "hint": ""}}'
    good = collector.greeting
    refused("does not answer", url=f"http://127.0.0.1:{free_port()}")
    refused("no address of a collector", url="ftp://x")
    refused("no address of a collector", url="http://x:99999")
    refused("Nothing was sent", code=new_code(bytes(32)))
    collector.greeting = lambda: b"<html>"
    refused("not as a Dayuan collector does")
    for off in (-11 * 60_000, 365 * 86_400_000):
        collector.greeting = lambda off=off: msgspec.json.encode(  # type: ignore[misc]
            Greeting(collector.ca, collector.clock.now_ms() + off)
        )
        refused("set the clock first")
    assert collector.asked == [], "nothing was asked for until here"
    collector.greeting = good
    collector.answer = lambda _: (410, body)
    refused(r"this code is over; make a new one \[code_expired\]")
    collector.answer = lambda _: (500, b"oops")
    refused("nothing that can be read")
    collector.answer = lambda asked: collector.give(asked, "east/b4")
    refused("is of 'east/b4', not of 'east/b3'")
    collector.answer = collector.give
    go(collector, files)
    assert len({asked.csr for asked in collector.asked}) >= 1
    assert files.enrolled, "and with the same code it works at last"


def test_an_answer_of_a_forger_is_not_taken(collector: Collector, files: IdentityFiles, tmp_path: Path) -> None:
    forger = Collector(tmp_path / "forger")

    def forged(asked: EnrolmentRequest) -> tuple[int, bytes]:
        forger.code = collector.code
        return forger.give(asked)

    collector.answer = forged
    with pytest.raises(NotEnrolled, match="another authority"):
        go(collector, files)
    assert not files.enrolled


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda text: text[:-1], "is a part missing"),
        (lambda text: ("B" if text[0] == "A" else "A") + text[1:], "typing mistake"),
        (lambda text: "1" + text[1:], "only the letters A to Z"),
        (lambda text: "", "is a part missing"),
    ],
)
def test_a_mistyped_code_is_told_apart_before_anybody_is_asked(
    collector: Collector, files: IdentityFiles, spoil: Callable[[str], str], said: str
) -> None:
    text = spoil(spell_code(collector.code))
    with pytest.raises(NotEnrolled, match=said):
        enrol("http://127.0.0.1:9", text, site="east", gateway="b3", files=files, clock=collector.clock)


def test_a_code_may_be_typed_in_small_letters_and_without_dashes(collector: Collector, files: IdentityFiles) -> None:
    text = " " + spell_code(collector.code).replace("-", "").lower() + "\n"
    with collector.served() as where:
        enrol(where, text, site="east", gateway="b3", files=files, clock=collector.clock)
    assert files.enrolled


async def test_the_next_certificate_is_due_when_two_thirds_are_over(collector: Collector, files: IdentityFiles) -> None:
    identity = Identity(files, collector.clock)
    assert identity.due_s() is None
    assert identity.next_shown() is None
    go(collector, files)
    assert (identity.due_s() or 0) / 86_400 == pytest.approx(365 * 2 / 3, abs=1)
    await collector.clock.advance(250 * 86_400)
    assert identity.due_s() == 0
    await collector.clock.advance(200 * 86_400)
    assert "enrol the gateway again" in identity.doubt()


def test_a_renewed_pair_takes_turns_with_the_one_before_until_it_was_let_in(
    collector: Collector, files: IdentityFiles
) -> None:
    identity = Identity(files, collector.clock)
    go(collector, files)
    assert identity.next_shown() is not None
    identity.connected()
    go(collector, files)
    order = [files.pair_path, files.previous_path, files.pair_path]
    assert [shown.pair for _ in order if (shown := identity.next_shown())] == order
    identity.connected()
    assert not files.previous_path.exists()
    assert [shown.pair for _ in "ab" if (shown := identity.next_shown())] == [files.pair_path] * 2


def test_status_says_until_when_the_certificate_holds_who_signed_it_and_what_keeps_it_from_the_next(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    clock.step(1_790_000_000_000 - clock.now_ms())
    authority = Authority(tmp_path / "authority", clock)
    authority.open()
    files = IdentityFiles(tmp_path / "identity")
    identity = Identity(files, clock)
    assert identity.state() is None
    key = files.next_key()
    made = authority.issue_gateway(read_request(make_request(key, "east/b3")), "east/b3")
    files.take(key, made.pem, authority.certificate.pem, authority.commands.pem, name="east/b3")
    state = identity.state()
    assert state is not None
    assert (state.name, state.authority, state.ends_at) == ("east/b3", authority.certificate.name, made.not_after)
    assert made.not_before < state.renews_at < made.not_after
    assert state.trouble == ""
    told = identity.state("the collector does not answer a request for the next one")
    assert told is not None
    assert "does not answer" in told.trouble
    clock.step(366 * 86_400_000)
    over = identity.state()
    assert over is not None
    assert "it has ended" in over.trouble
    files.pair_path.write_bytes(b"rubbish")
    broken = identity.state()
    assert broken is not None
    assert broken.name == ""
    assert "enrol the gateway again" in broken.trouble
