"""Who asks: nobody, everybody, and those who were somebody once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cloud.api.gate import COOKIE
from cloud.registry.roles import Role
from tests.cloud.api.conftest import GOOD, Api
from tests.proof.api_entries import (
    ADMINISTRATOR,
    DISPATCHER,
    ENERGY_MANAGER,
    INSTALLER,
    NOBODY,
    REQUESTER,
    SECURITY_OFFICER,
    VIEWER,
)

ONE_TIME = "a one-time password"


class Credential(NamedTuple):
    """What comes with a request, and what it is good for."""

    name: str
    rank: int
    headers: Mapping[str, str]
    also: frozenset[tuple[str, str]] = frozenset()
    """Routes it may beside those of its rank."""

    def may(self, entry: tuple[str, str], needed: int) -> bool:
        """Whether it is good for this."""
        return self.rank >= needed or entry in self.also


async def credentials(api: Api) -> list[Credential]:
    """None, made up, every role as token and as login, and those that are good no more."""

    def bearer(secret: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {secret}"}

    async def login(name: str, role: Role, password: bool = True) -> str:
        one_time = await api.users.add(name, role)
        user = await api.users.find(name)
        assert user is not None and one_time
        if password:
            await api.users.change_password(user, GOOD)
            user = await api.users.find(name)
            assert user is not None
        return f"{COOKIE}={await api.sessions.begin(user, 'client')}"

    old = await login("old", Role.ADMINISTRATOR)
    api.clock.step(3_601_000)  # nobody works on for that hour: it would take half a minute
    revoked = await api.tokens.add("revoked", Role.ADMINISTRATOR)
    await api.tokens.revoke(revoked[0])
    boss = await login("boss", Role.ADMINISTRATOR)
    disabled = await login("disabled", Role.ADMINISTRATOR)
    await api.users.set_disabled("disabled", disabled=True)
    fresh = await login("fresh", Role.ADMINISTRATOR, password=False)
    return [
        Credential("nobody", NOBODY, {}),
        Credential("a made-up token", NOBODY, bearer("dayuan_" + "x" * 43)),
        Credential("a made-up cookie", NOBODY, {"Cookie": f"{COOKIE}=' OR 1=1 --"}),
        Credential("an expired login", NOBODY, {"Cookie": old}),
        Credential("a revoked token", NOBODY, bearer(revoked[1])),
        Credential("a disabled administrator", NOBODY, {"Cookie": disabled}),
        Credential(ONE_TIME, NOBODY, {"Cookie": fresh}),
        Credential("a requester's token", REQUESTER, bearer(await api.token(Role.REQUESTER))),
        Credential("a requester's login", REQUESTER, {"Cookie": await login("requester", Role.REQUESTER)}),
        Credential("a viewer's token", VIEWER, bearer(await api.token(Role.VIEWER))),
        Credential("a viewer's login", VIEWER, {"Cookie": await login("viewer", Role.VIEWER)}),
        Credential("a dispatcher's token", DISPATCHER, bearer(await api.token(Role.DISPATCHER))),
        Credential("a dispatcher's login", DISPATCHER, {"Cookie": await login("dispatcher", Role.DISPATCHER)}),
        Credential("an energy manager", VIEWER, bearer(await api.token(Role.ENERGY_MANAGER)), ENERGY_MANAGER),
        Credential("a security officer", VIEWER, bearer(await api.token(Role.SECURITY_OFFICER)), SECURITY_OFFICER),
        Credential("an installer", VIEWER, bearer(await api.token(Role.INSTALLER)), INSTALLER),
        Credential("an administrator's token", ADMINISTRATOR, bearer(await api.token(Role.ADMINISTRATOR))),
        Credential("an administrator's login", ADMINISTRATOR, {"Cookie": boss}),
    ]
