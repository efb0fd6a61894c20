"""The demo: one compound on this machine, for a person to look at or for a machine to check."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import random
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

from protocols.clock import Clock
from simulators.clerk_api import ClerkApi, Refused
from simulators.compound import Compound
from simulators.compound_energy import bring_in_energy
from simulators.east_compound import east_compound
from simulators.layout import FolderInUse, Layout
from simulators.lent_cards import LentCards
from simulators.people_desk import PeopleDesk
from simulators.processes import ProcessFailed
from simulators.scenario import Scenario
from simulators.stored import ApiRefused

DONE, FAILED, WRONG = 0, 1, 2
FIRST_VALUES_S = 20.0
DRAIN_S = 180.0
DOWN_S = (0.3, 3.0)
FORGET_EVERY_S = 600.0
TOLD_EVERY_S = 30.0
GO_HOME_S = 5.0


class DemoOptions(NamedTuple):
    """How the demo is run. ``for_s`` None: until Ctrl-C. ``kill_every_s`` 0: nothing is killed.

    speed: people do so many times as much; happenings: at most so many of what they do, None: a day's.
    history_days: so much past do the meters get, with energy set up, beside what goes on; 0: none.
    """

    data: Path
    seed: int | None = None
    port: int = 8080
    for_s: float | None = None
    verify: bool = False
    headless: bool = False
    kill_every_s: float = 0.0
    embedded_broker: bool = False
    people: bool = True
    speed: float = 1.0
    happenings: int | None = None
    history_days: int = 0


def say(line: str) -> None:
    print(line, flush=True)


async def run_demo(options: DemoOptions, clock: Clock, *, out: Callable[[str], None] = say) -> int:
    """Run the demo; the exit code is 0 only when everything went well and, if asked for, the verdict is clean."""
    compound = Compound(options.data, _scenario(options), clock, say=out, http_port=options.port,
                        embedded_broker=options.embedded_broker, sample=True)  # fmt: skip
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        return await _run(compound, options, clock, ended, out)
    except FolderInUse as error:
        out(f"dayuan-sim: {error}; end it first, or choose another folder with --data")
        return WRONG
    except ProcessFailed as error:
        out(f"dayuan-sim: {error}")
        return FAILED
    except ApiRefused as error:
        out(f"dayuan-sim: the collector refused to answer: {error}")
        return FAILED
    except (OSError, http.client.HTTPException) as error:
        out(f"dayuan-sim: the collector cannot be asked: {error}")
        return FAILED
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _scenario(options: DemoOptions) -> Scenario:
    """A folder keeps the seed it began with, so that meters stay the meters they were."""
    kept = Layout(options.data).state().get("seed")
    return east_compound(
        int(kept if kept is not None else options.seed if options.seed is not None else 1), people=options.people
    )


async def _run(
    compound: Compound, options: DemoOptions, clock: Clock, ended: asyncio.Event, out: Callable[[str], None]
) -> int:
    began = clock.monotonic()
    first_start = not compound.layout.collector.exists()
    out(f"Starting a compound in {compound.layout.root}" + ("" if first_start else " (with the data that is there)"))
    starting = asyncio.create_task(compound.start(), name="start")
    interrupted = asyncio.create_task(ended.wait(), name="interrupt")
    try:
        await asyncio.wait({starting, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            out("Stopped while starting.")
            return FAILED
        await starting
        await _first_values(compound, clock, ended, out, began)
        if not options.headless:
            _greet(compound, out)
        async with people_of(compound, options, clock, out), past_of(compound, options, clock, out):
            code = await _live(compound, options, clock, ended, out)
        if options.verify and code == DONE:
            code = await _verdict_or_interrupt(compound, interrupted, out)
        return code
    finally:
        interrupted.cancel()
        if compound.layout.locked:
            out("Stopping.")
            stopped_at = clock.monotonic()
            await compound.stop()
            out(f"Everything ended ({clock.monotonic() - stopped_at:.1f} s). The data stays in {compound.layout.root}")


async def _first_values(
    compound: Compound, clock: Clock, ended: asyncio.Event, out: Callable[[str], None], began: float
) -> None:
    """Wait until the collector shows values; says how long that took."""
    deadline = clock.monotonic() + FIRST_VALUES_S
    api = compound.api()
    try:
        while clock.monotonic() < deadline and not ended.is_set():
            with contextlib.suppress(ApiRefused, OSError):
                state = await asyncio.to_thread(api.get, "/api/v1/state")
                living = [each for each in state["entities"] if any(point for point in each["points"].values())]
                if living:
                    out(f"values     {len(living)} devices after {clock.monotonic() - began:.1f} s")
                    return
            await clock.sleep(0.3)
    finally:
        api.close()
    if not ended.is_set():
        raise ProcessFailed(
            f"no values at the collector within {FIRST_VALUES_S:g} s; logs are in {compound.layout.logs}"
        )


def _greet(compound: Compound, out: Callable[[str], None]) -> None:
    password = compound.one_time_password()
    out("")
    out(f"  Page                {compound.url}")
    out("  User                admin")
    if password is not None:
        out(f"  One-time password   {password}")
    else:
        out("  Password            the one you chose; a new one-time password is made by")
        out(f"                      dayuan-cloud user reset admin --data {compound.layout.collector}")
    out(f"  Logs                {compound.layout.logs}")
    out("")
    out("  Ctrl-C ends everything; the next start goes on with the same data.")
    out("")


@contextlib.asynccontextmanager
async def people_of(
    compound: Compound, options: DemoOptions, clock: Clock, out: Callable[[str], None]
) -> AsyncIterator[None]:
    """People live in the compound meanwhile. What ends them early is told, and the demo goes on without them."""
    if not options.people:
        yield
        return
    assert compound.hardware is not None
    api = ClerkApi(compound.url, compound.layout.token_file.read_text(encoding="utf-8").strip(), clock)
    seed = compound.scenario.seed
    lent = LentCards(api, compound.hardware, clock, secret=compound.layout.card_secret(), seed=seed)
    desk = PeopleDesk(api, compound.hardware, clock, seed=seed, run=int(compound.layout.state()["runs"]),
                      times=options.speed, limit=options.happenings, lent=lent)  # fmt: skip
    living = asyncio.create_task(desk.run(), name="people")
    telling = asyncio.create_task(_tell(desk, living, clock, out), name="telling")
    try:
        yield
    finally:
        for task in (telling, living):
            task.cancel()
        await asyncio.gather(telling, living, return_exceptions=True)
        with contextlib.suppress(Refused, OSError, http.client.HTTPException, TimeoutError):
            async with asyncio.timeout(GO_HOME_S):
                await desk.go_home()
        out(desk.line())
        api.close()


@contextlib.asynccontextmanager
async def past_of(
    compound: Compound, options: DemoOptions, clock: Clock, out: Callable[[str], None]
) -> AsyncIterator[None]:
    """The past of the meters is brought in meanwhile; an end before that breaks it off."""
    if not options.history_days:
        yield
        return
    bringing = asyncio.create_task(bring_in_energy(compound, options.history_days, clock, out), name="energy")
    try:
        yield
    finally:
        bringing.cancel()
        await asyncio.gather(bringing, return_exceptions=True)


async def _tell(desk: PeopleDesk, living: asyncio.Task[None], clock: Clock, out: Callable[[str], None]) -> None:
    """What people do, now and then, while they do anything."""
    while not living.done():
        await clock.sleep(TOLD_EVERY_S)
        out(desk.line())
    failure = living.exception()
    if failure is not None:
        causes = failure.exceptions if isinstance(failure, ExceptionGroup) else (failure,)
        out(f"dayuan-sim: people stopped: {causes[0]!r}; start the demo again, or with --quiet-people")


async def _live(
    compound: Compound, options: DemoOptions, clock: Clock, ended: asyncio.Event, out: Callable[[str], None]
) -> int:
    """Until the time is over, somebody ends it, or a process does not stay up."""
    deadline = clock.monotonic() + options.for_s if options.for_s is not None else None
    killing = None
    forget_at = clock.monotonic() + FORGET_EVERY_S
    if options.kill_every_s > 0:
        killing = asyncio.create_task(_kill_now_and_then(compound, options, clock, out), name="killing")
    try:
        while not ended.is_set() and (deadline is None or clock.monotonic() < deadline):
            if compound.failure is not None:
                out(f"dayuan-sim: {compound.failure}")
                return FAILED
            if clock.monotonic() > forget_at:
                forget_at += FORGET_EVERY_S
                compound.forget_old()
            if killing is not None and killing.done():
                killing.result()
            await clock.sleep(0.2)
    finally:
        if killing is not None:
            killing.cancel()
            await asyncio.gather(killing, return_exceptions=True)
    for name in compound.names:
        await compound.restart(name)
    return DONE


async def _kill_now_and_then(
    compound: Compound, options: DemoOptions, clock: Clock, out: Callable[[str], None]
) -> None:
    rng = random.Random(options.seed if options.seed is not None else 1)
    while True:
        await clock.sleep(options.kill_every_s * rng.uniform(0.5, 1.5))
        name = rng.choice(compound.names)
        down_s = rng.uniform(*DOWN_S)
        out(f"kill -9 {name}, down for {down_s:.1f} s")
        await compound.kill(name)
        await clock.sleep(down_s)
        await compound.restart(name)


async def _verdict_or_interrupt(compound: Compound, interrupted: asyncio.Task[bool], out: Callable[[str], None]) -> int:
    judging = asyncio.create_task(_verdict(compound, out), name="verdict")
    await asyncio.wait({judging, interrupted}, return_when=asyncio.FIRST_COMPLETED)
    if judging.done():
        return judging.result()
    judging.cancel()
    await asyncio.gather(judging, return_exceptions=True)
    out("Interrupted: nothing was compared.")
    return FAILED


async def _verdict(compound: Compound, out: Callable[[str], None]) -> int:
    out("Draining: devices are quiet, gateways send what they hold.")
    if not await compound.drain(DRAIN_S):
        out(f"dayuan-sim: gateways still hold batches after {DRAIN_S:g} s")
        return FAILED
    out("Comparing what the devices gave with what the collector stored.")
    verdict = await compound.verify(progress=lambda done, whole: out(f"  {done} of {whole} series"))
    for line in verdict.lines():
        out(line)
    return DONE if verdict.ok else FAILED
