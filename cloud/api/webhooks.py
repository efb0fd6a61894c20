"""Webhooks: where alarms are sent. Only administrators see and set them; secrets are told nobody."""

import difflib
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.alarms.kinds import ALARM_KINDS, known_kind
from cloud.alarms.webhook import Webhook, address_fault, masked
from cloud.alarms.webhooks import WebhookChanged, Webhooks
from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import administrator
from cloud.api.place_answers import CHANGED, actor_of, conflict, example
from cloud.api.services import Services
from cloud.registry.sessions import Principal
from cloud.registry.webhook_book import Delivery, StoredWebhook

WEBHOOKS_MAX = 50
WEBHOOK: dict[str, Any] = {
    "id": "duty-group",
    "name": "Duty group in DingTalk",
    "format": "dingtalk",
    "min_priority": 2,
    "site": "",
    "kinds": [],
    "language": "zh",
    "returned": True,
    "ca_file": "",
    "enabled": True,
}
SHOWN: dict[str, Any] = {
    **WEBHOOK,
    "url": "https://oapi.dingtalk.com/robot/send?…",
    "secret": True,
    "rev": 1,
    "changed_at": 1790000000000,
    "changed_by": "administrator",
}
DELIVERY = {
    "id": 7,
    "alarm": "12",
    "event": "raised",
    "made_at": 1790000000000,
    "state": "sent",
    "tries": 1,
    "next_at": 1790000000000,
    "last_at": 1790000001000,
    "answer": '200 {"errcode":0,"errmsg":"ok"}',
}
Name = Annotated[str, Path(max_length=32, pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Who = Annotated[Principal, Depends(administrator)]


class WebhookBody(BaseModel):
    """`url` and `secret` may be left out when a webhook is changed: they stay. An empty `secret` takes it away."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "name": "Duty group in DingTalk",
                "url": "https://oapi.dingtalk.com/robot/send?access_token=...",
                "format": "dingtalk",
                "secret": "SEC...",
            }
        },
    )
    name: str = Field(min_length=1, max_length=100)
    url: str | None = Field(default=None, max_length=1000)
    secret: str | None = Field(default=None, max_length=200)
    format: str = Field(default="json", pattern="^(json|dingtalk|wecom)$")
    min_priority: int = Field(default=2, ge=1, le=3)
    site: str = Field(default="", max_length=32)
    kinds: list[str] = Field(default_factory=list, max_length=50)
    language: str = Field(default="zh", pattern="^(en|zh)$")
    returned: bool = True
    ca_file: str = Field(default="", max_length=300)
    enabled: bool = True
    rev: int | None = Field(default=None, ge=0, le=2**53)


def routes(services: Services) -> APIRouter:
    """``/api/v1/webhooks``."""
    assert services.features is not None
    router = APIRouter(tags=["webhooks"])
    hooks = services.features.webhooks
    _set(router, hooks)
    _sent(router, hooks)
    return router


def _set(router: APIRouter, hooks: Webhooks) -> None:
    @router.get("/api/v1/webhooks", response_class=Response, responses=example({"webhooks": [SHOWN]}))
    async def all_webhooks(_: Who) -> Response:
        """Where alarms are sent. Of an address only what is not secret; `secret` says whether there is one."""
        return json_answer({"webhooks": [_shown(*each) for each in hooks.all()]})

    answers = {**example({"webhook": SHOWN}), **CHANGED}

    @router.put("/api/v1/webhooks/{name}", response_class=Response, responses=answers)
    async def put(name: Name, body: WebhookBody, who: Who) -> Response:
        """Make or change one."""
        known = hooks.find(name)
        if known is None and len(hooks.all()) >= WEBHOOKS_MAX:
            raise ApiError(409, "too_many", f"there are {WEBHOOKS_MAX} webhooks", "take one away first")
        url = body.url if body.url is not None else known[1].url if known else ""
        fault = address_fault(url)
        if fault is not None:
            raise ApiError(422, "bad_url", f"url {fault}", "https://oapi.dingtalk.com/robot/send?access_token=...")
        secret = body.secret if body.secret is not None else known[1].secret if known else ""
        webhook = _webhook(name, body)
        try:
            stored = await hooks.put(webhook, url, secret, by=actor_of(who), rev=body.rev)
        except WebhookChanged as error:
            raise conflict("the webhook", error.rev) from None
        return json_answer({"webhook": _shown(webhook, stored)})

    @router.delete("/api/v1/webhooks/{name}", status_code=204, response_class=Response)
    async def remove(name: Name, _: Who) -> Response:
        """Take one away, with what was to be sent there. No error when there was none."""
        await hooks.remove(name)
        return Response(status_code=204)


def _sent(router: APIRouter, hooks: Webhooks) -> None:
    @router.post("/api/v1/webhooks/{name}/test", response_class=Response, responses=example({"delivery": DELIVERY}))
    async def test(name: Name, _: Who) -> Response:
        """Send a test now, and say what came of it."""
        _known(hooks, name)
        return json_answer({"delivery": _delivery(await hooks.test(name))})

    @router.get(
        "/api/v1/webhooks/{name}/deliveries", response_class=Response, responses=example({"deliveries": [DELIVERY]})
    )
    async def deliveries(name: Name, _: Who, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Response:
        """What was sent, what waits and what was given up, the newest first, with the receiver's answer."""
        _known(hooks, name)
        return json_answer({"deliveries": [_delivery(each) for each in await hooks.deliveries(name, limit)]})


def _known(hooks: Webhooks, name: str) -> None:
    if hooks.find(name) is None:
        raise ApiError(404, "unknown_webhook", f"no webhook {name!r}", "listed at /api/v1/webhooks")


def _webhook(name: str, body: WebhookBody) -> Webhook:
    unknown = [kind for kind in body.kinds if known_kind(kind) is None]
    if unknown:
        near = difflib.get_close_matches(unknown[0], ALARM_KINDS, 1)
        hint = f"did you mean {near[0]!r}?" if near else "kinds of alarms stand in docs/ALARMS.md"
        raise ApiError(422, "bad_webhook", f"kinds: {unknown[0]!r} is no kind of alarm", hint)
    try:
        return msgspec.convert({"id": name, **body.model_dump(exclude={"url", "secret", "rev"})}, Webhook)
    except msgspec.ValidationError as error:
        raise ApiError(422, "bad_webhook", str(error), "see /api/v1/openapi.json") from None


def _shown(webhook: Webhook, stored: StoredWebhook) -> dict[str, object]:
    return {
        **msgspec.structs.asdict(webhook),
        "url": masked(stored.url),
        "secret": bool(stored.secret),
        "rev": stored.rev,
        "changed_at": stored.changed_at,
        "changed_by": stored.changed_by,
    }


def _delivery(delivery: Delivery) -> dict[str, object]:
    shown = delivery._asdict()
    del shown["webhook"], shown["message"]
    return {**shown, "alarm": str(delivery.alarm)}
