"""Back-off against guessed passwords, and that it never shuts the owner out."""

import pytest

from cloud.registry.database import Database
from cloud.registry.logins import Logins
from protocols.clock import ManualClock

HOME, STRANGER = "10.0.0.5", "203.0.113.9"


@pytest.fixture
def logins(database: Database, clock: ManualClock) -> Logins:
    return Logins(database, clock)


async def test_a_few_slips_cost_nothing(logins: Logins) -> None:
    for _ in range(4):
        await logins.failed("li", HOME)
    assert await logins.wait_s("li", HOME) == 0


async def test_waits_double_up_to_a_limit(logins: Logins, clock: ManualClock) -> None:
    waits = []
    for _ in range(20):
        await logins.failed("li", HOME)
        wait_s = await logins.wait_s("li", HOME)
        waits.append(wait_s)
        await clock.advance(wait_s)
    assert waits[4:9] == [1, 2, 4, 8, 16]
    assert max(waits) == 300
    assert await logins.wait_s("li", HOME) == 0, "no lock-out for ever"


async def test_guesses_from_many_addresses_do_not_hold_up_the_owner(logins: Logins, clock: ManualClock) -> None:
    await logins.succeeded("li", HOME)
    for number in range(60):
        await logins.failed("li", f"203.0.113.{number}")
        clock.step(10)
    assert await logins.wait_s("li", HOME) == 0
    assert 0 < await logins.wait_s("li", "198.51.100.1") <= 30, "a new address waits, but not long"


async def test_one_address_that_tries_many_accounts_waits(logins: Logins) -> None:
    for number in range(30):
        await logins.failed(f"user{number}", STRANGER)
    assert await logins.wait_s("somebody-else", STRANGER) > 0
    assert await logins.wait_s("somebody-else", HOME) == 0


async def test_success_forgets_the_failures_of_that_account_from_there(logins: Logins, clock: ManualClock) -> None:
    for _ in range(6):
        await logins.failed("li", HOME)
    await clock.advance(10)
    await logins.succeeded("li", HOME)
    await logins.failed("li", HOME)
    assert await logins.wait_s("li", HOME) == 0


async def test_failures_survive_a_restart(logins: Logins, database: Database, clock: ManualClock) -> None:
    for _ in range(10):
        await logins.failed("li", HOME)
    assert await Logins(database, clock).wait_s("li", HOME) > 0


async def test_typed_names_do_not_rest_in_clear(logins: Logins, database: Database) -> None:
    await logins.failed("my password by mistake", HOME)
    await database.close()
    assert not any(b"by mistake" in path.read_bytes() for path in database.path.parent.iterdir())
