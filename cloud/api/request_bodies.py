"""Bodies of requests and of what is done to them, and what dispatch makes of them."""

from pydantic import BaseModel, ConfigDict, Field

from cloud.api.request_examples import FILE
from cloud.api.times import TIME_MAX_MS
from cloud.dispatch.deciding import Act
from cloud.dispatch.filing import Draft
from cloud.dispatch.request import Requester, Where

Instant = Field(default=None, ge=0, le=TIME_MAX_MS)


class PlaceBody(BaseModel):
    """A place by a name of the site's map, by coordinates (WGS-84), or by any name."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="", max_length=100)
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)

    def where(self) -> Where:
        return Where(self.name, self.latitude, self.longitude)


class RequesterBody(BaseModel):
    """Who needs it. Without a name it is who files it."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(default="", max_length=100)
    unit: str = Field(default="", max_length=100)
    phone: str = Field(default="", max_length=40)


class WindowBody(BaseModel):
    """When it is needed, ms. Without it a real-time request is meant: as soon as possible."""

    model_config = ConfigDict(extra="forbid")
    earliest: int | None = Instant
    latest: int | None = Instant


class DemandBody(BaseModel):
    """What the resource must offer. A larger class of vehicle may come than was asked for."""

    model_config = ConfigDict(extra="forbid")
    seats: int = Field(default=0, ge=0, le=500)
    vehicle_class: str = Field(default="", alias="class", max_length=32)
    skills: list[str] = Field(default=[], max_length=20)


class NewRequest(BaseModel):
    """What is needed. Only site and kind must be there, and of what has to be travelled to, from where."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": FILE})
    site: str = Field(max_length=32)
    kind: str = Field(max_length=32, description="vehicle, repair, room, guard, visitor")
    tier: str = Field(default="", max_length=16, description="real_time, 4h, 24h; by the window when empty")
    title: str = Field(default="", max_length=100)
    requester: RequesterBody = RequesterBody()
    origin: PlaceBody | None = Field(default=None, alias="from")
    to: PlaceBody | None = None
    window: WindowBody = WindowBody()
    duration_min: int | None = Field(default=None, ge=1, le=20_160)
    round_trip: bool = False
    waiting_min: int = Field(default=0, ge=0, le=1440)
    passengers: int = Field(default=0, ge=0, le=500)
    passenger_names: list[str] = Field(default=[], max_length=20)
    purpose: str = Field(default="", max_length=100)
    note: str = Field(default="", max_length=1000)
    out_of_town: bool = False
    demand: DemandBody = DemandBody()
    priority: int = Field(default=3, ge=1, le=5)
    emergency: bool = False
    started_at: int | None = Field(default=None, ge=0, le=TIME_MAX_MS, description="when the form was opened, ms")

    def draft(self) -> Draft:
        return Draft(
            site=self.site,
            kind=self.kind,
            tier=self.tier,
            title=self.title,
            requester=Requester(self.requester.name, self.requester.unit, self.requester.phone),
            origin=self.origin.where() if self.origin else None,
            to=self.to.where() if self.to else None,
            earliest=self.window.earliest,
            latest=self.window.latest,
            duration_min=self.duration_min,
            round_trip=self.round_trip,
            waiting_min=self.waiting_min,
            passengers=self.passengers,
            passenger_names=tuple(self.passenger_names),
            purpose=self.purpose,
            note=self.note,
            out_of_town=self.out_of_town,
            seats=self.demand.seats,
            vehicle_class=self.demand.vehicle_class,
            skills=tuple(self.demand.skills),
            priority=self.priority,
            emergency=self.emergency,
            opened_at=self.started_at,
        )


class Change(BaseModel):
    """What every change may say: what it stands on, and why."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rev": 3, "reason": "by telephone"}})
    rev: int | None = Field(default=None, ge=1, le=2**53, description="of the request when it was looked at")
    reason: str = Field(default="", max_length=500)

    def act(self, action: str) -> Act:
        return Act(action=action, rev=self.rev, reason=self.reason)


class Opinion(Change):
    """A yes or no with its opinion."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"rev": 1, "opinion": "use the shuttle"}})
    opinion: str = Field(default="", max_length=500)

    def act(self, action: str) -> Act:
        return Act(action=action, rev=self.rev, reason=self.opinion or self.reason)


class Choice(Change):
    """Who is sent. With a reason when it is not who is suggested, or cannot serve it by the rules."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"rev": 2, "resource": "east-compound/vehicle:zhe-a-3m902"}}
    )
    resource: str = Field(max_length=100, description="entity or id of the resource")
    driver: str = Field(default="", max_length=100)
    phone: str = Field(default="", max_length=40)
    lock: bool = False

    def act(self, action: str) -> Act:
        return Act(
            action=action,
            rev=self.rev,
            reason=self.reason,
            resource=self.resource,
            driver=self.driver,
            phone=self.phone,
            lock=self.lock,
        )


class OtherChoice(Choice):
    """Who is sent instead, and why; without a resource the request goes back to the queue."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"rev": 4, "resource": "zhe-a-8c442", "reason": "the first has a flat tyre"}},
    )
    resource: str = Field(default="", max_length=100)


class Rate(Change):
    """What the requester says of it: 1 (poor) to 5."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"stars": 5, "text": "on the minute"}})
    stars: int = Field(ge=1, le=5)
    text: str = Field(default="", max_length=500)

    def act(self, action: str) -> Act:
        return Act(action=action, rev=self.rev, stars=self.stars, text=self.text)
