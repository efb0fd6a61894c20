"""Webhooks by the API: only for administrators, and nothing secret comes back."""

import pytest

from cloud.registry.roles import Role
from tests.cloud.api.conftest import Api
from tests.cloud.api.console import make_console

URL = "https://oapi.dingtalk.com/robot/send?access_token=hush"


async def test_secrets_go_in_and_never_come_out(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    console = await make_console(api)
    body = {"name": "Duty", "url": URL, "secret": "SEChush", "format": "dingtalk"}
    async with await console.client() as client:
        made = await client.put("/api/v1/webhooks/duty", json=body)
        assert (made.status_code, made.json()["webhook"]["rev"]) == (200, 1)
        changed = await client.put("/api/v1/webhooks/duty", json={"name": "Duty 2", "format": "dingtalk", "rev": 1})
        assert changed.json()["webhook"]["secret"] is True
        assert (await client.put("/api/v1/webhooks/duty", json={"name": "x", "rev": 1})).status_code == 409
        listed = await client.get("/api/v1/webhooks")
        assert [each["name"] for each in listed.json()["webhooks"]] == ["Duty 2"]
        assert "hush" not in made.text + changed.text + listed.text + caplog.text
        known = console.features.webhooks.find("duty")
        assert known is not None
        assert (known[1].url, known[1].secret) == (URL, "SEChush"), "left out is left as it was"
        assert (await client.get("/api/v1/webhooks/duty/deliveries")).json() == {"deliveries": []}
        assert (await client.post("/api/v1/webhooks/none/test")).status_code == 404
        for wrong in ({"name": "x", "url": "ftp://a"}, {"name": "x", "url": URL, "min_priority": 4}, {"name": "x"}):
            assert (await client.put("/api/v1/webhooks/other", json=wrong)).status_code == 422
        assert (await client.delete("/api/v1/webhooks/duty")).status_code == 204
        assert (await client.get("/api/v1/webhooks")).json() == {"webhooks": []}
    async with await console.client(Role.DISPATCHER) as client:
        assert (await client.get("/api/v1/webhooks")).status_code == 403
        assert (await client.put("/api/v1/webhooks/duty", json=body)).status_code == 403
    await console.features.close()


async def test_a_kind_of_alarm_that_there_is_not_is_refused(api: Api) -> None:
    console = await make_console(api)
    async with await console.client() as client:
        body = {
            "name": "Duty",
            "url": "https://example.invalid/in",
            "kinds": ["door_forced", "rule_high.x", "door_forcd"],
        }
        answer = await client.put("/api/v1/webhooks/duty", json=body)
        assert answer.status_code == 422
        assert answer.json()["error"]["message"] == "kinds: 'door_forcd' is no kind of alarm"
        assert "door_forced" in answer.json()["error"]["hint"]
        assert (await client.put("/api/v1/webhooks/duty", json=body | {"kinds": body["kinds"][:2]})).status_code == 200
    await console.features.close()
