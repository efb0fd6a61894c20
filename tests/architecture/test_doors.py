"""One door per library: replacing one is a day and not a month."""

import tomllib
from fnmatch import fnmatch

from packaging.requirements import Requirement

from tests.architecture.source import PACKAGES, ROOT, imports, nothing, reaches, sources

# library -> the files that may import it
DOORS = {
    "aiomqtt": ("edge/mqtt_link.py", "cloud/ingest/subscriber.py", "cloud/ingest/takeover.py", "simulators/wires/*"),
    "paho": ("edge/mqtt_link.py", "cloud/ingest/subscriber.py", "simulators/wires/mqtt.py"),
    "pymodbus": (),
    "serial": ("edge/modbus_wire.py", "simulators/wires/*"),
    "aiosqlite": (),
    "sqlite3": (
        "edge/buffer_*.py",
        "edge/salvage.py",
        "edge/seen_commands.py",
        "edge/access/zones.py",
        "cloud/registry/*",
        "simulators/ledger.py",
    ),
    "duckdb": ("cloud/store/duckdb_*.py",),
    "influxdb_client": ("cloud/store/influx_*.py",),
    "sqlalchemy": ("cloud/registry/*", "cloud/store/ledger_*.py"),
    "alembic": ("cloud/registry/*",),
    "psycopg": ("cloud/registry/postgres_connect.py",),
    "argon2": ("cloud/registry/*",),
    "fastapi": ("cloud/api/*", "cloud/app.py"),
    "starlette": ("cloud/api/*", "cloud/app.py"),
    "uvicorn": ("cloud/http_server.py",),
    "amqtt": ("simulators/broker*.py",),
    "chinese_calendar": ("cloud/tariffs/china_days.py",),
    "httpx": ("cloud/alarms/webhook_post.py", "cloud/store/victoria_http.py"),
    "segno": ("cloud/api/second_factor.py",),
    "openpyxl": ("cloud/sheets/xlsx_*.py",),
    "scipy": ("cloud/dispatch/assignment.py",),
    "cryptography": ("protocols/signing.py", "protocols/certificates.py", "cloud/identity/authority.py"),
    "zstandard": ("protocols/batch.py", "protocols/grants.py"),
    "msgspec.msgpack": ("protocols/batch.py",),
}

# What a package may import beside the standard library and ours: its own extra and the core, by import name.
IMPORT_NAMES = {
    "paho-mqtt": "paho",
    "pyserial": "serial",
    "argon2-cffi": "argon2",
    "chinesecalendar": "chinese_calendar",
    "influxdb-client": "influxdb_client",
}
EXTRAS = {
    "protocols": (),
    "edge": ("edge",),
    "cloud": ("cloud", "influx", "postgres"),
    "simulators": ("edge", "cloud", "sim", "pytest"),
}
# Come with a library that we name, as part of what it offers.
WITH_ANOTHER = {"starlette": "fastapi", "pydantic": "fastapi", "urllib3": "influxdb_client"}


def test_each_library_is_imported_by_its_door_only() -> None:
    found = []
    for source in sources():
        for library, doors in DOORS.items():
            if any(fnmatch(source.path, door) for door in doors):
                continue
            found += [
                f"{source.at(each.node)} imports {library}, whose door is {' or '.join(doors) or 'elsewhere'}"
                for each in imports(source)
                if reaches(each, library)
            ]
    nothing(found, "one door per library:")


def test_each_package_imports_only_what_its_extra_installs() -> None:
    """So that `pip install dayuan[edge]` on a gateway box is enough to run the gateway, and no more than it needs."""
    import sys

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = []
    for package in PACKAGES:
        wanted = list(project["dependencies"])
        for extra in EXTRAS[package]:
            wanted += project["optional-dependencies"][extra]
        names = {Requirement(line).name for line in wanted}
        allowed = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}
        allowed |= {name for name, host in WITH_ANOTHER.items() if host in allowed}
        for source in sources(package):
            for each in imports(source):
                top = each.module.split(".", 1)[0]
                if top not in allowed and top not in PACKAGES and top not in sys.stdlib_module_names:
                    found.append(f"{source.at(each.node)} imports {top}, which no extra of {package} installs")
    nothing(found, "every import is declared in pyproject.toml:")
