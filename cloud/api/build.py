"""Puts the routes and their guards together."""

from fastapi import FastAPI, Response

from cloud.api import (
    alarms,
    devices,
    events,
    gateways,
    health,
    metrics,
    pages,
    quarantine,
    readings,
    session,
    sites,
    state,
    stream,
)
from cloud.api.answers import answer_errors, json_answer
from cloud.api.gate import Gate, GateKeeper
from cloud.api.guards import BodyLimit, HostNames, SecurityHeaders, Shield
from cloud.api.services import Services

ABOUT = """
Everything the pages show, for programs. Log in with a token: `Authorization: Bearer <token>`, made by
`dayuan-cloud token add --role viewer NAME`. Times are milliseconds since 1970 UTC. Errors are
`{"error": {"code", "message", "hint"}}`.
"""


def build_api(services: Services, gate: Gate, *, version: str) -> FastAPI:
    """The whole HTTP interface. FastAPI's own documentation pages stay off, as they load from other hosts."""
    app = FastAPI(
        title="Dayuan collector", version=version, description=ABOUT, openapi_url=None, docs_url=None, redoc_url=None
    )
    answer_errors(app)
    app.include_router(session.routes(services, gate))
    for part in (state, stream, readings, events, sites, gateways, devices, alarms, quarantine, health, metrics):
        app.include_router(part.routes(services))
    if services.web is not None:
        app.include_router(pages.routes(services.web))

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return json_answer(app.openapi())

    # The last one added is the first a request meets.
    app.add_middleware(GateKeeper, gate=gate)
    app.add_middleware(BodyLimit)
    app.add_middleware(HostNames, names=services.hosts)
    app.add_middleware(Shield)
    app.add_middleware(SecurityHeaders)
    return app
