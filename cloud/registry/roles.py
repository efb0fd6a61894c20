"""What a user or token may do."""

from enum import StrEnum


class Role(StrEnum):
    """Each role may do what those before it may.

    A requester asks for vehicles, rooms and repairs and sees only what it asked for itself.
    """

    REQUESTER = "requester"
    VIEWER = "viewer"
    DISPATCHER = "dispatcher"
    ADMINISTRATOR = "administrator"

    def covers(self, needed: "Role") -> bool:
        """Whether somebody with this role may do what ``needed`` asks for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)
