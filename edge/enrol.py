"""How a gateway asks a collector for its certificate. The key is made here and never leaves.

The code says which authority to believe and lets this box in; neither depends on the wire, so a collector's page may be
plain http or have any certificate. See `protocols/enrolment.py`.
"""

from __future__ import annotations

import http.client
import json
import ssl
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from edge.identity_files import IdentityFiles
from protocols.certificates import BadCertificate, Certificate, gateway_name, make_request, read_certificate
from protocols.clock import MS_PER_S, Clock
from protocols.enrolment import ANSWER_BYTES_MAX, PATH, BadCode, Enrolled, EnrolmentCode, Greeting, ask, read_code
from protocols.errors import Permanent

ANSWER_S = 15.0
CLOCK_OFF_MS_MAX = 10 * 60 * MS_PER_S
"""A box whose clock is further off would hold its own certificate for one of another time."""


class NotEnrolled(Permanent):
    """Enrolment did not work; the message says why and what would be right."""


class _Collector(NamedTuple):
    scheme: str
    host: str
    port: int

    def ask(self, method: str, body: bytes | None = None) -> tuple[int, bytes]:
        """One exchange; raises NotEnrolled when nobody answers."""
        if self.scheme == "https":
            # Who answers is known by the authority's fingerprint in the code, and what is said is signed.
            context = ssl._create_unverified_context()  # noqa: S323
            wire = http.client.HTTPSConnection(self.host, self.port, timeout=ANSWER_S, context=context)
        else:
            wire = http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_S)  # type: ignore[assignment]
        try:
            wire.request(method, PATH, body, {"Content-Type": "application/json"} if body else {})
            answer = wire.getresponse()
            return answer.status, answer.read(ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            raise NotEnrolled(f"{self}: the collector does not answer ({why}); is the address right?") from None
        finally:
            wire.close()

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def enrol(url: str, code_text: str, *, site: str, gateway: str, files: IdentityFiles, clock: Clock) -> Certificate:
    """Get and keep a certificate. May be called again after it failed, with the same code. Raises NotEnrolled."""
    try:
        code, name = read_code(code_text), gateway_name(site, gateway)
    except (BadCode, BadCertificate) as error:
        raise NotEnrolled(str(error)) from None
    collector = _collector(url)
    greeting = _greeting(collector)
    _check_authority(collector, greeting, code)
    _check_clock(collector, greeting, clock)
    try:
        key = files.next_key()
        csr = make_request(key, name).decode("ascii")
        given = _given(collector, msgspec.json.encode(ask(code, site, gateway, csr)))
        if not code.names(read_certificate(given.ca.encode()).fingerprint):
            raise BadCertificate("the answer is of another authority than the code names")
        return files.take(key, given.certificate.encode(), given.ca.encode(), given.commands.encode(), name=name)
    except BadCertificate as error:
        raise NotEnrolled(f"{collector}: {error}") from None
    except OSError as error:
        raise NotEnrolled(f"{files.folder}: {error.strerror}: {error.filename}") from None


def _collector(url: str) -> _Collector:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotEnrolled(f"{url!r} is no address of a collector ({error})") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise NotEnrolled(f"{url!r} is no address of a collector; write it like https://collector.example:8080")
    return _Collector(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80))


def _greeting(collector: _Collector) -> Greeting:
    status, body = collector.ask("GET")
    if status == http.client.OK:
        try:
            return msgspec.json.decode(body, type=Greeting)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
    raise NotEnrolled(f"{collector}: answers ({status}), but not as a Dayuan collector does; is the address right?")


def _check_authority(collector: _Collector, greeting: Greeting, code: EnrolmentCode) -> None:
    try:
        found = read_certificate(greeting.ca.encode())
    except BadCertificate as error:
        raise NotEnrolled(f"{collector}: {error}") from None
    if not code.names(found.fingerprint):
        raise NotEnrolled(
            f"{collector}: this is not the collector that made the code: its fingerprint begins with "
            f"{found.fingerprint[:16].hex()}, the code says {code.authority.hex()}. Is the address right, or does "
            "somebody stand between? Nothing was sent."
        )


def _check_clock(collector: _Collector, greeting: Greeting, clock: Clock) -> None:
    off = clock.now_ms() - greeting.at
    if abs(off) > CLOCK_OFF_MS_MAX:
        raise NotEnrolled(
            f"the clock of this box says {_instant(clock.now_ms())}, the collector {_instant(greeting.at)}; set the "
            f"clock first (timedatectl), or its certificate will not hold. {collector} was asked for nothing."
        )


def _given(collector: _Collector, body: bytes) -> Enrolled:
    status, answer = collector.ask("POST", body)
    try:
        if status == http.client.CREATED:
            return msgspec.json.decode(answer, type=Enrolled)
        error = json.loads(answer)["error"]
        code, message = str(error["code"])[:40], str(error["message"])[:300]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotEnrolled(f"{collector}: answers with {status} and nothing that can be read; try again") from None
    raise NotEnrolled(f"{collector}: {message} [{code}]")


def _instant(at_ms: int) -> str:
    try:
        return datetime.fromtimestamp(at_ms // MS_PER_S, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"
