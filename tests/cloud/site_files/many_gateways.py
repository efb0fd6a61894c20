"""Many gateways that answer as they are told to, over a real registry and authority; a collector can be killed."""

from __future__ import annotations

from collections.abc import Sequence

from cloud.alarms.board import AlarmBoard
from cloud.identity.authority import Authority
from cloud.identity.enrolling import Enrolling
from cloud.registry.alarm_book import AlarmBook
from cloud.registry.identity_book import IdentityBook
from cloud.registry.rollout_book import Seen
from cloud.registry.site_file_book import SiteFileBook
from cloud.registry.tables_rollouts import RolloutRow
from cloud.site_files.checking import Checked
from cloud.site_files.configuring import Configuring
from cloud.site_files.rollout_steps import shown
from cloud.site_files.rollouts import Wish
from cloud.store.contract import GatewayKey
from protocols.birth import SiteFileBirth
from protocols.certificates import command_key, make_request, new_key
from protocols.clock import ManualClock
from protocols.enrolment import ask, read_code
from protocols.reading import Scalar
from protocols.site_config import open_offer, pack, sha256_of
from protocols.topics import parse
from tests.cloud.site_files.answers import answer_of

TEXT = '[gateway]\nsite = "{site}"\nid = "{gateway}"\n[buffer]\nflush_every = "1 s"\n'


class Gateway:
    """One that tries what is newer than it judged. ``does``: ``apply``, ``roll_back``, ``refuse`` or ``away``."""

    def __init__(self, key: GatewayKey) -> None:
        self.key, self.does = key, "apply"
        self.runs = TEXT.format(site=key.site, gateway=key.gateway)
        self.highest = 0
        self.heard: list[tuple[int, str]] = []
        """Every revision that reached it, with its text."""
        self.answer: tuple[str, dict[str, Scalar]] | None = None


class ManyGateways:
    """``begin`` a collector, ``turn`` it; `gateways` by key."""

    def __init__(self, names: Sequence[str], database: object, folder: object, clock: ManualClock) -> None:
        self.clock, self.database = clock, database
        self.gateways = {key: Gateway(key) for key in (GatewayKey(*name.split("/")) for name in names)}
        self.authority = Authority(folder / "identity", clock)  # type: ignore[operator]
        self.retained: dict[GatewayKey, bytes] = {}
        self.alarms = AlarmBoard(AlarmBook(database), clock)  # type: ignore[arg-type]
        self.desk: Configuring

    async def begin(self) -> None:
        """A collector begins, as after a start: it knows what stands in the registry."""
        identities = IdentityBook(self.database, self.clock)  # type: ignore[arg-type]
        book = SiteFileBook(self.database)  # type: ignore[arg-type]
        self.desk = Configuring(self.authority, book, identities, self.clock, self._publish, self.alarms)
        self.desk.check = self._check  # type: ignore[method-assign]  # the reader is tried elsewhere, and takes a second
        self.desk._take(await self.desk.book.unanswered())

    async def enrol(self) -> None:
        """Every gateway has a certificate and has said what it runs."""
        enrolling = Enrolling(self.authority, IdentityBook(self.database, self.clock), self.clock)  # type: ignore[arg-type]
        key = new_key()
        for each in self.gateways.values():
            code = read_code((await enrolling.invite(each.key)).code)
            await enrolling.enrol(ask(code, *each.key, make_request(key, "/".join(each.key)).decode("ascii")))
            await self.tell(each)

    async def tell(self, gateway: Gateway, state: str = "in_force", revision: int = 0) -> None:
        """It says in a birth which file it runs."""
        raw = gateway.runs.encode()
        said = SiteFileBirth(
            sha256=sha256_of(raw),
            revision=revision,
            source="collector" if revision else "box",
            state=state,  # type: ignore[arg-type]
            packed=pack(raw),
            highest=gateway.highest,
        )
        await self.desk._take_told(gateway.key, said, self.clock.now_ms())

    async def plan(self, **wish: object) -> RolloutRow:
        """A roll-out of another flush, checked."""
        whole = {"why": "calmer", "by": "li", "changes": ['set buffer.flush_every = "5 s"'], "soak_s": 60, **wish}
        row = await self.desk.rollouts.plan(Wish(**whole))  # type: ignore[arg-type]
        while await self.desk.rollouts.check(row.id):
            pass
        return row

    async def turn(self, times: int = 1) -> None:
        """The collector does what is due, and the gateways that are there answer."""
        for _ in range(times):
            await self.desk._runner.look()
            self.desk._take(await self.desk.book.wanted(self.desk._looked_to))
            await self.desk._send()
            for gateway in self.gateways.values():
                if gateway.does != "away":
                    await self.listen(gateway)

    async def listen(self, gateway: Gateway) -> None:
        """It takes what lies for it at the broker."""
        payload = self.retained.get(gateway.key)
        if payload is None:
            return
        public = command_key(self.authority.commands, self.authority.certificate)
        offer, text = open_offer(payload, public, site=gateway.key.site, gateway=gateway.key.gateway)
        if offer.revision <= gateway.highest:
            return
        gateway.highest = offer.revision
        gateway.heard.append((offer.revision, text.decode()))
        kind, data = "config_applied", dict[str, Scalar](devices=26)
        if sha256_of(gateway.runs.encode()) == offer.sha256:
            pass
        elif gateway.does == "refuse" or sha256_of(gateway.runs.encode()) not in offer.bases:
            kind, data = "config_refused", {"reason": "wrong" if gateway.does == "refuse" else "conflict"}
        elif gateway.does == "roll_back":
            kind, data = "config_rolled_back", {"reason": "devices_lost", "devices": "meter-1"}
        else:
            gateway.runs = text.decode()
        gateway.answer = kind, {"revision": offer.revision, **data}
        self.keep()
        await self.say(gateway)

    async def say(self, gateway: Gateway) -> None:
        """It tells what it runs and, until the collector has it, what became of the newest it judged."""
        if gateway.answer is not None:
            kind, data = gateway.answer
            await self.tell(gateway, "in_force", gateway.highest)
            await self.desk.committed(answer_of(gateway.key, kind, **data))

    def keep(self) -> None:
        """What gateways and broker have on their disks is there; here they have none."""

    async def states(self, number: int) -> dict[str, str]:
        """Of every gateway of a roll-out, in one word."""
        row = await self.desk.rollouts.find(number)
        seen: list[Seen] = await self.desk.rollouts.book.seen(number)
        return {"/".join(one.key): shown(row, one, self.clock.now_ms()) for one in seen}

    async def _check(self, key: GatewayKey, text: str) -> Checked:
        if "wrong" in text:
            return Checked(ok=False, line=5, key="buffer.flush_every", message="no duration", allowed='like "5 s"')
        return Checked(ok=True)

    async def _publish(self, topic: str, payload: bytes, *, retain: bool) -> None:
        at = parse(topic)
        assert retain
        assert at is not None
        self.retained[GatewayKey(at.site, at.gateway)] = payload
        self.keep()
