"""Puts the routes and their guards together."""

from collections.abc import Iterator

from fastapi import APIRouter, FastAPI, Response
from fastapi.routing import APIRoute

from cloud.api import (
    access,
    access_asked,
    alarm_deeds,
    alarm_rules,
    alarm_settings,
    alarms,
    analysis,
    approvals,
    assets,
    audit,
    baseline,
    bills,
    bookings,
    calendar_seed,
    calendars,
    commands,
    devices,
    dispatch_figures,
    energy,
    energy_detail,
    energy_export,
    energy_files,
    energy_findings,
    energy_hand_readings,
    energy_indices,
    energy_judgements,
    energy_ledger,
    energy_overview,
    energy_quality,
    energy_reports,
    energy_structure,
    energy_trial,
    enrolment,
    events,
    fences,
    fleet_settings,
    gates,
    gateway_config,
    gateways,
    gps_in,
    health,
    identities,
    maps,
    metrics,
    mileage,
    outdoor,
    pages,
    passes,
    past,
    patrols,
    privacy,
    prometheus,
    quarantine,
    readings,
    request_actions,
    request_form,
    request_search,
    requests,
    rollouts,
    rooms,
    second_factor,
    session,
    sessions,
    sites,
    state,
    stream,
    tariffs,
    tokens,
    tracks,
    trips,
    unlocks,
    users,
    webhooks,
)
from cloud.api.answers import answer_errors, json_answer
from cloud.api.description import describe
from cloud.api.gate import Gate, GateKeeper
from cloud.api.guards import BodyLimit, HostNames, SecurityHeaders, Shield
from cloud.api.services import Services
from cloud.api.site_asked import SiteAsked
from cloud.api.sites_of_things import finders
from cloud.api.traced import Tracer

PLAIN = (
    state,
    stream,
    readings,
    events,
    sites,
    gateways,
    devices,
    alarms,
    alarm_deeds,
    quarantine,
    health,
    metrics,
    tokens,
    enrolment,
    identities,
    approvals,
    commands,
    gateway_config,
    rollouts,
    audit,
    privacy,
)
OF_FEATURES = (
    assets,
    maps,
    past,
    request_form,
    request_search,
    requests,
    request_actions,
    dispatch_figures,
    bookings,
    rooms,
    patrols,
    passes,
    gates,
    alarm_rules,
    alarm_settings,
    webhooks,
    trips,
    tracks,
    mileage,
    fences,
    fleet_settings,
    energy,
    energy_structure,
    energy_indices,
    energy_hand_readings,
    energy_files,
    energy_overview,
    energy_detail,
    energy_quality,
    energy_ledger,
    tariffs,
    bills,
    analysis,
    baseline,
    outdoor,
    calendar_seed,
    energy_findings,
    energy_judgements,
    energy_export,
    energy_reports,
    energy_trial,
    prometheus,
    access,
    access_asked,
    unlocks,
)
"""Only where the console's features are."""

ABOUT = """
Everything the pages show, for programs. Log in with a token: `Authorization: Bearer <token>`, made by
`dayuan-cloud token add --role viewer NAME`. Times are milliseconds since 1970 UTC. Errors are
`{"error": {"code", "message", "hint"}}`.
"""


def build_api(services: Services, gate: Gate, *, version: str) -> FastAPI:
    """The whole HTTP interface. FastAPI's own documentation pages stay off, as they load from other hosts."""
    app = FastAPI(
        title="Dayuan collector",
        version=version,
        description=ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        # It would send people to whatever host their request names.
        redirect_slashes=False,
    )
    answer_errors(app)
    describe(app)
    if services.web is not None:
        # First of all: looking through the routes of the API costs more than answering with a file.
        app.router.routes.extend(pages.routes(services.web))
    parts = [own.routes(services, gate) for own in (session, sessions, second_factor, users)]
    parts += [part.routes(services) for part in PLAIN]
    if services.features is not None:
        parts += [own.routes(services, gate) for own in (gps_in, calendars)]
        parts += [part.routes(services) for part in OF_FEATURES]
    for router in parts:
        app.include_router(router)
    site_asked = SiteAsked((route for router in parts for route in _routes_of(router)), finders(services))

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return json_answer(app.openapi())

    # The last one added is the first a request meets.
    tracer = Tracer(services.trail, site_asked, services.clock)
    app.add_middleware(GateKeeper, gate=gate, site_asked=site_asked, tracer=tracer)
    app.add_middleware(BodyLimit)
    app.add_middleware(HostNames, names=services.hosts)
    app.add_middleware(Shield)
    app.add_middleware(SecurityHeaders)
    return app


def _routes_of(router: APIRouter) -> Iterator[APIRoute]:
    """Its own, and those of routers that it includes."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(inner := getattr(route, "original_router", None), APIRouter):
            yield from _routes_of(inner)
        else:
            raise TypeError(f"a route of a kind that nobody has said who may use: {route!r}")
