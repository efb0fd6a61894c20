"""The rows of a scenario file that describe devices which publish, and the broker they publish to."""

from __future__ import annotations

from simulators.plans import Row


class DoorPlan(Row, frozen=True, kw_only=True):
    id: str
    topic: str
    name: str = ""
    gateway: str = ""
    swipe_every: str = "40 s"


class VehiclePlan(Row, frozen=True, kw_only=True):
    id: str
    topic: str
    name: str = ""
    gateway: str = ""
    drives: bool = True
    moving_every: str = "5 s"
    parked_every: str = "30 s"
    retain: bool = True


class BrokerPlan(Row, frozen=True, kw_only=True):
    """Where doors and vehicles publish; without ``host`` a broker is started."""

    host: str = ""
    port: int = 0
    username: str = ""
    password_file: str = ""
