"""Posts one message. The door of httpx; imported when the first message is sent, as few collectors send any."""

import asyncio
import errno
import ssl
from pathlib import Path
from typing import NamedTuple

import httpx

from cloud.alarms.webhook import Prepared
from protocols.errors import Retryable

TOTAL_S = 10.0
CONNECT_S = 5.0
ANSWER_MAX = 2_048
"""Bytes of an answer that are read."""


class NotReached(Retryable):
    """Nobody answered. The message holds nothing secret."""


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


def _trusting(ca_file: str) -> ssl.SSLContext:
    if ca_file and not Path(ca_file).is_file():  # a pipe or a device might never end
        raise FileNotFoundError(errno.ENOENT, "no such file")
    return ssl.create_default_context(cafile=ca_file or None)


async def post(request: Prepared, *, ca_file: str = "", total_s: float = TOTAL_S) -> Answer:
    """Send it and read the beginning of the answer. Follows no redirect; raises NotReached."""
    try:
        verify = await asyncio.to_thread(_trusting, ca_file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        raise NotReached(f"ca_file cannot be read: {reason or type(error).__name__}") from None
    limits = httpx.Timeout(total_s, connect=CONNECT_S)
    try:
        async with (
            asyncio.timeout(total_s),
            httpx.AsyncClient(verify=verify, timeout=limits, follow_redirects=False, trust_env=False) as client,
            client.stream("POST", request.url, headers=request.headers, content=request.body) as response,
        ):
            read = b""
            async for chunk in response.aiter_raw(ANSWER_MAX):
                read += chunk
                if len(read) >= ANSWER_MAX:
                    break
            return Answer(response.status_code, read[:ANSWER_MAX])
    except TimeoutError:
        raise NotReached(f"no answer within {total_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        # ValueError: of a host name that looks like an encoded one and is none (xn--), only said when it is asked.
        # The words of an error may hold the address, and that its key.
        cause = error.__cause__ or error
        known = isinstance(cause, ssl.SSLError) or "CERTIFICATE" in str(error)
        raise NotReached("its certificate cannot be trusted" if known else type(error).__name__) from None
