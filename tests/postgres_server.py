"""A PostgreSQL server of the tests' own: Debian's programs, a folder in /tmp, a free port, gone at the end."""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import sqlalchemy as sa

from cloud.registry.postgres import PostgresDatabase
from cloud.registry.postgres_connect import connect_args, url_of
from cloud.registry.postgres_url import PostgresPlace, PostgresUrl
from protocols.clock import ManualClock
from simulators.free_port import free_port
from tests.waiting import wait_until

USER = "dayuan"


def programs() -> Path:
    """Debian keeps them out of the path, one folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL is not installed; deploy/debian.sh test"
    return found[-1].parent


class PostgresServer:
    """``start``, then ``place`` for a new database, at the end ``stop``. Demands a password, as a real one does."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dayuan-postgres-"))
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self.password_file = self.folder / "password"
        self._server: subprocess.Popen[bytes] | None = None
        self._template: str | None = None
        self._made = 0
        # PostgreSQL refuses to run as root.
        self._as: dict[str, object] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            self._as = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}

    def start(self) -> None:
        if not self.password_file.exists():
            self.password_file.write_text(self.password + "\n")
            self.password_file.chmod(0o644)
            self._run(
                programs() / "initdb", "-D", "data", "-U", USER, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C",
                f"--pwfile={self.password_file}", "--no-sync",
            )  # fmt: skip
        command = [
            programs() / "postgres", "-D", "data", "-p", str(self.port), "-k", str(self.folder),
            "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=60",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as)  # type: ignore[call-overload]
        wait_until(self._answers, within_s=120, what="PostgreSQL started")

    def _answers(self) -> bool:
        assert self._server is not None and self._server.poll() is None, (self.folder / "log").read_text()
        asked = [programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(asked).returncode == 0

    def stop(self) -> None:
        """At once: what was committed stands."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(60)
            self._server = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def place(self, name: str | None = None) -> PostgresPlace:
        """A database of its own with all tables; ``name``: that one, made or not."""
        if name is None:
            self._made += 1
            name = f"test_{self._made}"
            self.sql(f"CREATE DATABASE {name} TEMPLATE {self.template()}")
        url = PostgresUrl(host="127.0.0.1", port=self.port, user=USER, name=name)
        return PostgresPlace(url=url, password_file=self.password_file)

    def empty_place(self) -> PostgresPlace:
        """A database of its own without tables."""
        self._made += 1
        name = f"test_{self._made}"
        self.sql(f"CREATE DATABASE {name}")
        return self.place(name)

    def template(self) -> str:
        if self._template is None:
            self.sql("CREATE DATABASE migrated")
            database = PostgresDatabase(self.place("migrated"), ManualClock())
            database._prepare_server(connect_args(self.place("migrated")))
            self._template = "migrated"
        return self._template

    def sql(self, statement: str, place: PostgresPlace | None = None) -> list[tuple[object, ...]]:
        """Run one statement outside a transaction; its rows."""
        place = place or self.place("postgres")
        engine = sa.create_engine(
            url_of(place), connect_args=connect_args(place), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
        )
        with engine.connect() as connection:
            found = connection.exec_driver_sql(statement)
            return [tuple(row) for row in found] if found.returns_rows else []

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(part) for part in command], cwd=self.folder, capture_output=True, text=True, **self._as
        )  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr
