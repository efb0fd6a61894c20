"""Of alarms, requests, bookings, passes, commands, approvals and roll-outs: the site of one named by its id."""

from collections.abc import Mapping

from cloud.api.services import Services
from cloud.api.site_asked import Finder
from cloud.dispatch.contract import Actor, NoSuchRequest

ANYBODY = Actor("", True, True)


def finders(services: Services) -> Mapping[str, Finder]:
    """By noun. Of what is not there, none is given: the route says so itself, to those who may ask at all."""

    async def of_alarm(name: str) -> str | None:
        if not name.isascii() or not name.isdecimal() or len(name) > 18:
            return None
        standing = (*services.alarms.active(), *services.alarms.returned())
        source = next((each.source for each in standing if each.id == name), None)
        if source is None:
            stored = await services.alarm_book.find(int(name))
            source = stored.source if stored is not None else None
        return None if source is None else source.partition("/")[0]

    async def of_command(name: str) -> str | None:
        row = await services.commanding.find(name[:64])
        return None if row is None else row.site

    async def of_approval(name: str) -> str | None:
        row = await services.approving.find(name[:64])
        return None if row is None else row.site

    async def of_rollout(name: str) -> str | None:
        if not name.isascii() or not name.isdecimal() or len(name) > 15:
            return None
        row = await services.configuring.rollouts.book.find(int(name))
        return None if row is None else row.site  # "" is no site of anybody's: that of all sites is for who may see all

    found: dict[str, Finder] = {"alarms": of_alarm, "commands": of_command, "approvals": of_approval}
    found["rollouts"] = of_rollout
    if services.features is None:
        return found
    dispatch, places = services.features.dispatch, services.features.places

    async def of_request(name: str) -> str | None:
        try:
            return (await dispatch.desk.get(name[:64], ANYBODY)).site
        except NoSuchRequest:
            return None

    async def of_booking(name: str) -> str | None:
        booking = await places.rooms.find(name[:64])
        return booking.site if booking is not None else None

    async def of_pass(name: str) -> str | None:
        known = await places.visitors.find(name[:64])
        return known[0].site if known is not None else None

    return {**found, "requests": of_request, "bookings": of_booking, "passes": of_pass}
