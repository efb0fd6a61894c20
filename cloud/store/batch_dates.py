"""When batches were received: what a store can say that keeps their rows. Apart from ``SeriesStore``."""

from typing import Protocol, runtime_checkable

from cloud.store.contract import GatewayKey


@runtime_checkable
class DatesBatches(Protocol):
    """Asked rarely: it may look through all batches."""

    async def received_around(self, key: GatewayKey, epoch: str, first: int, last: int) -> tuple[int, int]:
        """When the last batch before ``first`` and the first behind ``last`` were received, ms; 0 when not known.

        Raises StoreUnavailable.
        """
        ...
