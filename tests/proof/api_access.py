"""Good requests to the routes of access: a door that a gateway decides for, somebody with a card, and a rule."""

from __future__ import annotations

from cloud.access.contract import AccessChange, Credential, Group, Holder, Permission
from cloud.access.publisher import Sender
from cloud.features import Features
from cloud.store.contract import GatewayKey
from protocols.birth import Birth, DoorBirth
from tests.cloud.api.conftest import KEY, Api
from tests.proof.api_identity import of_identity
from tests.proof.api_sound import Sound, json_sound

CARD = "6f1d3a9c0b7e42d8a5c1f0e9d8b7a605"
FILE = b'[[holder]]\nid = "wu"\nname = "Wu"\nuntil = 2027-06-30\n'
DOOR = DoorBirth(
    id="north",
    name="North gate",
    lock="fail-secure",
    readers=["gate-reader"],
    device="gate",
    point="relay_1",
    pulse_s=3.0,
    remote=True,
    contact="gate-contact",
)
BIRTH = Birth(
    site="east",
    gateway="b3",
    name="B3",
    site_name="East",
    time_zone="Asia/Shanghai",
    software="1",
    config_hash="h",
    session=1,
    started_at=1,
    doors=[DOOR],
)


class Always:
    """Every gateway is there."""

    def online(self, key: GatewayKey) -> bool:
        del key
        return True


def connected(api: Api, features: Features) -> None:
    """The way to gateways, with nothing counted yet of who opened what."""

    async def publish(topic: str, payload: bytes, *, retain: bool = False) -> None:
        del retain
        await api.publish(topic, payload)

    def sign(payload: bytes) -> bytes:
        api.authority.open()
        return api.authority.sign_command(payload)

    sender = Sender(publish, sign, lambda key: key == KEY)
    features.access.connect(sender, api.services.commanding, Always())


async def fill_access(features: Features) -> None:
    """A door, Li with a card, and what Li may."""
    await features.access.doors.birth(KEY, BIRTH, received_at=1, retained=False)
    records = (
        Holder(id="li", number=11, name="Li Na"),
        Credential(id=CARD, holder="li"),
        Group(id="staff", name="Staff", members=("li",)),
        Permission(id="in", group="staff", door="gate-north"),
    )
    await features.access.register.apply(AccessChange(site="east", put=records))


async def of_access(api: Api, features: Features, entry: tuple[str, str]) -> Sound:
    """What makes a request to ``entry`` a good one, with what it needs brought about."""
    method, path = entry
    names = {"site": "east", "kind": "holder", "name": "li", "door": "gate-north", "holder": "li"}
    await fill_access(features)
    if path.endswith("/unlock"):
        await of_identity(api, ("POST", "/api/v1/commands"))
        connected(api, features)
        return json_sound({"reason": "delivery"})._replace(path=names)
    if path.endswith("/import"):
        return Sound(path=names, body=FILE, kind="application/toml")
    if method == "PUT":
        return json_sound({"name": "Li Na", "unit": "Finance office"})._replace(path=names)
    if path.endswith("/carriers"):
        return Sound(path=names, query={"tags": CARD[:6]})
    return Sound(path=names, query={"door": "gate-north", "card": CARD})
