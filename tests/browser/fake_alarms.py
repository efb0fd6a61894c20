"""The routes the page Alarms asks. Scripted, beside ``fake_api``."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cloud.alarms.titles import title_of
from tests.browser.compound import SITE
from tests.browser.fake_api import FakeApi

MINUTE = 60_000


def alarm(number: int, priority: int, since: int, en: str, zh: str, **more: Any) -> dict[str, Any]:
    """An alarm as the API shows it."""
    return {
        "id": str(number),
        "kind": "device_lost",
        "priority": priority,
        "source": f"{SITE}/b3-m{number}",
        "since": since,
        "ended_at": None,
        "args": {},
        "text": {"en": en, "zh": zh},
        "active": True,
        "state": "unacknowledged",
        "acknowledged_at": None,
        "acknowledged_by": "",
        "shelved_until": None,
        "reason": "",
        "hidden_by": "",
        "note": "",
        "count": 1,
        "suppresses": 0,
        "rev": 1,
    } | more


def standing(now: int) -> list[dict[str, Any]]:
    """One of each state."""
    seen = {"state": "acknowledged", "acknowledged_at": now - 20 * MINUTE, "acknowledged_by": "wang", "rev": 2}
    shelved = {"state": "shelved", "shelved_until": now + 90 * MINUTE, "reason": "Being replaced.", "hidden_by": "li"}
    over = {"state": "returned", "active": False, "ended_at": now - 30 * MINUTE, "count": 4}
    forced = (
        "North gate was opened and nobody had been let in. Send somebody.",
        "北门在未授权的情况下被打开，请派人查看。",
    )
    offline = (
        "B3 plant room is offline. Check its power and network.",
        "B3 机房离线，请检查电源和网络。",
    )
    lost = ("Chiller 2 does not answer: timeout.", "2 号冷机无应答：超时。")
    return [
        alarm(11, 2, now - 40 * MINUTE, *offline, kind="gateway_offline", source=f"{SITE}/b3", suppresses=14, **seen),
        alarm(12, 1, now - 3 * MINUTE, *forced, kind="door_forced", source=f"{SITE}/door:north-gate"),
        alarm(13, 2, now - 50 * MINUTE, *lost, **over),
        alarm(14, 2, now - 39 * MINUTE, *lost, state="suppressed", hidden_by=f"{SITE}/b3"),
        alarm(15, 3, now - 26 * 60 * MINUTE, "Meter 15: its clock is off by 3 min.", "15 号表时钟偏差 3 分钟。"),
        alarm(16, 2, now - 60 * MINUTE, *lost, **shelved),
    ]


class FakeAlarms:
    """What a test may change: ``flood`` and ``failure`` (code of the next deed). ``done``: deeds with their bodies."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.now = api.clock.now_ms()
        api.alarms = standing(self.now)
        self.flood: dict[str, Any] = {"begun_10min": 1, "since": None, "alarms": 0}
        self.failure = ""
        self.done: list[tuple[str, str, dict[str, Any]]] = []
        api.more += [
            Route("/api/v1/alarms/figures", self.figures),
            Route("/api/v1/alarms/shelves", self.shelves),
            Route("/api/v1/alarms/history", self.history),
            Route("/api/v1/alarms/{id}", self.one),
            Route("/api/v1/alarms/{id}/{deed}", self.deed, methods=["POST"]),
        ]

    async def figures(self, request: Request) -> Response:
        """A week with a bad hour."""
        to = int(request.query_params.get("to", self.now))
        hour = 3_600_000
        hours = [[to - (168 - n) * hour, 1 + (n * 7) % 5 + (20 if n == 100 else 0)] for n in range(0, 168, 2)]
        frequent = [
            {
                "kind": "device_lost",
                "source": f"{SITE}/b3-m{n}",
                "times": 60 - 9 * n,
                "share": 0.3 - n / 20,
                "title": title_of("device_lost"),
            }
            for n in range(1, 6)
        ]
        return JSONResponse(
            {
                "from": to - 168 * hour,
                "to": to,
                "earliest": to - 168 * hour,
                "total": sum(n for _, n in hours),
                "by_priority": {"1": 2, "2": 190, "3": 40},
                "per_hour": 1.4,
                "hours": hours,
                "floods": [{"since": to - 68 * hour, "until": to - 67 * hour, "alarms": 21}],
                "in_floods": 21,
                "frequent": frequent,
                "now": {
                    "unacknowledged": 3,
                    "standing_24h": 1,
                    "shelved": 1,
                    "out_of_service": 0,
                    "suppressed": 1,
                },
                "flood": self.flood,
            }
        )

    async def shelves(self, request: Request) -> Response:
        """The shelved alarm's, and one whose condition does not last just now."""
        one = {
            "kind": "device_lost",
            "source": f"{SITE}/b3-m16",
            "mode": "shelved",
            "until": self.now + 90 * MINUTE,
            "reason": "Being replaced.",
            "by": "li",
            "at": self.now - 50 * MINUTE,
            "alarm": "16",
            "title": title_of("device_lost"),
        }
        quiet = one | {"source": f"{SITE}/b3-m40", "mode": "out_of_service", "until": None, "alarm": "9"}
        return JSONResponse({"shelves": [one, quiet]})

    async def history(self, request: Request) -> Response:
        """Three that are over."""
        over = [
            alarm(
                number,
                2,
                self.now - number * 70 * MINUTE,
                f"Meter {number} does not answer: timeout.",
                f"{number} 号表无应答：超时。",
                active=False,
                state="normal",
                ended_at=self.now - number * 70 * MINUTE + 5 * MINUTE,
            )
            for number in (8, 7, 6)
        ]
        return JSONResponse({"alarms": over, "next": None})

    async def one(self, request: Request) -> Response:
        """An alarm with its deeds."""
        found = next((one for one in self.api.alarms if one["id"] == request.path_params["id"]), None)
        if found is None:
            return JSONResponse({"error": {"code": "unknown_alarm", "message": "no such alarm", "hint": ""}}, 404)
        deeds = [
            {"at": self.now - 20 * MINUTE, "by": "wang", "action": "acknowledged", "text": "On the way.", "until": None}
        ]
        return JSONResponse({"alarm": found, "history": deeds if found["state"] == "acknowledged" else []})

    async def deed(self, request: Request) -> Response:
        """Does it, as the collector would, and tells the stream."""
        name, deed, body = request.path_params["id"], request.path_params["deed"], await request.json()
        if self.failure:
            error = {"code": self.failure, "message": "the alarm was changed by somebody else meanwhile", "hint": ""}
            return JSONResponse({"error": error}, 409)
        self.done.append((name, deed, body))
        found = dict(next(one for one in self.api.alarms if one["id"] == name))
        found["rev"] += 1
        if deed == "acknowledge":
            found |= {"state": "acknowledged" if found["active"] else "normal", "acknowledged_by": "administrator"}
            found["acknowledged_at"] = self.now
        elif deed == "shelve":
            found |= {"state": "shelved", "shelved_until": body["until"], "reason": body["reason"]}
        elif deed == "out-of-service":
            found |= {"state": "out_of_service", "reason": body["reason"]}
        elif deed == "unshelve":
            found |= {"state": "unacknowledged", "shelved_until": None, "reason": ""}
        else:
            found["note"] = body["text"]
        self.api.raise_alarm(found)
        return JSONResponse({"alarm": found})
