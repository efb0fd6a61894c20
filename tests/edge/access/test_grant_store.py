"""The list on the disk: what is read back verifies, never an older one, whatever instant the power goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.access.grant_store import CURRENT, FLOOR, PART, PREVIOUS, GrantStore
from edge.failpoint import NAMES, never
from protocols.errors import BadCommand, BadGrants, StoreUnavailable
from protocols.grants import GrantList, open_grants, seal_grants
from protocols.signing import public_of, sign
from tests.protocols.test_grants import OTHER_SEED, PUBLIC, grant_list, sealed


def store(folder: Path, key: Callable[[], bytes] = lambda: PUBLIC, **given: Any) -> GrantStore:
    return GrantStore(folder / "grants", **{"site": "east", "gateway": "b3", "key": key, **given})


def given(number: int, **more: Any) -> bytes:
    return sealed(grant_list(number=number, **more))


def take(where: GrantStore, payload: bytes) -> GrantList | None:
    grants = where.check(payload)
    if grants is not None:
        where.hold(grants, payload)
        where.keep(grants, payload)
    return grants


def begun(folder: Path, *numbers: int, **more: Any) -> GrantStore:
    """A store that took these."""
    found = store(folder, **more)
    found.load()
    for number in numbers:
        assert take(found, given(number)) is not None
    return found


def number_of(found: GrantList | None) -> int:
    return 0 if found is None else found.number


def test_what_was_kept_is_there_after_a_restart_and_nothing_is_there_at_first(tmp_path: Path) -> None:
    assert store(tmp_path).load() is None
    begun(tmp_path, 3, 5)
    assert store(tmp_path).load() == grant_list(number=5)
    assert [path.stat().st_mode & 0o777 for path in sorted((tmp_path / "grants").iterdir())] == [0o600] * 3


@pytest.mark.parametrize("restarted", [False, True])
def test_an_older_list_is_refused_and_the_same_one_is_no_news(tmp_path: Path, restarted: bool) -> None:
    found = begun(tmp_path, 3, 5)
    if restarted:
        found = store(tmp_path)
        found.load()
    for number in (1, 3, 4):
        with pytest.raises(BadGrants, match=f"number: {number} is not newer than what this gateway had; 6 would be"):
            found.check(given(number))
    assert found.check(given(5)) is None
    with pytest.raises(BadGrants, match="number"):
        found.check(given(5, time_zone="Europe/Berlin"))
    assert number_of(take(found, given(6))) == 6


def test_lists_of_others_are_refused(tmp_path: Path) -> None:
    found = begun(tmp_path, 3)
    for payload in (
        given(9, gateway="b4"),
        given(9, site="west"),
        seal_grants(grant_list(number=9), lambda text: sign(OTHER_SEED, text)),
        given(9)[:-1],
        b"",
    ):
        with pytest.raises(BadGrants):
            found.check(payload)
    assert number_of(store(tmp_path).load()) == 3


def test_the_highest_number_holds_when_its_list_is_lost(tmp_path: Path) -> None:
    begun(tmp_path, 3, 5)
    (tmp_path / "grants" / CURRENT).write_bytes(b"torn")
    found = store(tmp_path)
    assert number_of(found.load()) == 3
    assert "current: version" in found.faults[0]
    with pytest.raises(BadGrants, match="5 would be"):
        found.check(given(4))
    assert number_of(take(found, given(5))) == 5, "the one that was lost may come again"
    assert number_of(store(tmp_path).load()) == 5
    kept = (tmp_path / "grants" / PREVIOUS).read_bytes()
    assert open_grants(kept, PUBLIC, site="east", gateway="b3").number == 3, "a torn file took nobody's place"


def test_when_nothing_verifies_there_is_no_list_and_it_is_told(tmp_path: Path) -> None:
    begun(tmp_path, 3, 5)
    for name in (CURRENT, PREVIOUS):
        path = tmp_path / "grants" / name
        changed = bytearray(path.read_bytes())
        changed[70] ^= 1
        path.write_bytes(changed)
    (tmp_path / "grants" / FLOOR).write_text("{")
    found = store(tmp_path)
    assert found.load() is None
    assert len(found.faults) == 3


def test_a_collector_with_another_key_begins_anew(tmp_path: Path) -> None:
    begun(tmp_path, 500)
    found = store(tmp_path, key=lambda: public_of(OTHER_SEED))
    assert found.load() is None
    payload = seal_grants(grant_list(number=2), lambda text: sign(OTHER_SEED, text))
    assert number_of(take(found, payload)) == 2
    assert number_of(store(tmp_path, key=lambda: public_of(OTHER_SEED)).load()) == 2


def test_without_a_key_nothing_verifies(tmp_path: Path) -> None:
    def none() -> bytes:
        raise BadCommand("no_key", "not enrolled")

    begun(tmp_path, 3)
    found = store(tmp_path, key=none)
    assert found.load() is None
    assert "not enrolled" in found.faults[0]
    with pytest.raises(BadGrants, match="no_key"):
        found.check(given(9))


def test_a_key_that_could_not_be_read_at_the_start_lets_no_older_list_in(tmp_path: Path) -> None:
    def broken() -> bytes:
        raise OSError("Input/output error")

    begun(tmp_path, 5, 10)
    keys = [broken, lambda: PUBLIC]
    found = store(tmp_path, key=lambda: keys[0]())
    assert found.load() is None
    del keys[0]
    with pytest.raises(BadGrants, match="number: 6 is not newer than what this gateway had; 10 would be"):
        found.check(given(6))
    assert number_of(take(found, given(10))) == 10


class PowerCut(BaseException):
    """What a fail point raises in the place of a kill."""


@pytest.mark.parametrize("instant", [name for name in NAMES if name.startswith("grants_")])
def test_the_power_goes_at_each_write_and_a_list_that_verifies_is_left(tmp_path: Path, instant: str) -> None:
    def cut(name: str) -> None:
        if name == instant:
            raise PowerCut

    begun(tmp_path, 3, 5)
    dying = store(tmp_path, fail_point=cut)
    dying.load()
    with pytest.raises(PowerCut):
        take(dying, given(8))
    found = store(tmp_path)
    assert number_of(found.load()) == (8 if instant == "grants_kept" else 5)
    assert found.faults == []
    for number in (4, 5 if instant == "grants_kept" else 3):
        with pytest.raises(BadGrants, match="number"):
            found.check(given(number))
    if instant not in ("grants_written", "grants_kept"):
        with pytest.raises(BadGrants, match="number"):
            found.check(given(7))
    if instant != "grants_kept":
        assert number_of(take(found, given(8))) == 8
    assert number_of(store(tmp_path).load()) == 8


def test_a_write_that_was_torn_is_overwritten(tmp_path: Path) -> None:
    begun(tmp_path, 3)
    whole = given(4)
    for length in (0, 1, 64, 65, len(whole) - 1):
        shutil.rmtree(tmp_path / "grants")
        begun(tmp_path, 3)
        (tmp_path / "grants" / PART).write_bytes(whole[:length])
        found = store(tmp_path)
        assert number_of(found.load()) == 3
        assert number_of(take(found, whole)) == 4


def test_a_disk_that_takes_nothing_is_told_and_tried_again(tmp_path: Path) -> None:
    (tmp_path / "grants").write_text("a file where the folder belongs")
    found = store(tmp_path, fail_point=never)
    payload = given(3)
    grants = found.check(payload)
    assert grants is not None
    found.hold(grants, payload)
    with pytest.raises(StoreUnavailable):
        found.keep(grants, payload)
    with pytest.raises(BadGrants):
        found.check(given(2))
    (tmp_path / "grants").unlink()
    found.keep(grants, payload)
    assert number_of(store(tmp_path).load()) == 3
