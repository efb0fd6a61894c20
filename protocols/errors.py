"""The error tree. The branch says whether trying again can help.

``Retryable``: the same call may succeed later. ``Permanent``: it will not, until somebody changes something.
Every message is written for the person who reads it: what is wrong, where, and what would be right.
"""


class DayuanError(Exception):
    """Root of all errors this project raises on purpose."""


class Retryable(DayuanError):
    """Trying again later can help."""


class WireLost(Retryable):
    """A connection could not be made or broke; the message says which and why."""


class DeviceSilent(Retryable):
    """A device did not answer in time."""


class DeviceBusy(Retryable):
    """A device or its gateway answered that it cannot serve now."""


class StoreUnavailable(Retryable):
    """A store could not commit (disk full, I/O error); nothing of that commit is in it."""


class Permanent(DayuanError):
    """Trying again cannot help."""


class BadSettings(Permanent):
    """A settings file is wrong. ``str()`` is ``file:line: key: message (allowed: ...)``."""

    def __init__(self, message: str, *, file: str, line: int = 0, key: str = "", allowed: str = "") -> None:
        self.message, self.file, self.line, self.key, self.allowed = message, file, line, key, allowed
        where = f"{file}:{line}" if line else file
        what = f"{key}: {message}" if key else message
        super().__init__(f"{where}: {what}" + (f" (allowed: {allowed})" if allowed else ""))


class BadProfile(BadSettings):
    """A device profile is wrong; the same shape as :class:`BadSettings`."""


class UnknownPoint(Permanent):
    """A point name that is not in the vocabulary (``protocols/points.toml``)."""


class _Refused(Permanent):
    """A message that is not what it should be. ``reason`` is one stable word, ``detail`` is for a person."""

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason, self.detail = reason, detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class BadBatch(_Refused):
    """A batch that cannot be taken: see :mod:`protocols.batch` for the reasons."""


class BadAck(_Refused):
    """An ack, birth or status message that cannot be read."""


class BadPayload(_Refused):
    """A device's message that its profile cannot decode."""


class BadCommand(_Refused):
    """A command that a device cannot carry out; the detail says what it can."""


class BadOffer(_Refused):
    """A site file offered from afar that a gateway does not take."""


class BadRollout(_Refused):
    """A change for many gateways that cannot be, or not now."""


class BadGrants(_Refused):
    """A list of grants that no gateway may go by; the detail says where in it the fault is."""


class StoreDamaged(Permanent):
    """A store file cannot be read. It is left where it lies until somebody sets it aside."""

    def __init__(self, path: str, detail: str) -> None:
        self.path, self.detail = path, detail
        super().__init__(f"{path}: {detail}")
