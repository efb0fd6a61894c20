"""Users, their sessions and tokens."""

import pytest

from cloud.registry.database import Database
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Grant, Role
from cloud.registry.sessions import Sessions, fingerprint
from cloud.registry.tokens import BadToken, Tokens
from cloud.registry.users import BadUser, Users, WeakPassword
from protocols.clock import ManualClock

GOOD = "violet anvil 77 kites"


@pytest.fixture
def users(database: Database, passwords: Passwords, clock: ManualClock) -> Users:
    return Users(database, passwords, clock)


@pytest.fixture
def sessions(database: Database, clock: ManualClock) -> Sessions:
    return Sessions(database, clock, idle_s=3600, absolute_s=86_400)


@pytest.fixture
def tokens(database: Database, clock: ManualClock) -> Tokens:
    return Tokens(database, clock)


async def test_only_the_first_start_makes_an_administrator(users: Users) -> None:
    password = await users.found_first()
    assert password
    admin = await users.find("ADMIN")
    assert admin is not None
    assert (admin.grants, admin.must_change_password) == ((Grant(Role.ADMINISTRATOR),), True)
    assert password not in admin.password_hash
    assert await users.found_first() is None


@pytest.mark.parametrize("name", ["", " ", "a b", "-x", "x" * 65, "a/b", "<b>"])
async def test_a_name_that_is_none_is_refused(users: Users, name: str) -> None:
    with pytest.raises(BadUser, match="no user name"):
        await users.add(name, Role.VIEWER)


async def test_names_differ_by_more_than_case(users: Users) -> None:
    await users.add("Li.Fang", Role.VIEWER)
    with pytest.raises(BadUser, match="already"):
        await users.add("li.fang", Role.VIEWER)


async def test_the_last_administrator_cannot_be_shut_out(users: Users) -> None:
    await users.found_first()
    for change in (users.set_disabled("admin", disabled=True), users.set_role("admin", Role.VIEWER)):
        with pytest.raises(BadUser, match="last administrator"):
            await change
    await users.add("second", Role.ADMINISTRATOR)
    await users.set_disabled("admin", disabled=True)


async def test_a_session_ends_when_idle_and_in_any_case(users: Users, sessions: Sessions, clock: ManualClock) -> None:
    await users.add("li", Role.VIEWER)
    user = await users.find("li")
    assert user is not None
    secret = fingerprint(await sessions.begin(user, "client"))
    for _ in range(60):
        assert await sessions.check(secret) is not None
        await clock.advance(1800)
        if clock.now_ms() >= user.created_at + 86_400_000:
            break
    assert await sessions.check(secret) is None, "the absolute end"
    secret = fingerprint(await sessions.begin(user, "client"))
    await clock.advance(3601)
    assert await sessions.check(secret) is None, "the idle end"


async def test_only_the_hash_of_a_session_rests_on_disk(users: Users, sessions: Sessions, database: Database) -> None:
    await users.add("li", Role.VIEWER)
    user = await users.find("li")
    assert user is not None
    secret = await sessions.begin(user, "client")
    await database.close()
    parts = [path.read_bytes() for path in database.path.parent.iterdir()]
    assert not any(secret.encode() in part for part in parts)
    assert any(fingerprint(secret).encode() in part for part in parts)


async def test_whatever_takes_rights_away_ends_the_sessions(users: Users, sessions: Sessions) -> None:
    await users.found_first()
    await users.add("li", Role.VIEWER)
    user = await users.find("li")
    assert user is not None
    for change in (
        lambda: users.set_disabled("li", disabled=True),
        lambda: users.set_disabled("li", disabled=False),
        lambda: users.set_role("li", Role.ADMINISTRATOR),
        lambda: users.reset("li"),
        lambda: users.change_password(user, GOOD),
    ):
        secret = fingerprint(await sessions.begin(user, "client"))
        await change()
        assert await sessions.check(secret) is None


async def test_a_weak_new_password_changes_nothing(users: Users, passwords: Passwords) -> None:
    one_time = await users.add("li", Role.VIEWER)
    user = await users.find("li")
    assert user is not None
    with pytest.raises(WeakPassword):
        await users.change_password(user, "password1234")
    again = await users.find("li")
    assert again is not None
    assert await passwords.verify(again.password_hash, one_time)


async def test_one_user_cannot_fill_the_table_with_sessions(
    users: Users, sessions: Sessions, clock: ManualClock
) -> None:
    await users.add("li", Role.VIEWER)
    user = await users.find("li")
    assert user is not None
    secrets = []
    for _ in range(55):
        secrets.append(await sessions.begin(user, "client"))
        clock.step(1)
    assert await sessions.check(fingerprint(secrets[0])) is None
    assert await sessions.check(fingerprint(secrets[-1])) is not None


async def test_a_token_works_until_revoked_or_over(tokens: Tokens, clock: ManualClock) -> None:
    token_id, secret = await tokens.add("grafana", Role.VIEWER)
    principal = await tokens.check(fingerprint(secret))
    assert principal is not None
    assert (principal.grants, principal.user_id) == ((Grant(Role.VIEWER),), None)
    await tokens.revoke(token_id)
    assert await tokens.check(fingerprint(secret)) is None
    with pytest.raises(BadToken):
        await tokens.revoke(token_id)
    _, short = await tokens.add("short", Role.VIEWER, lasts_s=60)
    assert await tokens.check(fingerprint(short)) is not None
    await clock.advance(61)
    assert await tokens.check(fingerprint(short)) is None


async def test_the_list_of_tokens_does_not_hold_their_secrets(tokens: Tokens) -> None:
    _, secret = await tokens.add("grafana", Role.VIEWER)
    row = (await tokens.all())[0]
    assert secret not in str(vars(row))
    assert len(secret) > 40
