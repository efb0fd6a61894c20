"""Who may ask what: of every route the lowest rank that may. Written by hand, as it is what R15 holds the gate to."""

from __future__ import annotations

NOBODY, REQUESTER, VIEWER, DISPATCHER, ADMINISTRATOR = range(5)

_ALARM, _REQUEST, _BOOKING, _PASS = (
    "/api/v1/alarms/{name}",
    "/api/v1/requests/{name}",
    "/api/v1/bookings/{booking}",
    "/api/v1/passes/{name}",
)
_RULE, _HOOK = "/api/v1/alarm-rules/{name}", "/api/v1/webhooks/{name}"
_ROLLOUT = "/api/v1/rollouts/{number}"
_CONFIG = "/api/v1/gateways/{site}/{gateway}/config"
_TARIFF = "/api/v1/tariffs/{site}/{name}"
_ASSET, _MAP, _PLAN = "/api/v1/assets/{site}/{kind}/{name}", "/api/v1/map/{site}", "/api/v1/map/{site}/floor-plan"

_OWN = {
    ("GET", "/"): NOBODY,
    ("HEAD", "/"): NOBODY,
    ("GET", "/web/{name:path}"): NOBODY,
    ("HEAD", "/web/{name:path}"): NOBODY,
    ("GET", "/healthz"): NOBODY,
    ("POST", "/api/v1/session"): NOBODY,
    ("GET", "/api/v1/gps-in/osmand"): NOBODY,
    ("POST", "/api/v1/gps-in/osmand"): NOBODY,
    ("POST", "/api/v1/gps-in/owntracks"): NOBODY,
    ("GET", "/api/v1/calendars/bookings.ics"): NOBODY,
    ("GET", "/api/v1/enrolment"): NOBODY,
    ("POST", "/api/v1/enrolment"): NOBODY,
    ("GET", "/api/v1/session"): REQUESTER,
    ("DELETE", "/api/v1/session"): REQUESTER,
    ("POST", "/api/v1/password"): REQUESTER,
    ("GET", "/api/v1/sessions"): REQUESTER,
    ("DELETE", "/api/v1/sessions/{session}"): REQUESTER,
    ("POST", "/api/v1/second-factor"): REQUESTER,
    ("POST", "/api/v1/second-factor/confirm"): REQUESTER,
    ("DELETE", "/api/v1/second-factor"): REQUESTER,
}
_PROMETHEUS = "/api/v1/prometheus/api/v1"
_LOOKED_AT = (
    *("openapi.json", "state", "stream", "readings", "events", "sites", "gateways", "gateways/{site}/{gateway}"),
    *(
        "devices",
        "health",
        "units",
        "timeline",
        "past",
        "past/activity",
        "calendar/{site}",
        "map/{site}",
        "fences/{site}",
    ),
    *("commands", "commands/{number}"),
    *("alarms", "alarms/figures", "alarms/history", "alarms/shelves", "alarms/{name}", "alarm-rules"),
    *("assets", "assets/kinds", "assets/{site}/{kind}/{name}", "map/{site}/floor-plan", "tiles/{z}/{x}/{y}.png"),
    *("bookings", "bookings.ics", "rooms/use", "passes", "gates", "patrols", "patrols/routes"),
    *("trips", "trips/{trip}/track", "tracks", "mileage", "fleet-settings/{site}", "alarm-settings/{site}"),
    *("dispatch/figures", "dispatch/travel-times", "dispatch/settings/{site}"),
    *("tariffs", "tariffs/{site}/{name}", "tariff-samples", "tariff-uses/{site}", "factors"),
    *("bill", "billing-periods", "analysis/shapes", "analysis/comparison", "analysis/anomalies"),
    *(
        f"energy/{what}"
        for what in ("intervals", "totals", "opening", "balance", "overview", "parts", "detail", "quality")
    ),
    *("energy/structure/{site}", "energy/records/{site}/{meter}", "energy/records/{site}"),
    *("energy/balances", "energy/export", "energy/reports/{site}", "energy/reports/{site}/{name}"),
    *("analysis/findings", "analysis/expected", "analysis/baseline", "analysis/findings/{site}/{meter}/{kind}"),
    "analysis/temperatures/{site}",
    *("energy/ledger/{site}", "energy/ledger/{site}/{number}", "energy/ledger/{site}/{number}/entries"),
    *("energy/structure/{site}/export", "energy/hand-readings/{site}", "energy/basis/{site}"),
    *("energy/indices", "energy/quotas", "energy/parts"),
)
_DISPATCHED = {
    **{("POST", f"{_ALARM}/{deed}"): DISPATCHER for deed in ("acknowledge", "note", "shelve", "unshelve")},
    ("POST", f"{_ALARM}/out-of-service"): DISPATCHER,
    ("GET", "/api/v1/requests"): REQUESTER,
    ("POST", "/api/v1/requests"): REQUESTER,
    ("POST", "/api/v1/requests/what-if"): REQUESTER,
    ("GET", _REQUEST): REQUESTER,
    ("GET", "/api/v1/requests/form"): REQUESTER,
    ("GET", "/api/v1/requests/search"): REQUESTER,
    ("GET", f"{_REQUEST}/suggestion"): REQUESTER,
    **{("POST", f"{_REQUEST}/{deed}"): REQUESTER for deed in ("cancel", "rate")},
    **{("POST", f"{_REQUEST}/{deed}"): DISPATCHER for deed in ("acknowledge", "approve", "refuse", "assign")},
    **{("POST", f"{_REQUEST}/{deed}"): DISPATCHER for deed in ("reassign", "lock", "unlock")},
    **{("POST", f"{_REQUEST}/{deed}"): DISPATCHER for deed in ("start", "arrive", "finish")},
    ("POST", "/api/v1/bookings"): DISPATCHER,
    **{("POST", f"{_BOOKING}/{deed}"): DISPATCHER for deed in ("cancel", "extend", "sign-in")},
    ("POST", "/api/v1/passes"): DISPATCHER,
    ("POST", "/api/v1/commands"): DISPATCHER,
    ("GET", "/api/v1/approvals"): DISPATCHER,
    ("POST", "/api/v1/approvals"): DISPATCHER,
    **{("POST", f"/api/v1/approvals/{{number}}/{deed}"): DISPATCHER for deed in ("approve", "reject")},
    **{("POST", f"{_PASS}/{deed}"): DISPATCHER for deed in ("arrive", "leave", "cancel")},
    ("PUT", "/api/v1/patrols/routes"): DISPATCHER,
    ("POST", "/api/v1/trips/vehicles/{site}/{vehicle}/service"): DISPATCHER,
}
_SET = (
    *(("GET", "/api/v1/quarantine"), ("POST", "/api/v1/gateways/{site}/{gateway}/unfence")),
    *(("GET", _CONFIG), ("GET", f"{_CONFIG}/{{number}}"), ("POST", _CONFIG), ("POST", f"{_CONFIG}/dry-run")),
    *(("GET", "/api/v1/rollouts"), ("POST", "/api/v1/rollouts"), ("GET", _ROLLOUT), ("POST", f"{_ROLLOUT}/{{deed}}")),
    ("GET", f"{_ROLLOUT}/difference"),
    *(("PUT", _ASSET), ("DELETE", _ASSET), ("POST", "/api/v1/assets/import"), ("GET", "/api/v1/assets/export")),
    *(("PUT", _MAP), ("PUT", _PLAN), ("DELETE", _PLAN), ("PUT", "/api/v1/calendar/{site}")),
    *(("PUT", "/api/v1/dispatch/settings/{site}"), ("PUT", "/api/v1/fleet-settings/{site}")),
    ("PUT", "/api/v1/alarm-settings/{site}"),
    *(("PUT", _RULE), ("DELETE", _RULE), ("POST", f"{_RULE}/dry-run")),
    *(("GET", "/api/v1/webhooks"), ("PUT", _HOOK), ("DELETE", _HOOK)),
    *(("GET", f"{_HOOK}/deliveries"), ("POST", f"{_HOOK}/test")),
    *(("PUT", _TARIFF), ("DELETE", _TARIFF), ("PUT", "/api/v1/tariff-uses/{site}"), ("PUT", "/api/v1/factors")),
    *(("POST", "/api/v1/bill/try"), ("POST", "/api/v1/calendar/{site}/seed")),
    ("PUT", "/api/v1/analysis/temperatures/{site}"),
    *(("POST", "/api/v1/analysis/baseline"), ("POST", "/api/v1/analysis/findings/{site}/{meter}/{kind}")),
    *(("PUT", "/api/v1/energy/structure/{site}"), ("POST", "/api/v1/energy/records/{site}/{meter}")),
    ("DELETE", "/api/v1/energy/records/{site}/{number}"),
    ("POST", "/api/v1/energy/records/{site}/{meter}/try"),
    *(("PUT", "/api/v1/energy/reports/{site}"), ("POST", "/api/v1/energy/reports/{site}")),
    *(("GET", "/api/v1/tokens"), ("POST", "/api/v1/tokens"), ("DELETE", "/api/v1/tokens/{number}")),
    *(("POST", "/api/v1/energy/ledger/{site}"), ("POST", "/api/v1/energy/ledger/{site}/{number}/amend")),
    *(("POST", "/api/v1/energy/structure/{site}/import"), ("PUT", "/api/v1/energy/basis/{site}")),
    ("POST", "/api/v1/energy/hand-readings/{site}/{meter}"),
    ("POST", "/api/v1/energy/hand-readings/{site}/{number}/check"),
)
ENTRIES: dict[tuple[str, str], int] = {
    **_OWN,
    **{("GET", f"/api/v1/{path}"): VIEWER for path in _LOOKED_AT},
    **{("GET", f"{_PROMETHEUS}/{path}"): VIEWER for path in ("query", "query_range", "labels", "series")},
    **{("POST", f"{_PROMETHEUS}/{path}"): VIEWER for path in ("query", "query_range", "labels", "series")},
    **{("GET", f"{_PROMETHEUS}/{path}"): VIEWER for path in ("label/{name}/values", "metadata", "status/buildinfo")},
    ("GET", "/metrics"): VIEWER,
    **_DISPATCHED,
    **dict.fromkeys(_SET, ADMINISTRATOR),
}
_USER = "/api/v1/users/{name}"
_PEOPLE = (
    *(("GET", "/api/v1/users"), ("POST", "/api/v1/users"), ("PUT", _USER), ("POST", f"{_USER}/password")),
    *(("DELETE", f"{_USER}/second-factor"), ("GET", f"{_USER}/sessions"), ("DELETE", f"{_USER}/sessions")),
    *(("GET", "/api/v1/audit"), ("GET", "/api/v1/audit/verify")),
)
FOR_PEOPLE = frozenset(
    {
        ("POST", "/api/v1/approvals"),
        *(("POST", f"/api/v1/approvals/{{number}}/{deed}") for deed in ("approve", "reject")),
    }
)
"""Answered well only to somebody who logged in: a token is nobody."""
_IDENTITY = "/api/v1/identities/{site}/{gateway}"
_IDENTITIES = (("GET", "/api/v1/identities"), ("POST", f"{_IDENTITY}/code"), ("POST", f"{_IDENTITY}/revoke"))
_PRIVACY = (
    ("GET", "/api/v1/privacy/retention"),
    *(("POST", f"/api/v1/privacy/{what}") for what in ("searches", "exports", "deletions")),
)
_HOLDS = (("POST", "/api/v1/privacy/holds"), ("DELETE", "/api/v1/privacy/holds/{number}"))
ENTRIES |= dict.fromkeys((*_PEOPLE, *_IDENTITIES, *_PRIVACY, *_HOLDS), ADMINISTRATOR)
_RECORD = "/api/v1/access/{site}/records/{kind}/{name}"
_ACCESS_ASKED = (
    *("records/{kind}", "records/{kind}/{name}", "doors", "doors/{door}/who", "holders/{holder}/doors"),
    *("ruling", "decisions", "unknown-cards", "carriers"),
)
ENTRIES |= {
    **{("GET", f"/api/v1/access/{{site}}/{path}"): DISPATCHER for path in _ACCESS_ASKED},
    ("GET", "/api/v1/doors/{site}/unlocks"): DISPATCHER,
    ("POST", "/api/v1/doors/{site}/{door}/unlock"): DISPATCHER,
    ("PUT", _RECORD): ADMINISTRATOR,
    ("DELETE", _RECORD): ADMINISTRATOR,
    ("POST", "/api/v1/access/{site}/import"): ADMINISTRATOR,
}

_OF_ENERGY = ("energy", "analysis", "tariffs", "tariff-uses", "bill", "factors")
_OF_INSTALLERS = ("gateways", "rollouts", "identities", "quarantine", "assets", "map")
_OF_SECURITY = ("alarms", "patrols", "passes", "audit", "access", "doors", "privacy")


def _beyond_viewers(nouns: tuple[str, ...], *but: tuple[str, str]) -> frozenset[tuple[str, str]]:
    found = {entry for entry, rank in ENTRIES.items() if rank > VIEWER and noun_of(entry) in nouns}
    return frozenset(found - set(but))


def noun_of(entry: tuple[str, str]) -> str:
    """``alarms`` of ``/api/v1/alarms/{name}``."""
    return entry[1].removeprefix("/api/v1/").partition("/")[0]


ENERGY_MANAGER = _beyond_viewers(_OF_ENERGY)
SECURITY_OFFICER = _beyond_viewers(_OF_SECURITY, *_HOLDS)
INSTALLER = _beyond_viewers(_OF_INSTALLERS, ("GET", "/api/v1/assets/export"))
"""What these may beside what a viewer may."""

ENDLESS = ("GET", "/api/v1/stream")
"""Asked only by who may not: its answer does not end."""
OWN_END = ("DELETE", "/api/v1/session")
"""Takes the credential away that asks."""
