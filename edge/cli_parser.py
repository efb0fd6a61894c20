"""The command line of ``dayuan-edge``: its commands and their options. What they do stands in cli.py and cli_*.py."""

from __future__ import annotations

import argparse

from edge.commissioning.scan_target import BAUDS, HOST_UNITS, MANY_HOSTS_UNITS, PARITIES, SERIAL_UNITS
from edge.introduce import software_version

DEFAULT_SITE = "site.toml"
PAGE_LISTEN = "127.0.0.1:8088"

Commands = argparse._SubParsersAction  # argparse has no public name for it

SCAN = """find the devices on a serial line or on hosts, name their models, print a site file; writes to no device

Serial settings are found first, then unit ids, then what each unit is: by what it says of itself, else by what its
registers look like. What is not sure is printed as a comment with its candidates."""
READ = """read every Modbus device of the site once: values, units, quality, raw registers

With --orders: read any registers, also of a device without a profile, and print them as every type in every word order,
what could be a measured value first."""
WATCH = """show the values of Modbus devices as they change, in the terminal; q or Ctrl-C ends it

Asks the running gateway when there is one, else reads the devices itself, each as often as its `every` says."""
PAGE = """serve a status page of this gateway for a browser on this machine, until Ctrl-C

Runs beside the gateway, so that it is up when the gateway is not, and shows what is wrong with the site file."""
BUNDLE = """gather what somebody needs who is to help, without secrets, in one file

Site file, status, figures of the buffer, log, machine. Passwords, keys and tokens are taken out."""
ENROL = """get this gateway's certificate from a collector, with a one-time code

The code is made there by `dayuan-cloud gateway add SITE/GATEWAY`. The key is made here and never leaves. After that
`url = "mqtts://..."` under [uplink] is all that is needed; the certificate is renewed by itself."""
CARD_KEY = """change the key of a site's cards without reading them again

The new secret keys the old keys, so what is on record is carried over by --map. Both are valid while the new keys stand
beside the old ones in the collector."""
WRITE = """switch an output, make a pulse or set a number, and say whether it was done

Goes through the running gateway when there is one. A pulse is made and ended by the module itself and is never sent
twice: when nothing says whether it was carried out, that is what is printed.

A point that stands under [device.remote] is held to the same actions, limits, rate and two people as an order from
afar. --at-my-risk "WHY" goes past that, and is written down beside the buffer before anything is sent."""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; ``options.command`` says which one was given."""
    parser = argparse.ArgumentParser(
        prog="dayuan-edge", description="The gateway: reads devices, keeps every reading, sends it up."
    )
    parser.add_argument("--version", action="version", version=f"dayuan {software_version()}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _scan(commands)
    _enrol(commands)
    _card_key(commands)
    _command(commands, "check", "check a site file: errors with file and line, warnings that would bite on site")
    _read(commands)
    _watch(commands)
    _write(commands)
    run = _command(commands, "run", "run the gateway until Ctrl-C or SIGTERM")
    run.add_argument("--log", choices=("debug", "info", "warning"), default="info", help="how much to log")
    _command(commands, "status", "ask the running gateway: lanes, backlog, devices, periods, drops, clock")
    _looked_after(commands)
    return parser


def _looked_after(commands: Commands[argparse.ArgumentParser]) -> None:
    health = _command(commands, "health", "wait until the running gateway is healthy; exit code 0 only then")
    health.add_argument("--within", default="60s", metavar="TIME", help="how long to wait (default: 60s)")
    health.add_argument("--online", action="store_true", help="it must have its connection too")
    page = _command(commands, "page", PAGE)
    page.add_argument("--listen", default=PAGE_LISTEN, metavar="HOST:PORT", help=f"where (default: {PAGE_LISTEN})")
    about_file = "mode 0600; needed to listen for others than this machine; made when it is not there"
    page.add_argument("--token-file", default="", metavar="FILE", help=f"file with the token to enter by, {about_file}")
    bundle = _command(commands, "support-bundle", BUNDLE)
    bundle.add_argument(
        "--out", default="", metavar="FILE", help="the file to write, .tar.gz (default: named after gateway and time)"
    )


def _card_key(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _plain(commands, "card-key", CARD_KEY)
    parser.add_argument("site", help="the site file")
    does = parser.add_mutually_exclusive_group(required=True)
    does.add_argument("--add", action="store_true", help="add a secret to the file of card keys")
    does.add_argument("--map", action="store_true", help="read card keys, a line each; print old,new")


def _enrol(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _plain(commands, "enrol", ENROL)
    parser.add_argument("url", help="of the collector's page, like https://collector.example:8080")
    parser.add_argument("code", help="the one-time code; - reads it from standard input")
    parser.add_argument("site", nargs="?", default=DEFAULT_SITE, help=f"the site file (default: {DEFAULT_SITE})")
    _json(parser)


def _scan(commands: Commands[argparse.ArgumentParser]) -> None:
    of_units = f"unit ids, in this order (default: serial {SERIAL_UNITS}; host {HOST_UNITS}; hosts {MANY_HOSTS_UNITS})"
    bauds, parities = ",".join(map(str, BAUDS)), ",".join(PARITIES)
    parser = _plain(commands, "scan", SCAN)
    parser.add_argument("target", help="/dev/ttyUSB0, 192.168.1.20, 192.168.1.20:502, 192.168.1.20-40, 192.168.1.0/24")
    parser.add_argument("--units", default="", metavar="LIST", help=of_units)
    parser.add_argument("--baud", default=bauds, metavar="LIST", help="serial speeds to try")
    parser.add_argument("--parity", default=parities, metavar="LIST", help="serial parities to try")
    parser.add_argument("--rtu-over-tcp", action="store_true", help="the host passes RTU frames on (serial server)")
    _timeout(parser, "how long to wait for a unit (default: serial 0.3s, TCP 1s)")
    parser.add_argument(
        "--thorough", action="store_true", help="ask silent units with every reading function; takes four times as long"
    )
    parser.add_argument("--profiles", default="profiles", metavar="FOLDER", help="folder with profiles of your own")
    parser.add_argument("--save", default="", metavar="FILE", help="write the site file there, if there is none yet")
    _json(parser)


def _read(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _plain(commands, "read", READ)
    where = f"the site file (default: {DEFAULT_SITE}); with --orders also a serial port or a host"
    parser.add_argument("site", nargs="?", default=DEFAULT_SITE, help=where)
    parser.add_argument("device", nargs="?", help="only this device")
    _of_the_box(parser)
    parser.add_argument("--no-registers", action="store_true", help="leave the raw registers out")
    orders = parser.add_argument_group("with --orders")
    orders.add_argument("--orders", action="store_true", help="print registers as every type in every word order")
    orders.add_argument("--at", type=number, default=0, metavar="ADDRESS", help="first register, from 0; 40001 is 0")
    orders.add_argument("--count", type=number, default=40, metavar="N", help="how many registers")
    orders.add_argument("--area", choices=("holding", "input"), default="holding", help="which registers")
    orders.add_argument("--unit", type=number, metavar="ID", help="unit id, when it is no device of a site file")
    orders.add_argument("--baud", type=number, default=9600, help="of a serial port")
    orders.add_argument("--parity", choices=PARITIES, default="N", help="of a serial port")
    orders.add_argument("--rtu-over-tcp", action="store_true", help="the host passes RTU frames on")
    orders.add_argument(
        "--apart", default="2s", metavar="TIME", help="between the two reads that show what moves; 0s: one"
    )
    orders.add_argument("--all", action="store_true", help="also what is not plausible")
    _timeout(orders, "how long to wait for an answer (default: 1s)")
    _json(parser)


def _watch(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _plain(commands, "watch", WATCH)
    parser.add_argument("site", nargs="?", default=DEFAULT_SITE, help=f"the site file (default: {DEFAULT_SITE})")
    parser.add_argument("device", nargs="?", help="only this device")
    _of_the_box(parser)
    parser.add_argument("--for", dest="lasting", default="", metavar="TIME", help="end by itself after this long")
    _json(parser, "print one JSON object per poll and line")


def _write(commands: Commands[argparse.ArgumentParser]) -> None:
    parser = _plain(commands, "write", WRITE)
    parser.add_argument("site", help="the site file")
    parser.add_argument("device", help="which device")
    parser.add_argument("point", help="which of its points")
    parser.add_argument("value", metavar="on|off|pulse|NUMBER", help="what to do; a number is in the point's unit")
    _of_the_box(parser)
    parser.add_argument(
        "--for",
        dest="lasting",
        default="",
        metavar="TIME",
        help="length of the pulse, like 3s; left out where the module holds it",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    parser.add_argument(
        "--at-my-risk", default="", metavar="WHY", help="past the rule of the site file for this point; is written down"
    )
    _json(parser)


def _of_the_box(parser: argparse.ArgumentParser) -> None:
    about = "go by the file on the box, also where the gateway runs one from the collector"
    parser.add_argument("--file", action="store_true", help=about)


def _plain(commands: Commands[argparse.ArgumentParser], name: str, about: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=about.partition("\n")[0],
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _command(commands: Commands[argparse.ArgumentParser], name: str, about: str) -> argparse.ArgumentParser:
    parser = _plain(commands, name, about)
    parser.add_argument("site", nargs="?", default=DEFAULT_SITE, help=f"the site file (default: {DEFAULT_SITE})")
    _json(parser)
    return parser


def _json(parser: argparse.ArgumentParser, about: str = "print JSON") -> None:
    parser.add_argument("--json", action="store_true", help=about)


def _timeout(parser: argparse._ActionsContainer, about: str) -> None:
    parser.add_argument("--timeout", default="", metavar="TIME", help=about)


def number(text: str) -> int:
    """A whole number as people write addresses: 3027 or 0x0BD3."""
    try:
        value = int(text, 0)
    except ValueError:
        value = -1
    if not 0 <= value <= 0xFFFF:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 65535, like 3027 or 0x0BD3")
    return value
