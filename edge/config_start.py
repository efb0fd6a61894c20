"""With which site file a process begins: the box's own, one from afar that was confirmed, or one on trial.

Decided before anything runs, and without asking anybody: a trial that is over goes back here, whatever ended it. The
file on the box wins: when somebody edited it, or took its permission away, nothing from afar is in force.
"""

from __future__ import annotations

import logging
import secrets
import uuid
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from edge.config_store import ConfigStore, Held, Record, Told
from edge.contract import FailPoint
from edge.failpoint import never
from edge.settings import Site, load_site, load_site_text
from protocols.clock import Clock
from protocols.errors import BadSettings, StoreDamaged, StoreUnavailable
from protocols.reading import Scalar
from protocols.site_config import sha256_of

log = logging.getLogger(__name__)

STARTS_MAX = 2
"""A second crash ends a trial."""

Source = Literal["box", "collector"]


class InForce(NamedTuple):
    """The site file a process runs. ``revision`` is 0 for the file on the box; ``trying``: it is on trial."""

    site: Site
    text: bytes
    sha256: str
    source: Source
    revision: int
    trying: bool
    highest: int = 0
    """The newest revision that was judged on this box."""


def begin(path: Path, clock: Clock, boot: str, fail_point: FailPoint = never) -> InForce:
    """Choose the site file, count the start of a trial, and take back what must be.

    ``boot``: what the kernel calls this boot. Raises BadSettings for the file on the box only; when the disk refuses,
    that file is in force.
    """
    return _begin(path, clock, boot, fail_point, writes=True)


def look(path: Path, clock: Clock, boot: str) -> InForce:
    """What a process would begin with now; writes nothing. Raises as `begin` does."""
    return _begin(path, clock, boot, never, writes=False)


def _begin(path: Path, clock: Clock, boot: str, fail_point: FailPoint, *, writes: bool) -> InForce:
    site, text = load_site(path), path.read_bytes()
    own = InForce(site, text, sha256_of(text), "box", 0, False)
    store = ConfigStore(site.buffer.path, fail_point)
    if not site.remote_config.enabled and not store.folder.exists():
        return own
    try:
        return _chosen(own, store, clock, boot, writes=writes)
    except StoreDamaged as error:
        log.error("site files from afar cannot be read, and the file on the box is in force: %s", error)
        if writes:
            store.set_aside()
        return own
    except StoreUnavailable as error:
        log.error("the file on the box is in force: %s", error)
        return own


def _chosen(own: InForce, store: ConfigStore, clock: Clock, boot: str, *, writes: bool) -> InForce:
    record = store.read()
    after = record
    if record.box != own.sha256 or not own.site.remote_config.enabled:
        after = _box_wins(record, own, clock)
    if after.trial is not None:
        why = over(after, clock, boot)
        after = counted(after) if why is None else rolled_back(after, why, "", clock)
    chosen: InForce | None = None
    if after.trial is not None:
        try:
            chosen = _opened(own, store, after.trial.text, trying=True)
        except (BadSettings, StoreDamaged) as error:
            after = rolled_back(after, "cannot_start", str(error), clock)
    if after != record and writes:
        store.write(after)
    if chosen is None:
        chosen = _good(own, store, after, clock, writes=writes)
    return chosen._replace(highest=after.highest)


def _good(own: InForce, store: ConfigStore, record: Record, clock: Clock, *, writes: bool) -> InForce:
    """The confirmed text, or the one before it, or the box's."""
    for held in (record.good, record.before if record.good else None):
        if held is None:
            continue
        try:
            found = _opened(own, store, held, trying=False)
        except (BadSettings, StoreDamaged) as error:
            log.error("revision %d cannot be used: %s", held.revision, error)
            record = rolled_back(record, "cannot_start", str(error), clock, revision=held.revision)
            continue
        if writes and record.good != held:
            store.write(msgspec.structs.replace(record, good=held, before=None))
        return found
    if writes and record.good is not None:
        store.write(msgspec.structs.replace(record, good=None, before=None))
    return own


def _opened(own: InForce, store: ConfigStore, held: Held, *, trying: bool) -> InForce:
    text = store.text(held)
    try:
        site = load_site_text(own.site.path, text.decode())
    except UnicodeDecodeError:
        raise StoreDamaged(held.sha256, "not UTF-8") from None
    # What came from afar says nothing of what may come from afar.
    site = msgspec.structs.replace(site, remote_config=own.site.remote_config)
    return InForce(site, text, held.sha256, "collector", held.revision, trying)


def _box_wins(record: Record, own: InForce, clock: Clock) -> Record:
    """Nothing from afar is in force; the record begins anew with the file as it is on the box now."""
    if record.trial is not None:
        record = rolled_back(record, "box_edited", "somebody edited the site file on the box", clock)
    return Record(highest=record.highest, box=own.sha256, untold=record.untold)


def over(record: Record, clock: Clock, boot: str) -> str | None:
    """Why the trial of a record must end as a process begins; None while it may go on."""
    trial = record.trial
    assert trial is not None
    if trial.boot != boot:
        return "restarted"  # the machine was: nobody knows for how long, nor why
    if clock.monotonic() >= trial.deadline:
        return "not_confirmed"
    return "crashed" if trial.starts >= STARTS_MAX else None


def counted(record: Record) -> Record:
    """One more process begins with the trial."""
    trial = record.trial
    assert trial is not None
    return msgspec.structs.replace(record, trial=msgspec.structs.replace(trial, starts=trial.starts + 1))


def rolled_back(
    record: Record, why: str, detail: str, clock: Clock, *, devices: str = "", revision: int | None = None
) -> Record:
    """The record without its trial, with the event that says so."""
    if revision is None:
        assert record.trial is not None
        revision = record.trial.text.revision
    log.warning("the site file of revision %d is taken back (%s): %s%s", revision, why, detail, devices)
    data: dict[str, Scalar] = {"revision": revision, "reason": why, "detail": detail[:400], "devices": devices[:400]}
    return msgspec.structs.replace(record, trial=None).telling(due("config_rolled_back", data, clock))


def due(kind: str, data: dict[str, Scalar], clock: Clock) -> Told:
    """An event to tell, under a name nobody has."""
    return Told(secrets.token_hex(16), kind, clock.now_ms(), data)


def boot_id() -> str:
    """What the kernel calls this boot; the monotonic clock runs through it, over any number of processes."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return str(uuid.uuid4())
