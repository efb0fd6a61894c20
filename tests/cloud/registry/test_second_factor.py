"""The second factor: codes as the standard has them, each taken once."""

import asyncio
import base64

import pytest

from cloud.registry.database import Database
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Role
from cloud.registry.second_factor import BadSecondFactor, SecondFactors, address_of, code_at
from cloud.registry.sessions import Sessions
from cloud.registry.users import Users
from protocols.clock import ManualClock


@pytest.fixture
def factors(database: Database, clock: ManualClock) -> SecondFactors:
    clock.step(1_790_000_000_000 - clock.now_ms())
    return SecondFactors(database, clock)


@pytest.fixture
async def user(database: Database, passwords: Passwords, clock: ManualClock, factors: SecondFactors) -> int:
    users = Users(database, passwords, clock)
    await users.add("li", Role.ADMINISTRATOR)
    found = await users.find("li")
    assert found is not None
    return found.id


def code(secret: str, clock: ManualClock, steps: int = 0) -> str:
    return code_at(base64.b32decode(secret), clock.now_ms() // 30_000 + steps)


async def set_up(factors: SecondFactors, user: int, clock: ManualClock) -> tuple[str, list[str]]:
    secret = await factors.begin(user)
    codes = await factors.confirm(user, code(secret, clock))
    clock.step(30_000)
    return secret, codes


@pytest.mark.parametrize(
    ("at", "digits"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_codes_are_those_of_the_standard(at: int, digits: str) -> None:
    """RFC 6238, appendix B; ours are the last six of its eight digits."""
    assert code_at(b"12345678901234567890", at // 30) == digits[-6:]


async def test_it_counts_from_the_first_code_that_was_shown(
    factors: SecondFactors, user: int, clock: ManualClock
) -> None:
    secret = await factors.begin(user)
    assert not await factors.has(user)
    assert not await factors.check(user, code(secret, clock))
    with pytest.raises(BadSecondFactor, match="clock of the phone"):
        await factors.confirm(user, "000000" if code(secret, clock) != "000000" else "111111")
    assert len(await factors.confirm(user, code(secret, clock))) == 8
    assert await factors.has(user)
    with pytest.raises(BadSecondFactor, match="already"):
        await factors.begin(user)


async def test_a_secret_that_was_never_confirmed_is_worth_nothing_after_a_while(
    factors: SecondFactors, user: int, clock: ManualClock
) -> None:
    secret = await factors.begin(user)
    clock.step(16 * 60_000)
    with pytest.raises(BadSecondFactor, match="begin anew"):
        await factors.confirm(user, code(secret, clock))
    assert await factors.begin(user) != secret


async def test_a_code_is_taken_once(factors: SecondFactors, user: int, clock: ManualClock) -> None:
    secret, _ = await set_up(factors, user, clock)
    now = code(secret, clock)
    assert sum(await asyncio.gather(*(factors.check(user, now) for _ in range(5)))) == 1
    assert not await factors.check(user, now)
    assert not await factors.check(user, code(secret, clock, -1)), "nor one before it"
    clock.step(30_000)
    assert await factors.check(user, code(secret, clock))


async def test_a_clock_half_a_minute_off_is_no_matter_and_more_is(
    factors: SecondFactors, user: int, clock: ManualClock
) -> None:
    secret, _ = await set_up(factors, user, clock)
    clock.step(60_000)
    for steps in (-3, -2, 2, 3):
        assert not await factors.check(user, code(secret, clock, steps))
    for steps in (-1, 0, 1):
        assert await factors.check(user, code(secret, clock, steps))


async def test_a_recovery_code_stands_in_once(factors: SecondFactors, user: int, clock: ManualClock) -> None:
    _, codes = await set_up(factors, user, clock)
    assert await factors.check(user, f" {codes[3].upper()} ")
    assert not await factors.check(user, codes[3])
    assert await factors.recovery_codes_left(user) == 7


async def test_neither_codes_nor_the_recovery_codes_are_in_the_file(
    factors: SecondFactors, user: int, clock: ManualClock, database: Database
) -> None:
    _, codes = await set_up(factors, user, clock)
    stored = b"".join(path.read_bytes() for path in database.path.parent.glob("registry.sqlite*"))
    assert not any(each.encode() in stored for each in codes)


async def test_taking_it_away_ends_all_logins(
    factors: SecondFactors, user: int, clock: ManualClock, database: Database, passwords: Passwords
) -> None:
    sessions = Sessions(database, clock, idle_s=3600, absolute_s=86_400, second_factor_for=[Role.ADMINISTRATOR])
    secret, _ = await set_up(factors, user, clock)
    found = await Users(database, passwords, clock).find("li")
    assert found is not None
    await sessions.begin(found, "client")
    await factors.remove("li")
    assert await sessions.of(user) == []
    assert not await factors.check(user, code(secret, clock))
    with pytest.raises(BadSecondFactor, match="no second factor"):
        await factors.remove("li")


def test_apps_are_told_whose_codes_they_make() -> None:
    assert address_of("ABC", "li fang", "Dayuan") == (
        "otpauth://totp/Dayuan%3Ali%20fang?secret=ABC&issuer=Dayuan&digits=6&period=30"
    )
