"""The routes the page Access asks, scripted: the records of a site, its doors, and what they decided."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.browser.fake_api import FakeApi

Rec = dict[str, Any]
LI_CARD, LOST_CARD, NEW_CARD = "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605", "0a" * 16, "c4" * 16
BASE = "/api/v1/access/{site}"


def record(kind: str, key: str, /, **fields: Any) -> Rec:
    """A record as the API shows it."""
    return {"kind": kind, **fields, "id": key, "rev": 1}


def credential(card: str, holder: str, **fields: Any) -> Rec:
    """A card as the API shows it."""
    plain: Rec = {"kind": "card", "label": "", "level": 1, "from_at": None, "until_at": None, "blocked": ""}
    return {**plain, "exempt": False, "lasting": False, "holder": holder, **fields, "id": card, "rev": 1}


def permission(key: str, /, **fields: Any) -> Rec:
    """A permission as the API shows it."""
    empty: Rec = dict.fromkeys(("holder", "group", "door", "door_group", "schedule"), "")
    return {**record("permission", key), **empty, "from_at": None, "until_at": None, **fields}


class FakeAccess:
    """What there is; a test reads ``put`` (path, method, body) and sets ``refusal`` for the next change."""

    def __init__(self, api: FakeApi) -> None:
        now = api.clock.now_ms()
        self.now = now
        plain: Rec = {"until_at": None, "disabled": False}
        self.kinds: dict[str, list[Rec]] = {
            "holder": [
                record("holder", "li-na", name="Li Na", unit="Finance office", number=11, **plain),
                record("holder", "wang-wei", name="王伟", unit="保卫处", number=12, **plain),
                record("holder", "zhou", name="Zhou Min", unit="", number=13, until_at=now + 10**9, disabled=True),
            ],
            "credential": [
                credential(LI_CARD, "li-na", level=2),
                credential(LOST_CARD, "wang-wei", blocked="lost"),
            ],
            "group": [record("group", "staff", name="All staff", members=["li-na", "wang-wei"])],
            "permission": [permission("staff-in", group="staff", door="north-gate", schedule="work")],
            "schedule": [
                record("schedule", "work", name="Work", parts=["workday 07:30-19:00"], dates={"2026-12-31": []})
            ],
            "door_group": [record("door_group", "house", name="House", doors=["north-gate"])],
        }
        self.doors = [
            {
                "door": "north-gate",
                "name": "North gate",
                "gateway": "b3-plant-room",
                "local": "north",
                "lock": "fail-secure",
                "remote": True,
                "card_level": 1,
                "passback": "soft",
            }
        ]
        held = {
            "online": True,
            "enrolled": True,
            "wanted": 7,
            "cards": 2,
            "doors": 1,
            "issued_at": now - 60_000,
            "expires_at": now + 6 * 86_400_000,
            "published_at": now - 59_000,
            "held": 7,
            "held_expires_at": now + 6 * 86_400_000,
            "told_at": now - 58_000,
            "refused": "",
            "fault": "",
        }
        self.lists = [
            {"gateway": "b3-plant-room", **held},
            {"gateway": "b5-roof", **held, "held": 5, "refused": "signature: not signed by our collector"},
        ]
        self.allowed = [
            {
                "holder": "li-na",
                "name": "Li Na",
                "door": "north-gate",
                "permission": "staff-in",
                "schedule": "work",
                "now": True,
            }
        ]
        decided = {"door": "north-gate", "device": "north-reader", "list": 7}
        self.decisions = [
            {
                "at": now - 9_000,
                "granted": False,
                "reason": "blocked",
                "card": LOST_CARD,
                "holder": "wang-wei",
                "name": "王伟",
                **decided,
            },
            {
                "at": now - 60_000,
                "granted": True,
                "reason": "",
                "card": LI_CARD,
                "holder": "li-na",
                "name": "Li Na",
                **decided,
            },
        ]
        self.strangers = [
            {"card": NEW_CARD, "door": "north-gate", "device": "north-reader", "at": now - 4_000, "times": 2}
        ]
        self.ruling: Rec = {
            "reason": "blocked",
            "holder": "wang-wei",
            "name": "王伟",
            "permissions": [],
            "since": None,
            "until": None,
            "detail": "lost",
        }
        self.unlocks: list[Rec] = []
        self.imported: Rec = {"created": 1, "changed": 0, "unchanged": 2, "names": ["holder:wu-jie"], "errors": []}
        self.carriers: dict[str, str] = {}
        self.put: list[tuple[str, str, Rec]] = []
        self.refusal: tuple[int, Rec] | None = None
        api.more += [
            Route(f"{BASE}/records/{{kind}}", self._listed),
            Route(f"{BASE}/import", self._import, methods=["POST"]),
            Route(f"{BASE}/records/{{kind}}/{{id}}", self._one, methods=["GET"]),
            Route(f"{BASE}/records/{{kind}}/{{id}}", self._change, methods=["PUT", "DELETE"]),
            Route(f"{BASE}/doors", lambda _: JSONResponse({"doors": self.doors, "lists": self.lists})),
            Route(f"{BASE}/doors/{{door}}/who", lambda _: JSONResponse({"allowed": self.allowed})),
            Route(f"{BASE}/holders/{{holder}}/doors", lambda _: JSONResponse({"allowed": self.allowed})),
            Route(f"{BASE}/ruling", lambda _: JSONResponse(self.ruling)),
            Route(f"{BASE}/decisions", lambda _: JSONResponse({"decisions": self.decisions})),
            Route(f"{BASE}/unknown-cards", lambda _: JSONResponse({"cards": self.strangers})),
            Route("/api/v1/doors/{site}/{door}/unlock", self._unlock, methods=["POST"]),
            Route("/api/v1/access/{site}/carriers", lambda _: JSONResponse({"carriers": self.carriers})),
            Route("/api/v1/doors/{site}/unlocks", lambda _: JSONResponse({"unlocks": self.unlocks})),
        ]

    def _refused(self) -> Response | None:
        if self.refusal is None:
            return None
        status, said = self.refusal
        self.refusal = None
        return JSONResponse(said, status)

    async def _listed(self, request: Request) -> Response:
        asked = request.query_params
        words = asked.get("search", "").casefold().split()
        kept = [one for one in self.kinds[request.path_params["kind"]] if all(w in str(one).casefold() for w in words)]
        kept.sort(key=lambda one: str(one["id"]))
        page = [one for one in kept if one["id"] > asked.get("after", "")]
        limit = int(asked.get("limit", 200))
        following = page[limit - 1]["id"] if len(page) > limit else None
        return JSONResponse({"records": page[:limit], "total": len(kept), "next": following})

    async def _one(self, request: Request) -> Response:
        kept = self.kinds[request.path_params["kind"]]
        found = next((one for one in kept if one["id"] == request.path_params["id"]), None)
        return JSONResponse(
            found or {"error": {"code": "unknown_record", "message": "", "hint": ""}}, 200 if found else 404
        )

    async def _import(self, request: Request) -> Response:
        text, dry = (await request.body()).decode(), request.query_params["dry_run"]
        self.put.append((f"import {request.query_params['format']} {dry}", "POST", {"text": text}))
        answer = {**self.imported, "written": dry == "0" and not self.imported["errors"]}
        return JSONResponse(answer)

    async def _change(self, request: Request) -> Response:
        kind, name = request.path_params["kind"], request.path_params["id"]
        body = await request.json() if request.method == "PUT" else {}
        self.put.append((f"{kind}/{name}", request.method, body))
        if (refused := self._refused()) is not None:
            return refused
        found = next((one for one in self.kinds[kind] if one["id"] == name), None)
        if request.method == "DELETE":
            self.kinds[kind] = [one for one in self.kinds[kind] if one is not found]
            return Response(status_code=204)
        if found is None:
            found = {"kind": kind, "id": name, "rev": 0}
            self.kinds[kind].append(found)
        found |= {**body, "rev": found["rev"] + 1}
        self.strangers = [one for one in self.strangers if one["card"] != name]
        return JSONResponse(found)

    async def _unlock(self, request: Request) -> Response:
        body = await request.json()
        self.put.append((f"unlock/{request.path_params['door']}", "POST", body))
        if (refused := self._refused()) is not None:
            return refused
        made = {"door": request.path_params["door"], "command": "f" * 32, "by": "administrator", "at": self.now}
        made |= {"reason": body["reason"], "state": "sent", "detail": ""}
        self.unlocks.insert(0, made)
        return JSONResponse(made, 202)
