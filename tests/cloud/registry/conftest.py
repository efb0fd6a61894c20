"""A clock that the test moves, and passwords. What is no matter of a file runs on both kinds of registry."""

from collections.abc import AsyncIterator

import pytest

from cloud.registry.passwords import Passwords
from protocols.clock import ManualClock

OF_FILES = {
    "test_database",
    "test_lost_log",
    "test_the_same_birth_again_changes_no_device",
    "test_only_the_hash_of_a_session_rests_on_disk",
    "test_typed_names_do_not_rest_in_clear",
    "test_the_key_and_the_checkpoints_are_for_their_owner_only",
    "test_an_older_registry_in_the_place_of_the_newer_is_found_out",
}
"""Modules and tests that look at the file itself."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = {metafunc.module.__name__.rsplit(".", 1)[-1], metafunc.function.__name__}
    if "database" in metafunc.fixturenames and not names & OF_FILES:
        metafunc.parametrize("registry_kind", ["sqlite", "postgresql"])


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    passwords = Passwords()
    yield passwords
    passwords.close()
