"""``dayuan-sim history``."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from protocols.clock import SystemClock
from protocols.errors import BadSettings
from protocols.mqtt_url import parse_mqtt_url
from protocols.reading import ID_RULE, is_id
from protocols.settings import duration
from simulators.layout import Layout
from simulators.wires.mqtt import BrokerAccount

Account = Callable[[str], BrokerAccount]

METERS_MAX = 1_000


def add_history(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put it beside the others."""
    history = commands.add_parser(
        "history", help="a year of a compound's meters, with faults in it, through a broker into a collector"
    )
    history.add_argument("--data", metavar="DIR", type=Path, help="folder of a running demo: its broker, seed and past")
    history.add_argument("--broker", metavar="URL", default="mqtt://127.0.0.1:1883", help="of the collector")
    history.add_argument("--username", help="of the broker; it publishes for the gateways")
    history.add_argument("--password-file", metavar="FILE", type=Path, help="file that holds the broker's password")
    history.add_argument("--site", default="east-compound", help="that the meters belong to")
    history.add_argument(
        "--days", metavar="N", type=_count, default=365, help="how many; from 45 on faults are planted"
    )
    history.add_argument("--meters", metavar="N", type=_count, default=40, help="the demo's 40, more buildings beyond")
    history.add_argument("--seed", type=int, default=1, help="of the simulated world")
    history.add_argument("--until", metavar="TIME", type=_instant, help="where it ends, ISO 8601 with zone; now")
    history.add_argument("--every", metavar="TIME", type=_time, default=900.0, help='between readings, as in "1 min"')
    history.add_argument("--electricity-only", action="store_true", help="no water, no gas, no outdoor temperature")
    history.add_argument(
        "--out", metavar="DIR", type=Path, default=Path("history"), help="for structure.json, truth.json, temperature"
    )
    history.set_defaults(work=_history)


def _history(options: argparse.Namespace) -> int:
    from simulators.demo import say
    from simulators.east_compound import east_compound
    from simulators.history import HistoryOptions, send_history
    from simulators.history_readings import History, widened

    clock = SystemClock()
    until, seed, account = options.until or clock.now_ms(), options.seed, None
    if options.data is not None:
        until, seed, account = _of_demo(options.data)
    scenario = east_compound(seed, people=True)
    if options.data is None:
        if not is_id(options.site):
            raise BadSettings(f"{options.site!r}: {ID_RULE}", file="command line", key="--site")
        scenario = msgspec.structs.replace(scenario, site=options.site)
    try:
        history = History(
            widened(scenario, min(options.meters, METERS_MAX)),
            days=options.days,
            until_ms=until,
            every_s=round(options.every),
            other_media=not options.electricity_only,
            faults=None if options.data is None else True,
        )
        url = parse_mqtt_url(options.broker)
    except ValueError as error:
        raise BadSettings(str(error), file="command line", key="history") from None
    plain = BrokerAccount(
        host=url.host, port=url.port, username=options.username or "", password_file=options.password_file
    )
    wanted = HistoryOptions(account or (lambda gateway: plain), options.out)
    return asyncio.run(send_history(history, wanted, clock, say))


def _of_demo(folder: Path) -> tuple[int, int, Account]:
    """Where the past of a running demo ends, its seed, and its gateways' accounts at its broker."""
    layout = Layout(folder)
    state = layout.state()
    if not {"origin_ms", "seed", "broker_port"} <= state.keys():
        raise BadSettings(f"{layout.root}: no demo was ever started here", file="command line", key="--data")

    def account(gateway: str) -> BrokerAccount:
        name = f"gateway-{gateway}"
        return BrokerAccount(
            host="127.0.0.1",
            port=int(state["broker_port"]),
            username=name,
            password_file=layout.broker / "secrets" / name,
        )

    return int(state["origin_ms"]), int(state["seed"]), account


def _instant(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; as in 2026-11-22T00:00+08:00") from None
    if when.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no zone; as in 2026-11-22T00:00+08:00")
    return round(when.timestamp() * 1000)


def _time(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)
