"""The API with the features of the console on it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from cloud.features import Core, Features
from cloud.registry.roles import Role
from cloud.settings import CloudSettings, load_cloud
from tests.cloud.api.conftest import Api


class ConsoleApi:
    """An API whose features are open, with a client for each role."""

    def __init__(self, api: Api, features: Features) -> None:
        self.api, self.features = api, features
        self.clock = api.clock
        self.app = api.build(features=features)

    async def client(self, role: Role = Role.ADMINISTRATOR) -> httpx.AsyncClient:
        token = (await self.api.tokens.add(f"test {role.value}", role))[1]
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=True),
            base_url="http://collector",
            headers={"Authorization": f"Bearer {token}"},
        )


async def make_console(api: Api, settings: CloudSettings | None = None) -> ConsoleApi:
    """Features over the registry, store and live state of ``api``."""
    api.ingest.series, api.ingest.qualities = api.series, api.qualities  # type: ignore[attr-defined]
    core = Core(
        settings=settings or load_cloud(None),
        clock=api.clock,
        database=api.database,
        inventory=api.inventory,
        store=api.store,
        ingest=api.ingest,  # type: ignore[arg-type]
        live=api.live,
        alarms=api.alarms,
    )
    features = Features(core)
    await features.open()
    return ConsoleApi(api, features)


@pytest.fixture
async def console(api: Api) -> AsyncIterator[ConsoleApi]:
    made = await make_console(api)
    yield made
    await made.features.close()
