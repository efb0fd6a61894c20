"""Which certificate a connection shows, and when the next one is due."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from edge.identity_files import Held, IdentityFiles
from protocols.certificates import BadCertificate, Certificate
from protocols.clock import MS_PER_S, TRUST_FLOOR_MS, Clock

log = logging.getLogger(__name__)


class Shown(NamedTuple):
    """Files for one connection: key and certificate in one, and the authority to believe."""

    pair: Path
    ca: Path


class CertificateState(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate for a person who looks. Instants in ms; ``renews_at``: when the next one is asked for.
    ``trouble``: why there is none yet though it is time, or why the files cannot be used; "" when all is well."""

    name: str
    authority: str
    begins_at: int
    renews_at: int
    ends_at: int
    trouble: str = ""


class Identity:
    """The gateway's own certificate. Not enrolled is no error: then connections show none."""

    def __init__(self, files: IdentityFiles, clock: Clock) -> None:
        self.files = files
        self._clock = clock
        self._tried_new = False
        """The renewed pair was shown last, and nobody let us in with it yet."""
        self._told = ""

    def next_shown(self) -> Shown | None:
        """What the next connection shows; None when not enrolled. While a renewed pair was never let in, it and the
        one before take turns, the new one first.
        """
        if not self.files.enrolled:
            return None
        if not self.files.has_previous:
            return Shown(self.files.pair_path, self.files.ca_path)
        self._tried_new = not self._tried_new
        return Shown(self.files.pair_path if self._tried_new else self.files.previous_path, self.files.ca_path)

    def connected(self) -> None:
        """The broker let us in with what was shown last."""
        if self._tried_new:
            self._tried_new = False
            self.files.forget_previous()

    def held(self) -> Held | None:
        """Key and certificate; None when not enrolled or when they cannot be read, which is told once."""
        if not self.files.enrolled:
            return None
        try:
            return self.files.held()
        except (BadCertificate, OSError) as error:
            if str(error) != self._told:
                self._told = str(error)
                log.error("the certificate of this gateway cannot be used: %s", error)
            return None

    def doubt(self) -> str:
        """For the message of a connection that failed: what may be wrong with our certificate; "" when nothing is."""
        held = self.held()
        if held is None:
            return ""
        now = self._clock.now_ms()
        certificate = held.certificate
        if now >= certificate.not_after:
            return f"; our certificate ended {_day(certificate.not_after)}: enrol the gateway again"
        if now < certificate.not_before:
            return f"; our certificate begins {_day(certificate.not_before)}: is the clock of this box right?"
        return "; or was this gateway revoked? (dayuan-cloud gateway list)"

    def due_s(self) -> float | None:
        """Seconds until the next certificate should be asked for, 0 when it should be now: two thirds of the time of
        the present one are over. None when there is nothing to renew, or no clock to tell by.
        """
        held, now = self.held(), self._clock.now_ms()
        if held is None or now < TRUST_FLOOR_MS:
            return None
        return max(0.0, (_renews_at(held.certificate) - now) / MS_PER_S)

    def state(self, trouble: str = "") -> CertificateState | None:
        """For `dayuan-edge status`; None when not enrolled. ``trouble``: what the renewal met with."""
        if not self.files.enrolled:
            return None
        held = self.held()
        if held is None:
            return CertificateState(
                name="", authority="", begins_at=0, renews_at=0, ends_at=0, trouble=self._told or "it cannot be read"
            )
        certificate, now = held.certificate, self._clock.now_ms()
        if now >= TRUST_FLOOR_MS and now >= certificate.not_after:
            trouble = "it has ended: enrol the gateway again"
        return CertificateState(
            name=certificate.name,
            authority=held.authority.name,
            begins_at=certificate.not_before,
            renews_at=_renews_at(certificate),
            ends_at=certificate.not_after,
            trouble=trouble,
        )


def _renews_at(certificate: Certificate) -> int:
    return certificate.not_before + (certificate.not_after - certificate.not_before) * 2 // 3


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // MS_PER_S, UTC).strftime("%Y-%m-%d %H:%M UTC")
