"""Which passwords are taken, and how they are kept."""

import pytest

from cloud.registry.passwords import Passwords, one_time_password, weakness


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1234",
        "P@ssw0rd2026!",
        "qwertyuiop123",
        "1qaz2wsx3edc4rfv",
        "123456789012",
        "abcdefghijkl",
        "aaaaaaaaaaaa",
        "qwer1234qwer1234",
        "correct horse battery staple",
        "woaini1314520",
        "administrator",
        "x" * 300,
    ],
)
def test_a_common_or_short_password_is_refused_with_a_reason(password: str) -> None:
    assert weakness(password)


@pytest.mark.parametrize("password", ["violet anvil 77 kites", "4rTg%hQ!m9zL", "三个字不够所以写十二个字才行"])
def test_a_good_password_is_taken(password: str) -> None:
    assert weakness(password, name="admin") is None


def test_a_password_made_of_the_user_name_is_refused() -> None:
    assert weakness("wanglifang77", name="wanglifang")


def test_one_time_passwords_differ_and_are_easy_to_read() -> None:
    assert not weakness(one_time_password())
    made = {one_time_password() for _ in range(200)}
    assert len(made) == 200
    assert not any(sign in "0O1lI" for password in made for sign in password)


async def test_hashes_are_argon2id_with_enough_memory_and_a_salt_each(passwords: Passwords) -> None:
    first, second = await passwords.hash("violet anvil 77 kites"), await passwords.hash("violet anvil 77 kites")
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert await passwords.verify(first, "violet anvil 77 kites")
    assert not await passwords.verify(first, "violet anvil 77 kite")
    assert not await passwords.verify("no hash at all", "violet anvil 77 kites")


async def test_an_unknown_user_takes_as_long_as_a_wrong_password(passwords: Passwords) -> None:
    import time

    stored = await passwords.hash("violet anvil 77 kites")
    assert not await passwords.verify(None, "x")

    async def measure(known: str | None) -> float:
        started = time.thread_time(), time.process_time()
        await passwords.verify(known, "wrong")
        return time.process_time() - started[1]

    known = sorted([await measure(stored) for _ in range(5)])[2]
    unknown = sorted([await measure(None) for _ in range(5)])[2]
    assert 0.5 < unknown / known < 2


def test_a_hash_of_older_parameters_is_outdated(passwords: Passwords) -> None:
    import argon2

    old = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("x")
    assert passwords.outdated(old)
