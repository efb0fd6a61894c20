"""What happened: the list of events."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from cloud.api.answers import ApiError, table_answer
from cloud.api.services import Services
from cloud.api.times import parse_period
from cloud.store.contract import BadQuery, EventsQuery

EXAMPLE = {
    "columns": ["at", "site", "device", "kind", "data", "gateway", "epoch", "seq", "received_at", "reason"],
    "next": None,
    "rows": [
        [
            1790000000123,
            "east-compound",
            "gate-north",
            "card_read",
            {"card_key": "9f2c..."},
            "b3-plant-room",
            "5b1e9c04",
            17,
            1790000000150,
            "",
        ]
    ],
}

Text = Annotated[str | None, Query(max_length=64)]


def routes(services: Services) -> APIRouter:
    """``/api/v1/events``."""
    router = APIRouter(tags=["history"])

    @router.get(
        "/api/v1/events",
        response_class=Response,
        responses={200: {"content": {"application/json": {"example": EXAMPLE}}}},
    )
    async def events(
        site: Text = None,
        device: Text = None,
        kind: Text = None,
        from_: Annotated[Text, Query(alias="from", description="ms, or ISO 8601 with zone; a day before `to`")] = None,
        to: Annotated[Text, Query(description="not included; now")] = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        next_: Annotated[str | None, Query(alias="next", max_length=200)] = None,
        newest_first: Annotated[bool, Query(description="the last one first")] = False,
    ) -> Response:
        """Events with `from <= at < to`, the oldest first.

        `reason` says why the time of an event is not certain; it is empty when it is.
        """
        from_at, to_at = parse_period(from_, to, services.clock.now_ms())
        query = EventsQuery(
            from_at=from_at,
            to_at=to_at,
            site=site,
            device=device,
            kind=kind,
            limit=limit,
            next=next_,
            newest_first=newest_first,
        )
        try:
            page = await services.store.events(query)
        except BadQuery as error:
            raise ApiError(422, "bad_request", str(error)) from None
        return await table_answer({"from": from_at, "to": to_at}, page.columns, page.rows, page.next, services.clock)

    return router
