"""Why a device was not read, beyond what the wire says."""

from protocols.errors import Retryable


class BadRatio(Retryable):
    """A ratio register holds what no transformer has; values multiplied by it would be wrong."""


class NotFound(Retryable):
    """The device does not have what its profile says."""


class NotYet(Retryable):
    """A request would be answered by another one's late answer; from ``until`` (monotonic) it is safe."""

    def __init__(self, message: str, until: float) -> None:
        self.until = until
        super().__init__(message)
