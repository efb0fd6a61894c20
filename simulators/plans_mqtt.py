"""The rows of a scenario file that describe devices which publish, and the broker they publish to."""

from __future__ import annotations

from simulators.plans import Row


class DoorPlan(Row, frozen=True, kw_only=True):
    """A reader with the door before it.

    strike: "" for a reader that decides by itself, else ``module/relay_1``: the gateway decides, pulses that relay of a
    `ModulePlan` and only then the door can be opened. exit_of: this reader stands inside the door of that id. zone:
    what lies behind the door, for anti-passback. regulars: who comes here as a rule, [from, to) of the site's people.
    """

    id: str
    topic: str
    name: str = ""
    gateway: str = ""
    swipe_every: str = "40 s"
    by_the_clock: bool = False
    misuse: float = 0.0
    strike: str = ""
    lock: str = "fail-secure"
    exit_of: str = ""
    zone: str = ""
    regulars: tuple[int, int] = (0, 0)


class VehiclePlan(Row, frozen=True, kw_only=True):
    id: str
    topic: str
    name: str = ""
    gateway: str = ""
    drives: bool = True
    moving_every: str = "5 s"
    parked_every: str = "30 s"
    retain: bool = True


class DevicePlan(Row, frozen=True, kw_only=True):
    """Any device that publishes. ``dialect``: the id of the profile that reads it; ``topic``, ``ident``: as there.

    every: how often it speaks by itself, "" for what the real one does. tap_every: how often somebody holds a card to
    it or goes through its door; by_the_clock: more often in the morning and at noon, hardly at night. misuse: share of
    the times at which its door is held open, or forced without a card. meets: somebody sits in its room only when a
    meeting is held there, not by chance. watts, phases: of what it measures. drives: its vehicle leaves the yard;
    parked_every: how often it speaks there. qos, retain: other than the real device has them from the factory.
    """

    id: str
    dialect: str
    topic: str
    name: str = ""
    gateway: str = ""
    ident: str = ""
    every: str = ""
    tap_every: str = "40 s"
    by_the_clock: bool = False
    misuse: float = 0.0
    watts: float = 1_500.0
    phases: int = 3
    drives: bool = True
    meets: bool = False
    parked_every: str = ""
    qos: int | None = None
    retain: bool | None = None


class BrokerPlan(Row, frozen=True, kw_only=True):
    """Where doors and vehicles publish; without ``host`` a broker is started."""

    host: str = ""
    port: int = 0
    username: str = ""
    password_file: str = ""
