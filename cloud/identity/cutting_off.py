"""Ends sessions at the broker in the name of our own authority: of gateways, and of members of a group."""

from functools import partial

from cloud.identity.authority import Authority
from cloud.identity.members import Members
from cloud.ingest.takeover import take_over
from cloud.registry.member_book import MemberBook
from cloud.settings import CloudSettings
from protocols.clock import Clock
from protocols.mqtt_url import MqttUrl


async def take_place(broker: MqttUrl, authority: Authority, name: str) -> None:
    """End the session of whoever has this name in its certificate. Raises WireLost, BadAuthority."""
    pair = authority.issue_client(name, days=1)
    ca_file = authority.folder / "ca.pem"
    await take_over(broker, ca_file=ca_file, pair=pair.key + pair.certificate.pem, client_id=name)


def members_of(settings: CloudSettings, authority: Authority, book: MemberBook, clock: Clock) -> Members | None:
    """Who looks after the members of the group whose desk this is; None without a group."""
    if settings.group is None:
        return None
    members = Members(settings, authority, book, clock)
    members.takeover = partial(take_place, settings.broker, authority)
    return members
