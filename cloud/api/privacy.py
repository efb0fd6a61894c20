"""What is kept of people: for how long, who holds it, and everything on one person, given out or deleted."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.gate import administrator, privacy_officer
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.audit.note import tell
from cloud.privacy.archive import archive
from cloud.privacy.classes import CLASSES, OF_PEOPLE
from cloud.privacy.contract import WORD_MAX, WORDS_MAX, BadSubject, Subject, subject_of
from cloud.privacy.desk import ASKED_MAX, Changed, Held, Plan
from cloud.privacy.wiring import Privacy
from cloud.registry.privacy_book import BadHold, Hold
from cloud.registry.sessions import Principal
from protocols.reading import ID_PATTERN

HOLD: dict[str, Any] = {
    "id": 1,
    "class": "access",
    "site": "east-compound",
    "person": "",
    "reason": "case 2026-17 of the security bureau",
    "made_at": 1790000000000,
    "made_by": "admin",
    "lifted_at": None,
}
CLASS: dict[str, Any] = {
    "class": "access",
    "days": 90,
    "of": "who passed which door or gate, by card key or plate",
    "last_run_at": 1790000000000,
    "kept_since": 1782224000000,
    "rows": 120,
    "total": 4711,
    "longest_ms": 37,
    "due": None,
}
PLAN: dict[str, Any] = {
    "goes": {"account": 1, "requests": 4},
    "stays": {"audit": {"the audit trail is kept by law, and is forgotten by its age": 17}},
    "confirm": "5f0c2a8e9b1d4c7f5f0c2a8e9b1d4c7f",
    "asks": [
        {
            "id": '["alarm_deeds","text",1790000000000,[7]]',
            "source": "texts",
            "at": 1790000000000,
            "facts": {"table": "alarm_deeds", "text": "Li called the plumber", "action": "note", "alarm": 417},
        }
    ],
    "deleted": False,
}
KNOWN: dict[str, Any] = {
    "words": ["name:李伟", "phone:13912345678"],
    "of": "visits",
    "site": "east-compound",
    "at": 1790000000000,
}
PERSON: dict[str, Any] = {"person": ["user:li", "phone:13912345678"], "reason": "asked for by letter of 2026-09-21"}
NOT_NOW: dict[int | str, dict[str, Any]] = {
    409: {"description": "There is a legal hold, or what is held is not what was confirmed"},
    422: {"description": "Nobody is described by this"},
}


class PersonBody(BaseModel):
    """Who it is about, by what they are known by (`user:`, `name:`, `phone:`, `card:`, `plate:`), and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": PERSON})
    person: list[Annotated[str, Field(max_length=WORD_MAX + 8)]] = Field(min_length=1, max_length=WORDS_MAX)
    reason: str = Field(min_length=1, max_length=300)


class SearchBody(BaseModel):
    """A part of a name, a phone, a plate or a card key."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"text": "李"}})
    text: str = Field(min_length=1, max_length=WORD_MAX, pattern=r"\S")


class DeletionBody(PersonBody):
    """`confirm` is that of the answer that said what goes; without it nothing is deleted. `also`: ids of `asks`,
    which may be about the person and go only when they stand here."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": PERSON})
    confirm: str = Field(default="", max_length=64)
    also: list[Annotated[str, Field(max_length=600)]] = Field(default=[], max_length=ASKED_MAX)


class HoldBody(BaseModel):
    """What nobody may delete. What is empty holds all."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"class": "access", "reason": "case 2026-17"}}
    )
    kept: str = Field(default="", alias="class", pattern=f"^({'|'.join(OF_PEOPLE)})?$")
    site: str = Field(default="", max_length=32, pattern=f"^({ID_PATTERN.pattern})?$")
    person: str = Field(default="", max_length=WORD_MAX + 8)
    reason: str = Field(min_length=1, max_length=300)


def routes(services: Services) -> APIRouter:
    """``/api/v1/privacy``."""
    router = APIRouter(tags=["privacy"])
    if services.privacy is not None:
        _add_retention(router, services.privacy)
        _add_people(router, services, services.privacy)
    return router


def _add_retention(router: APIRouter, privacy: Privacy) -> None:
    @router.get(
        "/api/v1/privacy/retention",
        response_class=Response,
        responses=example({"classes": [CLASS], "holds": [HOLD], "next_round_at": 1790021600000, "unclean_bytes": 0}),
    )
    async def retention(due: Annotated[bool, Query(description="also count what would go now")] = False) -> Response:
        """What is kept for how long, what the last round of each class did, when the next one begins (ms; null: none
        are run here), the legal holds there are, and how many bytes of deleted rows are still to be overwritten."""
        runs = await privacy.keeper.runs()
        counts = {each.kept: each.due for each in await privacy.keeper.outlook()} if due else {}
        classes = []
        for kept in CLASSES:
            run = runs.get(kept.name)
            classes.append(
                {
                    "class": kept.name,
                    "days": privacy.keeper.days[kept.name],
                    "of": kept.basis,
                    "last_run_at": run.run_at if run else None,
                    "kept_since": run.kept_since if run else None,
                    "rows": run.rows if run else 0,
                    "total": run.total if run else 0,
                    "longest_ms": run.longest_ms if run else 0,
                    "due": counts.get(kept.name),
                }
            )
        holds = [_hold(each) for each in await privacy.book.holds(all_of_them=True)]
        return json_answer(
            {
                "classes": classes,
                "holds": holds,
                "next_round_at": privacy.keeper.next_round_at,
                "unclean_bytes": privacy.keeper.unclean_bytes,
            }
        )

    @router.post(
        "/api/v1/privacy/holds", status_code=201, response_class=Response, responses=example({"hold": HOLD}, 201)
    )
    async def hold(body: HoldBody, who: Annotated[Principal, Depends(administrator)]) -> Response:
        """Make a legal hold: nothing of the class, the site or the person is deleted until it is lifted. With more than
        one of them, what is all of it. Of a deletion what is held stays, and is told as such."""
        if body.person:
            _subject([body.person])
        try:
            made = await privacy.book.hold(body.kept, body.site, body.person, body.reason, who.name)
            await privacy.keeper.tell_holds()
        except BadHold as error:
            raise ApiError(409, "bad_hold", str(error)) from None
        return json_answer({"hold": _hold(made)}, status=201)

    @router.delete("/api/v1/privacy/holds/{number}", status_code=204, response_class=Response)
    async def lift(
        number: Annotated[int, Path(ge=1, le=1 << 62)], _: Annotated[Principal, Depends(administrator)]
    ) -> Response:
        """Lift a legal hold. It stays in the list as lifted."""
        try:
            await privacy.book.lift(number)
            await privacy.keeper.tell_holds()
        except BadHold as error:
            raise ApiError(404, "unknown_hold", str(error), "GET /api/v1/privacy/retention") from None
        return Response(status_code=204)


def _add_people(router: APIRouter, services: Services, privacy: Privacy) -> None:
    @router.post("/api/v1/privacy/searches", response_class=Response, responses=example({"people": [KNOWN]}))
    async def search(body: SearchBody, _: Annotated[Principal, Depends(privacy_officer)]) -> Response:
        """Who is known by something that holds this text. `words` of one entry are one person's, as exports and
        deletions ask for them; `of` is the source that names them. Posted, so that no name stands in an address.
        """
        found = await privacy.search.find(body.text)
        tell(found=len(found))
        return json_answer({"people": [each._asdict() for each in found]})

    zip_of: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": {"example": "PK"}}}, **NOT_NOW}

    @router.post("/api/v1/privacy/exports", response_class=Response, responses=zip_of)
    async def export(body: PersonBody, _: Annotated[Principal, Depends(privacy_officer)]) -> Response:
        """Everything held on one person, as a ZIP of JSON and CSV, with a page to read."""
        subject = _subject(body.person)
        found = await privacy.desk.find(subject)
        tell(reason=body.reason, records=sum(len(each) for each in found.values()))
        content = await asyncio.to_thread(archive, found, services.clock.now_ms())
        headers = {"Content-Disposition": 'attachment; filename="personal-data.zip"', "Cache-Control": "no-store"}
        return Response(content, media_type="application/zip", headers=headers)

    @router.post("/api/v1/privacy/deletions", response_class=Response, responses={**example(PLAN), **NOT_NOW})
    async def delete(body: DeletionBody, _: Annotated[Principal, Depends(privacy_officer)]) -> Response:
        """Without `confirm`: what would go, and what stays and why. With it that is done, and cannot be undone."""
        subject = _subject(body.person)
        tell(reason=body.reason, confirmed=bool(body.confirm))
        if not body.confirm:
            return json_answer(_plan(await privacy.desk.plan(subject), deleted=False))
        try:
            plan = await privacy.desk.delete(subject, body.confirm, body.also)
        except Held as error:
            raise ApiError(409, "held", str(error), "GET /api/v1/privacy/retention") from None
        except Changed as error:
            raise ApiError(409, "changed", str(error), "ask again without confirm") from None
        return json_answer(_plan(plan, deleted=True))


def _subject(words: list[str]) -> Subject:
    try:
        return subject_of(words)
    except BadSubject as error:
        raise ApiError(422, "bad_person", str(error)) from None


def _plan(plan: Plan, *, deleted: bool) -> dict[str, object]:
    asks = [
        {"id": each.found.id, "source": each.source, "at": each.found.at, "facts": each.found.facts}
        for each in plan.asks
    ]
    return {"goes": plan.goes, "stays": plan.stays, "confirm": plan.confirm, "asks": asks, "deleted": deleted}


def _hold(hold: Hold) -> dict[str, object]:
    return {"class": hold.kept, **{name: value for name, value in hold._asdict().items() if name != "kept"}}
