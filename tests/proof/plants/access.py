"""Faults of who may do what at the collector."""

from tests.proof.planting import Plant

GATE = "tests/cloud/api/test_gate.py"
USERS = "tests/cloud/registry/test_users.py"

ACCESS = (
    Plant(
        "route-without-login",
        "One route answers without a login.",
        "Whoever reaches the collector reads every value and who went through which door.",
        "cloud/api/gate.py",
        '        *(("GET", "/healthz"), ("POST", "/api/v1/session"),',
        '        *(("GET", "/api/v1/events"), ("GET", "/healthz"), ("POST", "/api/v1/session"),',
        (f"{GATE}::test_without_login_every_route_but_the_open_ones_is_shut",),
        in_ci=True,
    ),
    Plant(
        "viewer-may-change",
        "The role is not looked at where something is changed.",
        "Whoever may look may also lift a fence.",
        "cloud/api/gate.py",
        "    if not principal.role.covers(needed):\n",
        "    if False:\n",
        (f"{GATE}::test_a_viewer_may_read_but_change_nothing",),
    ),
    Plant(
        "other-origins-believed",
        "Where a request comes from is not looked at.",
        "A page on the internet acts with the login of whoever has it open.",
        "cloud/api/gate.py",
        "    if foreign:\n",
        "    if False:\n",
        (f"{GATE}::test_another_sites_page_cannot_act_in_our_name",),
    ),
    Plant(
        "session-without-end",
        "A login lasts for ever.",
        "A cookie copied from a computer of last year still opens everything.",
        "cloud/registry/sessions.py",
        "if user.disabled or row.expires_at <= now or row.seen_at <= now - self._idle_ms:",
        "if user.disabled:",
        (f"{USERS}::test_a_session_ends_when_idle_and_in_any_case",),
    ),
    Plant(
        "revoked-token-works",
        "A token that was revoked, or is over, still works.",
        "Taking away a leaked token changes nothing.",
        "cloud/registry/tokens.py",
        "if row is None or row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):",
        "if row is None:",
        (f"{USERS}::test_a_token_works_until_revoked_or_over",),
    ),
    Plant(
        "gate-remembers-for-ever",
        "The gate asks once for a credential and never again.",
        "Somebody who was shut out goes on until the collector is restarted.",
        "cloud/api/gate.py",
        "        if known is not None and known.until > now:",
        "        if known is not None:",
        (f"{GATE}::test_a_disabled_user_is_out_within_seconds_though_the_gate_remembers",),
    ),
    Plant(
        "guessing-without-waits",
        "Wrong passwords make nobody wait.",
        "A program tries a thousand passwords a minute.",
        "cloud/registry/logins.py",
        "                wait = 0 if over < 0 else",
        "                wait = 0 if True else",
        (f"{GATE}::test_wrong_logins_look_alike_and_make_one_wait",),
    ),
    Plant(
        "guesses-side-by-side",
        "Logins are checked side by side.",
        "A hundred guesses sent at once cost no wait.",
        "cloud/registry/logins.py",
        "            async with self._one_at_a_time:\n                yield",
        "            yield",
        (f"{GATE}::test_guesses_sent_at_once_see_each_others_failures",),
    ),
    Plant(
        "one-time-password-for-good",
        "The password of the first start need not be changed.",
        "What was printed on a terminal once is the administrator's password for years.",
        "cloud/api/gate.py",
        "    if principal.must_change_password and (method, path) not in BEFORE_PASSWORD_CHANGE:",
        "    if False:",
        (f"{GATE}::test_before_the_one_time_password_is_changed_nothing_else_works",),
    ),
)
