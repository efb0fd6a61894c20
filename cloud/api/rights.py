"""What each route asks of whoever asks it: one right, found by the first line of the table that fits.

Everything that is not named needs ``ADMINISTER`` to change and ``LOOK`` to read: a route that forgets about rights is
still shut to those who only look. A route may ask for more (``needs`` in ``cloud.api.gate``).
"""

from cloud.registry.roles import Right

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

OWN_ACCOUNT = frozenset(
    {
        ("DELETE", "/api/v1/session"),
        ("POST", "/api/v1/password"),
        ("GET", "/api/v1/sessions"),
        ("POST", "/api/v1/second-factor"),
        ("POST", "/api/v1/second-factor/confirm"),
        ("DELETE", "/api/v1/second-factor"),
    }
)
"""What anybody may ask about their own account."""
OWN_SESSIONS = "/api/v1/sessions"
BEFORE_PASSWORD_CHANGE = frozenset(
    {("DELETE", "/api/v1/session"), ("POST", "/api/v1/password"), ("GET", "/api/v1/session")}
)
"""All that works with a one-time password."""
BEFORE_SECOND_FACTOR = BEFORE_PASSWORD_CHANGE | {
    ("POST", "/api/v1/second-factor"),
    ("POST", "/api/v1/second-factor/confirm"),
}
"""All that works for somebody who must have a second factor and has none yet."""

PROMETHEUS = "/api/v1/prometheus"
"""Only reads, also by POST: Grafana sends long queries as a form."""
REQUESTS = "/api/v1/requests"
"""The one noun a requester may use; its routes show a requester only what is its own."""

READ = (
    ("/api/v1/access", Right.GUARD),
    ("/api/v1/doors", Right.GUARD),
    ("/api/v1/audit", Right.AUDIT),
    ("/api/v1/privacy", Right.PRIVACY),
    ("/api/v1/users", Right.ADMINISTER),
    ("/api/v1/tokens", Right.ADMINISTER),
    ("/api/v1/webhooks", Right.ADMINISTER),
    ("/api/v1/quarantine", Right.INSTALL),
    ("/api/v1/approvals", Right.DISPATCH),
    ("/api/v1/identities", Right.INSTALL),
    ("/api/v1/rollouts", Right.INSTALL),
    ("/api/v1/assets/export", Right.ADMINISTER),
)
"""What needs more than looking to be read: these nouns and what lies below them."""

CHANGE = (
    ("/api/v1/access", Right.ACCESS),
    ("/api/v1/doors", Right.UNLOCK),
    ("/api/v1/alarms", Right.ALARMS),
    ("/api/v1/bookings", Right.DISPATCH),
    ("/api/v1/commands", Right.DISPATCH),
    ("/api/v1/approvals", Right.DISPATCH),
    ("/api/v1/trips", Right.DISPATCH),
    ("/api/v1/patrols", Right.GUARD),
    ("/api/v1/passes", Right.GUARD),
    ("/api/v1/energy", Right.ENERGY),
    ("/api/v1/analysis", Right.ENERGY),
    ("/api/v1/bill", Right.ENERGY),
    ("/api/v1/tariffs", Right.ENERGY),
    ("/api/v1/tariff-uses", Right.ENERGY),
    ("/api/v1/factors", Right.ENERGY),
    ("/api/v1/gateways", Right.INSTALL),
    ("/api/v1/identities", Right.INSTALL),
    ("/api/v1/rollouts", Right.INSTALL),
    ("/api/v1/assets", Right.INSTALL),
    ("/api/v1/map", Right.INSTALL),
    ("/api/v1/privacy", Right.PRIVACY),
)
"""Who may change what: these nouns and what lies below them."""


def needed_right(method: str, path: str) -> Right:
    """What this needs at least."""
    if (method, path) in OWN_ACCOUNT | BEFORE_PASSWORD_CHANGE or below(path, REQUESTS) or below(path, OWN_SESSIONS):
        return Right.ASK
    table, other = (READ, Right.LOOK) if reads(method, path) else (CHANGE, Right.ADMINISTER)
    return next((right for noun, right in table if below(path, noun)), other)


def reads(method: str, path: str) -> bool:
    """Whether it changes nothing."""
    return method in SAFE or below(path, PROMETHEUS)


def below(path: str, noun: str) -> bool:
    """Whether it is the noun or lies below it."""
    return path == noun or path.startswith(noun + "/")
