"""How long the store keeps what. Apart from the contract, as settings are read by those who need no store."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long each level is kept, in days; None keeps it for ever. Identities of batches are never forgotten."""

    raw_days: int | None = 400
    m15_days: int | None = 3650
    h1_days: int | None = None
    d1_days: int | None = None
    events_days: int | None = 1100
    quarantine_days: int | None = 90
