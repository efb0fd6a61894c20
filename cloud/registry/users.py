"""People who may log in."""

import re
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from cloud.audit.note import tell
from cloud.registry.database import Database
from cloud.registry.passwords import Passwords, one_time_password, weakness
from cloud.registry.roles import Grant, Role
from cloud.registry.tables import SessionRow, UserRow
from cloud.registry.tables_people import GrantRow
from protocols.clock import Clock
from protocols.errors import Permanent

FIRST_ADMINISTRATOR = "admin"
_NAME = re.compile(r"[\w][\w.@-]{0,63}")


class BadUser(Permanent):
    """A user that cannot be made or found; the message says why."""


class WeakPassword(Permanent):
    """A password that may not be used; the message says why."""


class Users:
    """Accounts. Every change that takes rights away also ends the account's sessions."""

    def __init__(self, database: Database, passwords: Passwords, clock: Clock) -> None:
        self._database, self._passwords, self._clock = database, passwords, clock

    async def found_first(self) -> str | None:
        """Make the first administrator when nobody exists yet; returns the one-time password, which is kept nowhere."""
        async with self._database.reading() as session:
            if await session.scalar(select(func.count()).select_from(UserRow)):
                return None
        return await self.add(FIRST_ADMINISTRATOR, Role.ADMINISTRATOR)

    async def add(self, name: str, role: Role, *, grants: Sequence[Grant] = ()) -> str:
        """Make a user with a role at all sites, or with ``grants`` instead.

        Returns the one-time password that must be changed at the first login. Raises BadUser.
        """
        name = name.strip().lower()
        if not _NAME.fullmatch(name):
            raise BadUser(
                f"{name!r} is no user name: letters, digits and . _ - @, up to 64, beginning with a letter or digit"
            )
        password = one_time_password()
        now = self._clock.now_ms()
        row = UserRow(
            name=name,
            password_hash=await self._passwords.hash(password),
            must_change_password=True,
            created_at=now,
            password_changed_at=now,
            grant_rows=_rows(grants or [Grant(role)]),
        )
        tell(user=name, roles=_told(grants or [Grant(role)]))
        try:
            async with self._database.writing() as session:
                session.add(row)
        except IntegrityError:
            raise BadUser(f"there is a user {name!r} already") from None
        return password

    async def all(self) -> list[UserRow]:
        """Every user, by name."""
        async with self._database.reading() as session:
            return list(await session.scalars(select(UserRow).order_by(UserRow.name)))

    async def find(self, name: str) -> UserRow | None:
        """The user of that name, in whatever case it is written."""
        async with self._database.reading() as session:
            return (await session.scalars(select(UserRow).where(UserRow.name == name.strip().lower()))).one_or_none()

    async def reset(self, name: str) -> str:
        """Give a user a new one-time password and end all sessions. Raises BadUser."""
        password = one_time_password()
        await self._change(
            name,
            password_hash=await self._passwords.hash(password),
            must_change_password=True,
            password_changed_at=self._clock.now_ms(),
        )
        return password

    async def set_disabled(self, name: str, *, disabled: bool) -> None:
        """Shut a user out, or let them in again. Raises BadUser, also for the last administrator."""
        if disabled:
            await self._keep_an_administrator(name)
        await self._change(name, disabled=disabled)

    async def set_role(self, name: str, role: Role) -> None:
        """Give a user one role at all sites; they must log in again. Raises BadUser."""
        await self.set_grants(name, [Grant(role)])

    async def set_grants(self, name: str, grants: Sequence[Grant]) -> None:
        """Change what a user may do, and where; they must log in again. Raises BadUser."""
        if not grants:
            raise BadUser("a user needs a role; to shut somebody out, disable them")
        if Grant(Role.ADMINISTRATOR) not in grants:
            await self._keep_an_administrator(name)
        tell(roles=_told(grants))
        await self._change(name, grant_rows=_rows(grants))

    async def change_password(self, user: UserRow, new: str, *, same: bool = False) -> None:
        """Set a user's own password and end all sessions. ``same``: it is the old one. Raises WeakPassword."""
        wrong = "the same as the old one" if same else weakness(new, name=user.name)
        if wrong is not None:
            raise WeakPassword(f"this password cannot be used: {wrong}")
        await self._change(
            user.name,
            password_hash=await self._passwords.hash(new),
            must_change_password=False,
            password_changed_at=self._clock.now_ms(),
        )

    async def note_login(self, user: UserRow, password: str) -> None:
        """Remember when the user logged in; a hash made with old parameters is renewed."""
        values: dict[str, object] = {"last_login_at": self._clock.now_ms()}
        if self._passwords.outdated(user.password_hash):
            values["password_hash"] = await self._passwords.hash(password)
        async with self._database.writing() as session:
            await session.execute(update(UserRow).where(UserRow.id == user.id).values(**values))

    async def _change(self, name: str, **values: object) -> None:
        name = name.strip().lower()
        tell(user=name)
        async with self._database.writing() as session:
            user = (await session.scalars(select(UserRow).where(UserRow.name == name))).one_or_none()
            if user is None:
                raise BadUser(f"there is no user {name!r}")
            for key, value in values.items():
                setattr(user, key, value)
            await session.execute(delete(SessionRow).where(SessionRow.user_id == user.id))

    async def _keep_an_administrator(self, name: str) -> None:
        name = name.strip().lower()
        user = await self.find(name)
        if user is None or Grant(Role.ADMINISTRATOR) not in user.grants:
            return
        others = [
            user
            for user in await self.all()
            if user.name != name and Grant(Role.ADMINISTRATOR) in user.grants and not user.disabled
        ]
        if not others:
            raise BadUser(f"{name!r} is the last administrator; make another one first")


def _rows(grants: Sequence[Grant]) -> list[GrantRow]:
    return [GrantRow(site=site, role=role.value) for role, site in sorted(set(grants))]


def _told(grants: Sequence[Grant]) -> list[str]:
    return [f"{role.value}@{site}" if site else role.value for role, site in sorted(set(grants))]
