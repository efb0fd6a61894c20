"""Speaking HTTP to VictoriaMetrics: one client, bounded times, errors that name the server and never a secret."""

import logging
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from protocols.errors import StoreUnavailable

CONNECT_S = 5.0
ANSWER_S = 120.0


class VictoriaHttp:
    """Calls block, from any thread; all raise StoreUnavailable."""

    def __init__(self, url: str, *, username: str | None, password: str | None, ca_file: Path | None) -> None:
        self.url = url.rstrip("/")
        logging.getLogger("httpx").setLevel(logging.WARNING)  # it has a line for each request
        self._auth = (username, password or "") if username is not None else None
        self._vouched: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(ca_file)) if ca_file else True
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    @property
    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                self._made = httpx.Client(
                    base_url=self.url,
                    auth=self._auth,
                    timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
                    verify=self._vouched,
                    trust_env=False,
                    limits=httpx.Limits(max_connections=8),
                )
            return self._made

    def close(self) -> None:
        """Let go of connections; a later call makes new ones."""
        with self._lock:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def post(self, path: str, body: bytes) -> None:
        """Hand something over."""
        with self._failures():
            self._good(self._client.post(path, content=body))

    def text(self, path: str) -> str:
        """A page of text."""
        with self._failures():
            return self._good(self._client.get(path)).text

    def text_at(self, path: str) -> tuple[str, float]:
        """A page of text, and when the server's own clock made it (seconds since 1970)."""
        with self._failures():
            answer = self._good(self._client.get(path))
            try:
                return answer.text, parsedate_to_datetime(answer.headers["Date"]).timestamp()
            except (KeyError, ValueError) as error:
                raise StoreUnavailable(f"VictoriaMetrics at {self.url}: it does not say what time it is") from error

    def ask(self, path: str, form: Sequence[tuple[str, str]]) -> bytes:
        """The answer to a form."""
        fields: dict[str, list[str]] = {}
        for name, value in form:
            fields.setdefault(name, []).append(value)
        with self._failures():
            return self._good(self._client.post(path, data=fields)).content

    def lines(self, path: str, form: Sequence[tuple[str, str]]) -> Iterator[bytes]:
        """The lines of an answer, one after the other."""
        for line in self.ask(path, form).splitlines():
            if line:
                yield line

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise StoreUnavailable(f"VictoriaMetrics at {self.url}: {said[:200]}") from error

    def _good(self, answer: httpx.Response) -> httpx.Response:
        if answer.is_success:
            return answer
        said = answer.text.strip().split("\n", 1)[0][:200]
        raise StoreUnavailable(f"VictoriaMetrics at {self.url}: status {answer.status_code}: {said}")
