"""Random secrets sent through every route, the settings and the wire: in no log line, metric, audit record or answer of
a fault. What is looked for is the secret as it is, quoted, in base64 and as hex."""

from __future__ import annotations

import base64
import json
import logging
import random
import re
import secrets
import urllib.parse
from typing import Any

import msgspec
import pytest

from cloud.api.gate import COOKIE
from cloud.registry.audit_book import Search
from cloud.registry.passwords import weakness
from cloud.registry.roles import Role
from cloud.settings import load_cloud
from protocols.ack import parse_ack
from protocols.batch import open_batch
from protocols.birth import parse_birth
from protocols.certificates import make_request, new_key
from protocols.commands import open_order
from protocols.enrolment import ask, read_code
from protocols.errors import DayuanError
from tests.cloud.api.conftest import GOOD, KEY, Api
from tests.cloud.api.test_users import code_of, log_in

OF_OTHERS = ("httpx", "httpcore", "aiosqlite", "sqlalchemy", "asyncio")
FIELDS = ("password", "old", "new", "old_password", "new_password", "code", "secret", "token", "proof", "signature")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SEEDS = range(3)


def made(rng: random.Random) -> str:
    """A secret as people and programs make them: letters, signs, other scripts."""
    alphabet = rng.choice(["abcdefghijklmnopqrstuvwxyz0123456789-_", "密钥口令门禁大院京A沪B", "AZ09!%'\"\\ <>&{}+/="])
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(14, 40))).strip() + "7q"


def shapes(secret: str) -> set[str]:
    """How it could stand somewhere."""
    raw = secret.encode()
    return {
        secret,
        urllib.parse.quote(secret),
        urllib.parse.quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        raw.hex(),
        base64.b64encode(raw).decode().rstrip("="),
    }


class Watch:
    """All that was told anywhere; `clean` says that none of it holds a secret."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(0)
        self._caplog, self._format = caplog, logging.Formatter("%(name)s %(message)s")
        self.told: list[str] = []

    def log(self) -> list[str]:
        ours = [each for each in self._caplog.records if not each.name.startswith(OF_OTHERS)]
        return [self._format.format(each) for each in ours]

    def clean(self, *hidden: str) -> None:
        everything = "\n".join([*self.told, *self.log()])
        for secret in hidden:
            assert [shape for shape in shapes(secret) if shape in everything] == [], secret


async def looked_at(api: Api, watch: Watch) -> None:
    """Metrics and the audit trail, as text."""
    async with api.client(token=await api.token(Role.ADMINISTRATOR)) as client:
        watch.told.append((await client.get("/metrics")).text)
    for record in await api.trail.book.search(Search(), 1000):
        watch.told.append(repr(record))


def address(path: str, rng: random.Random) -> str:
    """A path of a route with something in its holes that is no secret."""
    return re.sub(r"\{[^}]+\}", lambda _: rng.choice(["east", "b3", "main", "0", "1"]), path)


def routes(api: Api) -> list[tuple[str, str]]:
    described = api.app.openapi()["paths"]
    return [(method.upper(), path) for path, methods in sorted(described.items()) for method in methods]


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_sent_as_a_credential_to_any_route_is_told_nowhere(
    api: Api, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    rng, watch = random.Random(seed), Watch(caplog)
    token = await api.token(Role.ADMINISTRATOR)
    api.app = api.build()
    hidden = [token]
    for method, path in routes(api):
        if path.endswith("/stream"):
            continue
        plain = secrets.token_urlsafe(20)
        secret = made(rng)
        hidden += [plain, secret]
        headers = {"Origin": "http://collector", "Cookie": f"{COOKIE}={plain}"}
        if rng.random() < 0.5:
            headers["Authorization"] = f"Bearer {rng.choice([token, plain])}"
        body: dict[str, Any] = dict.fromkeys(rng.sample(FIELDS, 4), secret)
        async with api.client() as client:
            answer = await client.request(
                method,
                address(path, rng),
                headers=headers,
                json=body if method in UNSAFE else None,
                params={"token": plain} if method == "GET" and rng.random() < 0.3 else None,
            )
        assert answer.status_code != 500, (method, path, answer.text)
        if answer.status_code >= 500:
            watch.told.append(answer.text)
    await looked_at(api, watch)
    watch.clean(*hidden)


async def test_secrets_that_work_are_told_once_and_nowhere_else(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(caplog)
    await api.person(role=Role.ADMINISTRATOR)
    first = await api.users.found_first() or ""
    new = "Quiet-" + secrets.token_urlsafe(18)
    async with api.client() as client:
        client.headers["Origin"] = "http://collector"
        await log_in(client)
        cookie = client.cookies[COOKIE]
        factor = (await client.post("/api/v1/second-factor", json={"password": GOOD})).json()["secret"]
        body = {"code": code_of(factor, api)}
        recovery = (await client.post("/api/v1/second-factor/confirm", json=body)).json()["recovery_codes"]
        changed = await client.post("/api/v1/password", json={"old": GOOD, "new": new})
        added = await client.post("/api/v1/users", json={"name": "wei", "grants": [{"role": "viewer", "site": ""}]})
    code = (await api.enrolling.invite(KEY)).code
    asked = ask(read_code(code), *KEY, make_request(new_key(), "east/b3").decode())
    async with api.client() as client:
        given = await client.post("/api/v1/enrolment", json=msgspec.to_builtins(asked))
    assert (changed.status_code, added.status_code, given.status_code) == (204, 201, 201), changed.text + added.text
    one_time = [text for text in re.findall(r'"([^"]{12,})"', added.text) if "-" in text]
    await looked_at(api, watch)
    watch.clean(GOOD, new, cookie, factor, code, code.replace("-", ""), *recovery, *one_time, *filter(None, [first]))


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_fault_that_holds_a_secret_is_not_answered_with_it(
    api: Api, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    secret = made(random.Random(seed))
    token = await api.token(Role.ADMINISTRATOR)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(secret)

    monkeypatch.setattr(api.inventory, "sites", fails)
    transport_app = api.build()
    async with api.client(token=token, app=transport_app) as client:
        client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]  # a server answers, too
        answer = await client.get("/api/v1/sites")
    assert answer.status_code == 500
    assert not any(shape in answer.text for shape in shapes(secret))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_cannot_be_read_is_refused_without_saying_what_stood_there(
    seed: int, tmp_path: Any, caplog: pytest.LogCaptureFixture
) -> None:
    rng, watch = random.Random(seed), Watch(caplog)
    hidden = []
    for _ in range(50):
        secret = made(rng)
        hidden.append(secret)
        payload = json.dumps({"v": 1, "order": secret, "signature": secret, "password": secret}).encode()
        for read in (
            lambda data: open_order(data, b"k" * 32, site="east", gateway="b3"),
            parse_birth,
            parse_ack,
            open_batch,
            lambda data: read_code(data.decode()),
        ):
            try:
                read(payload)
            except (DayuanError, ValueError) as error:
                watch.told.append(f"{error!r} {error}")
        path = tmp_path / "cloud.toml"
        path.write_text(f"[broker]\nurl = {json.dumps(f'mqtt://b3:{secret}@localhost')}\n", encoding="utf-8")
        try:
            load_cloud(path)
        except (DayuanError, ValueError) as error:
            watch.told.append(str(error))
    watch.clean(*hidden)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_password_that_is_refused_is_not_quoted(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(100):
        secret = made(rng)[:11]
        why = weakness(secret, name="li")
        assert why is not None
        assert secret not in why
