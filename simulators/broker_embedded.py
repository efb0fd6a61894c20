"""The embedded broker (amqtt) as a program: ``python -m simulators.broker_embedded CONFIG.json``.

For machines without mosquitto. Accounts and access rules come from the file; nobody is anonymous.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session


def allows(topic_filter: str, topic: str) -> bool:
    """True when ``topic`` (or the filter somebody wants to subscribe to) lies inside ``topic_filter``."""
    wanted, have = topic_filter.split("/"), topic.split("/")
    for number, part in enumerate(wanted):
        if part == "#":
            return True
        if number >= len(have) or have[number] == "#" or (part != "+" and part != have[number]):
            return False
    return len(wanted) == len(have)


@dataclass
class _Rules:
    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)


class PasswordGate(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Lets in the accounts of the configuration with the password from their files."""

    Config = _Rules

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        accounts = self._get_config_option("accounts", {})
        self._passwords = {
            name: Path(account["password_file"]).read_text(encoding="utf-8").strip()
            for name, account in accounts.items()
        }

    async def authenticate(self, *, session: Session) -> bool | None:
        wanted = self._passwords.get(session.username or "")
        given = session.password or ""
        return wanted is not None and hmac.compare_digest(wanted.encode(), given.encode())


class TopicGate(BaseTopicPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Lets each account publish and subscribe only where the configuration says."""

    Config = _Rules

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        self._accounts: dict[str, dict[str, list[str]]] = self._get_config_option("accounts", {})

    async def topic_filtering(
        self, *, session: Session | None = None, topic: str | None = None, action: Action | None = None
    ) -> bool | None:
        account = self._accounts.get((session.username or "") if session else "")
        if account is None or not topic:
            return False
        filters = account["publish"] if action == Action.PUBLISH else account["subscribe"]
        return any(allows(wanted, topic) for wanted in filters)


async def serve(settings: dict[str, Any]) -> None:
    """Run until SIGTERM or SIGINT."""
    here = "simulators.broker_embedded"
    rules = {"accounts": settings["accounts"]}
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{settings['port']}"}},
            "plugins": {f"{here}.PasswordGate": rules, f"{here}.TopicGate": rules},
        }
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await broker.start()
    await ended.wait()
    await broker.shutdown()


def main() -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("transitions").setLevel(logging.ERROR)
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asyncio.run(serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
