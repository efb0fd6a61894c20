"""An authority in a folder, the registry's book beside it, and the desk over both."""

from pathlib import Path

import pytest

from cloud.identity.authority import Authority
from cloud.identity.enrolling import Enrolling
from cloud.registry.database import Database
from cloud.registry.identity_book import IdentityBook
from protocols.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def authority(tmp_path: Path, clock: ManualClock) -> Authority:
    return Authority(tmp_path / "identity", clock)


@pytest.fixture
def book(database: Database, clock: ManualClock) -> IdentityBook:
    return IdentityBook(database, clock)


@pytest.fixture
def desk(authority: Authority, book: IdentityBook, clock: ManualClock) -> Enrolling:
    return Enrolling(authority, book, clock)
