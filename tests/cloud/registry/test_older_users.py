"""Users of a registry from before roles had sites."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from cloud.registry.database import MIGRATIONS, Database
from cloud.registry.passwords import Passwords
from cloud.registry.roles import Grant, Role
from cloud.registry.users import Users
from protocols.clock import ManualClock

BEFORE = "0013"


def older(path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
        for number, role in enumerate(("requester", "viewer", "dispatcher", "administrator"), 1):
            connection.exec_driver_sql(
                "INSERT INTO users (id, name, password_hash, role, must_change_password, disabled, created_at, "
                f"password_changed_at) VALUES ({number}, '{role}', 'x', '{role}', 0, 0, 1, 1)"
            )
        connection.exec_driver_sql(
            "INSERT INTO sessions (id_hash, user_id, created_at, seen_at, expires_at, client) "
            "VALUES ('a', 2, 1, 1, 9, 'c')"
        )
        connection.exec_driver_sql(
            "INSERT INTO tokens (id, name, secret_hash, role, scope, created_at) "
            "VALUES ('t', 't', 'h', 'viewer', '', 1)"
        )
    engine.dispose()


async def test_everybody_keeps_their_role_at_all_sites_and_stays_logged_in(
    tmp_path: Path, clock: ManualClock, passwords: Passwords
) -> None:
    older(tmp_path / "registry.sqlite")
    database = Database(tmp_path / "registry.sqlite", clock)
    await database.open()
    users = await Users(database, passwords, clock).all()
    assert {user.name: user.grants for user in users} == {
        role.value: (Grant(role),) for role in (Role.REQUESTER, Role.VIEWER, Role.DISPATCHER, Role.ADMINISTRATOR)
    }
    async with database.reading() as session:
        assert (await session.execute(sa.text("SELECT count(*) FROM sessions"))).scalar() == 1
        assert (await session.execute(sa.text("SELECT site FROM tokens"))).scalar() == ""
    await database.close()
