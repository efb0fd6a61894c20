"""Enrolment of gateways: open to all, as the one-time code, which never travels, is what lets a box in."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.api.answers import ApiError, json_answer
from cloud.api.place_answers import example
from cloud.api.services import Services
from cloud.identity.authority import BadAuthority
from cloud.identity.enrolling import NotEnrolled
from protocols.enrolment import EnrolmentRequest

_PEM = "-----BEGIN CERTIFICATE-----\n..."
GREETING: dict[str, Any] = {"ca": _PEM, "at": 1790000000000}
ENROLLED: dict[str, Any] = {"certificate": _PEM, "ca": _PEM, "commands": _PEM, "at": 1790000000000}
STATUS = {"code_refused": 403, "code_expired": 410, "code_used": 409}


class Asked(BaseModel):
    """What ``dayuan-edge enrol`` asks with."""

    model_config = ConfigDict(extra="forbid")

    site: Annotated[str, Field(max_length=32)]
    gateway: Annotated[str, Field(max_length=32)]
    csr: Annotated[str, Field(max_length=16_384)]
    """A request for a certificate (PKCS 10, PEM) with a key on the curve P-256."""
    signature: Annotated[str, Field(max_length=128)]
    """Ed25519 by the key of the code, base64; see docs/IDENTITY.md."""


def routes(services: Services) -> APIRouter:
    """``/api/v1/enrolment``."""
    router = APIRouter(tags=["identity"])

    @router.get("/api/v1/enrolment", response_class=Response, responses=example(GREETING))
    async def greeting() -> Response:
        """The certificate of this collector's authority, and its time; a gateway compares both before it asks."""
        try:
            return json_answer(services.enrolling.greeting())
        except NotEnrolled as refused:
            raise ApiError(404, refused.code, str(refused)) from None
        except BadAuthority as error:
            raise ApiError(503, "no_authority", str(error)) from None

    @router.post("/api/v1/enrolment", status_code=201, response_class=Response, responses=example(ENROLLED, 201))
    async def enrol(body: Asked) -> Response:
        """Give a certificate for a one-time code made by `dayuan-cloud gateway add`. The code itself never travels."""
        asked = EnrolmentRequest(body.site, body.gateway, body.csr, body.signature)
        try:
            return json_answer(await services.enrolling.enrol(asked), status=201)
        except NotEnrolled as refused:
            raise ApiError(STATUS.get(refused.code, 422), refused.code, str(refused)) from None
        except (BadAuthority, UnicodeEncodeError) as error:
            raise ApiError(503, "no_authority", str(error)) from None

    return router
