"""``dayuan-sim``: a demo compound, simulated devices alone, a fleet of pretend gateways, and the verdict."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from protocols.clock import SystemClock
from protocols.errors import BadSettings
from protocols.settings import duration
from simulators.cli_history import add_history
from simulators.cli_modbus import add_commands
from simulators.demo import DONE, FAILED, WRONG, DemoOptions, run_demo

DEFAULT_DATA = "dayuan-demo"
HISTORY_DAYS, HISTORY_DAYS_MAX = 90, 800


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(prog="dayuan-sim", description="Simulated hardware on real wires.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_run(commands)
    add_commands(commands)
    _add_fleet(commands)
    add_history(commands)
    _add_verify(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code: 0 done, 1 failed, 2 wrong settings or options."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.work(options))
    except BadSettings as error:
        print(error, file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return FAILED
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser("demo", help="a whole compound on this machine, until Ctrl-C")
    demo.add_argument(
        "--data", metavar="DIR", type=Path, default=Path(DEFAULT_DATA), help=f"folder (else {DEFAULT_DATA})"
    )
    demo.add_argument("--for", dest="for_s", metavar="TIME", type=_time, help='end after so long, as in "60s"')
    demo.add_argument("--verify", action="store_true", help="at the end compare what devices gave with what is stored")
    demo.add_argument("--headless", action="store_true", help="nobody is there: print no address and no password")
    demo.add_argument("--seed", type=int, help="of the simulated world; a folder keeps the one it began with")
    demo.add_argument("--port", type=int, default=8080, help="of the page; the next free one when it is taken")
    demo.add_argument(
        "--kill-every", metavar="TIME", type=_time, default=0.0, help="kill -9 some process about so often"
    )
    demo.add_argument(
        "--embedded-broker", action="store_true", help="use the embedded broker although mosquitto is there"
    )
    demo.add_argument("--quiet-people", action="store_true", help="nobody asks for anything: devices only")
    demo.add_argument(
        "--speed",
        metavar="N",
        type=_speed,
        default=1.0,
        help="people do N times as much as on a working day; devices, gateways and vehicles on the road keep real time",
    )
    demo.add_argument(
        "--history",
        metavar="DAYS",
        type=_days,
        default=HISTORY_DAYS,
        help=f"a past of the meters, sent beside what goes on, and energy set up; 0: none (else {HISTORY_DAYS})",
    )
    demo.set_defaults(work=_demo)


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser("run", help="simulated devices only, from a scenario file, until Ctrl-C")
    run.add_argument("scenario", type=Path, metavar="scenario.toml", help="what to simulate")
    run.add_argument(
        "--data", metavar="DIR", type=Path, default=Path("dayuan-sim"), help="folder of the ledger and lines"
    )
    run.add_argument(
        "--for", dest="for_s", metavar="TIME", type=_time, help='end after so long of the simulated world, as in "60s"'
    )
    run.add_argument(
        "--speed", metavar="N", type=_speed, help="seconds of the simulated world in one of ours; needs an end"
    )
    run.set_defaults(work=_run)


def _add_fleet(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    fleet = commands.add_parser("fleet", help="pretend to be many gateways that send batches as fast as they may")
    fleet.add_argument("--broker", metavar="URL", default="mqtt://127.0.0.1:1883", help="of the collector")
    fleet.add_argument("--username", help="of the broker")
    fleet.add_argument("--password-file", metavar="FILE", type=Path, help="file that holds the broker's password")
    fleet.add_argument("--site", default="fleet", help="that all of them belong to")
    fleet.add_argument("--gateways", metavar="N", type=_count, default=10, help="how many")
    fleet.add_argument("--rate", metavar="N", type=float, default=0.0, help="readings/s of each gateway; 0: all it can")
    fleet.add_argument("--batch", metavar="N", type=_count, default=1000, help="readings per batch")
    fleet.add_argument("--window", metavar="N", type=_count, default=32, help="batches without an ack, per gateway")
    fleet.add_argument("--for", dest="for_s", metavar="TIME", type=_time, default=30.0, help="send for so long")
    fleet.add_argument("--ramp", metavar="TIME", type=_time, default=0.0, help="connect one after the other within")
    fleet.add_argument(
        "--watch", metavar="NAME=PID", type=_named, action="append", help="tell what this process spends; repeatable"
    )
    fleet.add_argument(
        "--disk", metavar="NAME=DIR", type=_named, action="append", help="tell what this folder grows by; repeatable"
    )
    fleet.add_argument(
        "--class",
        dest="classes",
        metavar="SHARE:BATCH:RATE",
        type=_class,
        action="append",
        help="a part of the gateways that sends otherwise, like 80:20:2 and 20:500:50; repeatable",
    )
    fleet.add_argument("--births", action="store_true", help="each tells its birth and statuses, too")
    fleet.add_argument(
        "--cut",
        metavar="TIME",
        type=_time,
        action="append",
        help="so long after the begin, or after the last such, cut all connections at once; repeatable",
    )
    fleet.add_argument(
        "--away",
        metavar="TIME:TIME",
        type=_away,
        action="append",
        help="after the cuts: after so long, keep all away for so long, sealing goes on; repeatable",
    )
    fleet.add_argument("--ca", metavar="FILE", type=Path, help="who vouches for an mqtts:// broker")
    fleet.add_argument("--out", metavar="FILE", type=Path, help="write the figures there as JSON, too")
    fleet.add_argument("--json", action="store_true", help="the figures as JSON")
    fleet.set_defaults(work=_fleet)


def _add_verify(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    check = commands.add_parser("verify", help="compare a running demo's ledger with what its collector stored")
    check.add_argument("--data", metavar="DIR", type=Path, default=Path(DEFAULT_DATA), help="folder of the demo")
    check.add_argument("--younger-than", metavar="TIME", type=_time, default=30.0, help="is too young to judge")
    check.set_defaults(work=_verify)


def _demo(options: argparse.Namespace) -> int:
    demo = DemoOptions(
        data=options.data,
        seed=options.seed,
        port=options.port,
        for_s=options.for_s,
        verify=options.verify,
        headless=options.headless,
        kill_every_s=options.kill_every,
        embedded_broker=options.embedded_broker,
        people=not options.quiet_people,
        speed=options.speed,
        history_days=options.history,
    )
    return asyncio.run(run_demo(demo, SystemClock()))


def _run(options: argparse.Namespace) -> int:
    from simulators.devices_only import run_devices
    from simulators.scenario import load_scenario

    scenario = load_scenario(options.scenario)
    if options.speed is not None:
        scenario = msgspec.structs.replace(scenario, speed=options.speed)
    if scenario.speed > 1 and not scenario.duration and options.for_s is None:
        print(
            "dayuan-sim: a world that runs faster needs an end: --for, or a duration in the scenario", file=sys.stderr
        )
        return WRONG
    return asyncio.run(run_devices(scenario, options.data, SystemClock(), for_s=options.for_s, out=_say))


def _fleet(options: argparse.Namespace) -> int:
    from simulators.fleet import FleetOptions, GatewayClass, run_fleet
    from simulators.fleet_trouble import Trouble
    from simulators.fleet_watch import Watch

    fleet = FleetOptions(
        broker=options.broker,
        username=options.username,
        password_file=options.password_file,
        site=options.site,
        gateways=options.gateways,
        rate=options.rate,
        batch=options.batch,
        window=options.window,
        for_s=options.for_s,
        ramp_s=options.ramp,
        watch=Watch(
            {name: _pid(value) for name, value in options.watch or ()},
            {name: Path(value) for name, value in options.disk or ()},
        ),
        out=options.out,
        classes=tuple(GatewayClass(*each) for each in options.classes or ()),
        births=options.births,
        troubles=tuple(
            Trouble(*each) for each in [*((after_s,) for after_s in options.cut or ()), *(options.away or ())]
        ),
        ca_file=options.ca,
    )
    if any(each.away_s for each in fleet.troubles) and not all(load.rate > 0 for load in fleet.loads()):
        raise BadSettings("a fleet that is away seals on at its --rate; give one", file="command line", key="--away")
    return asyncio.run(run_fleet(fleet, SystemClock(), as_json=options.json, out=_say))


def _verify(options: argparse.Namespace) -> int:
    from simulators.verify import verify_folder

    verdict = verify_folder(options.data, SystemClock(), younger_than_s=options.younger_than)
    if isinstance(verdict, str):
        print(verdict, file=sys.stderr)
        return FAILED
    for line in verdict.lines():
        print(line)
    return DONE if verdict.ok else FAILED


def _class(text: str) -> tuple[float, int, float]:
    """``SHARE:BATCH:RATE``."""
    try:
        share, batch, rate = text.split(":")
        found = float(share), int(batch), float(rate)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no SHARE:BATCH:RATE, like 80:20:2") from None
    if found[0] <= 0 or found[1] < 1 or found[2] < 0:
        raise argparse.ArgumentTypeError(f"{text!r}: share and batch are more than 0, rate is 0 or more")
    return found


def _away(text: str) -> tuple[float, float]:
    """``AFTER:FOR``."""
    after, colon, away = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{text!r} is no TIME:TIME, like 30s:60s")
    return _time(after), _time(away)


def _say(line: str) -> None:
    print(line, flush=True)


def _time(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _named(text: str) -> tuple[str, str]:
    from simulators.fleet_watch import parse_named

    try:
        return parse_named(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _pid(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise BadSettings(f"{text!r} is no process id", file="command line", key="--watch")
    return int(text)


def _speed(text: str) -> float:
    from simulators.scenario import SPEED_MAX

    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= SPEED_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed; 1 to {SPEED_MAX:g}")
    return speed


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > HISTORY_DAYS_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days; 0 to {HISTORY_DAYS_MAX}")
    return int(text)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
