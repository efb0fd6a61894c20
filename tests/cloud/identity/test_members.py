"""Members of a group get certificates: invited once, renewed by themselves, taken back one by one."""

from pathlib import Path

import msgspec
import pytest

from cloud.identity.authority import CLIENT_DAYS, Authority, BadAuthority
from cloud.identity.broker_files import ACCESS
from cloud.identity.member_pair import MemberPair
from cloud.identity.members import CERTIFICATES_MAX, CUT_OFF_TRIES, Members, NotAMember
from cloud.registry.database import Database
from cloud.registry.identity_book import IdentityBook
from cloud.registry.member_book import MemberBook
from cloud.settings import CloudSettings, load_cloud
from protocols.certificates import Certificate, make_request, new_key, read_certificate
from protocols.clock import ManualClock
from protocols.errors import WireLost

DAY_S = 86_400.0
SETTINGS = """[registry]
url = "postgresql://dayuan@127.0.0.1/dayuan"
[store]
kind = "victoria"
url = "http://127.0.0.1:1"
[broker]
url = "mqtts://b.example"
own_certificate = true
[group]
name = "office"
"""


@pytest.fixture
def settings(tmp_path: Path) -> CloudSettings:
    path = tmp_path / "cloud.toml"
    path.write_text(SETTINGS)
    return load_cloud(path)


@pytest.fixture
def members(settings: CloudSettings, authority: Authority, database: Database, clock: ManualClock) -> Members:
    return Members(settings, authority, MemberBook(database, clock), clock)


def pair_of(name: str, folder: Path, database: Database, clock: ManualClock) -> MemberPair:
    folder.mkdir(exist_ok=True)
    return MemberPair(folder, name, MemberBook(database, clock), clock)


def shown(pair: MemberPair) -> Certificate:
    content = pair.path.read_bytes()
    return read_certificate(content[content.index(b"-----BEGIN CERTIFICATE") :])


async def let_in(members: Members, pair: MemberPair) -> None:
    assert not await pair.look()
    await members.look()
    assert await pair.look()


async def test_who_was_not_added_gets_nothing_and_who_was_gets_one(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    pair = pair_of("c1", tmp_path / "c1", database, clock)
    assert not await pair.look()
    await members.look()
    assert not await pair.look()
    await members.add("c1")
    await let_in(members, pair)
    assert shown(pair).name == "collector-c1"
    assert pair.path.stat().st_mode & 0o777 == 0o600
    assert read_certificate(pair.ca_path.read_bytes()).name.startswith("Dayuan collector")


async def test_each_has_a_key_of_its_own_and_all_share_one_secret_name(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    found = []
    for name in ("c1", "c2"):
        await members.add(name)
        found.append(pair_of(name, tmp_path / name, database, clock))
        await let_in(members, found[-1])
    assert shown(found[0]).public_key != shown(found[1]).public_key
    assert found[0].share == found[1].share
    assert found[0].share.startswith("office-")
    assert len(found[0].share) >= len("office-") + 24
    assert await members.names() == ["c1", "c2"]


async def test_an_invitation_is_for_one_key_and_for_its_time(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await members.add("c1", lasts_s=60.0)
    first = pair_of("c1", tmp_path / "one", database, clock)
    await let_in(members, first)
    second = pair_of("c1", tmp_path / "two", database, clock)
    assert not await second.look()
    await members.look()
    assert not await second.look()
    (row,) = await MemberBook(database, clock).all()
    assert "let it ask: dayuan-cloud member add c1" in row.refused
    await members.add("c2", lasts_s=60.0)
    late = pair_of("c2", tmp_path / "late", database, clock)
    await clock.advance(61.0)
    assert not await late.look()
    await members.look()
    assert not await late.look()


async def test_a_certificate_is_renewed_with_a_new_key_when_two_thirds_are_over_and_both_hold(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await members.add("c1")
    pair = pair_of("c1", tmp_path / "c1", database, clock)
    await let_in(members, pair)
    before = shown(pair)
    await clock.advance(CLIENT_DAYS * DAY_S * 2 / 3 + 7_200)
    assert await pair.look(), "the one it has holds still"
    await members.look()
    assert await pair.look()
    after = shown(pair)
    assert after.serial != before.serial
    assert after.public_key != before.public_key
    assert after.not_after > before.not_after
    assert len(await MemberBook(database, clock).valid_certificates("c1")) == 2


async def test_who_only_writes_into_the_registry_gets_no_certificate_in_a_members_name(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await members.add("c1")
    await let_in(members, pair_of("c1", tmp_path / "c1", database, clock))
    book = MemberBook(database, clock)
    forged = make_request(new_key(), "collector-c1").decode()
    for signature in ("", "AAAA", "not base64"):
        await book.ask("c1", forged + "\n" * len(signature), signature)
        await members.look()
    await book.ask("c1", "no request", "")
    await members.look()
    assert len(await book.valid_certificates("c1")) == 1


async def test_one_is_revoked_and_cut_off_and_the_others_go_on(
    members: Members, authority: Authority, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    ended: list[str] = []

    async def takeover(name: str) -> None:
        ended.append(name)
        if len(ended) == 1:
            raise WireLost("the broker is away")

    members.takeover = takeover
    pairs = {}
    for name in ("c1", "c2"):
        await members.add(name)
        pairs[name] = pair_of(name, tmp_path / name, database, clock)
        await let_in(members, pairs[name])
    gone = shown(pairs["c1"])
    await members.revoke("c1", "machine  sold")
    await members.look()
    await members.look()
    assert ended == ["collector-c1", "collector-c1"]
    assert not await pairs["c1"].look()
    assert await pairs["c2"].look()
    assert await members.names() == ["c2"]
    assert [serial for serial, _ in await IdentityBook(database, clock).revoked_serials()] == [gone.serial]
    with pytest.raises(NotAMember, match="is no member"):
        await members.revoke("c1")
    again = Members(members._settings, authority, MemberBook(database, clock), clock)
    again.takeover = takeover
    await again.look()
    assert ended[2:] == ["collector-c1"], "a desk that was down meanwhile"


async def test_one_is_cut_off_until_the_access_list_can_be_written(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    ended: list[str] = []

    async def takeover(name: str) -> None:
        ended.append(name)

    await members.add("c1")
    await let_in(members, pair_of("c1", tmp_path / "c1", database, clock))
    members.takeover = takeover
    folder = tmp_path / "broker"
    members._settings = msgspec.structs.replace(members._settings, broker_files=folder)
    await members.revoke("c1")
    for _ in range(CUT_OFF_TRIES + 1):
        with pytest.raises(BadAuthority):
            await members.look()
    assert ended == ["collector-c1"] * (CUT_OFF_TRIES + 1)
    folder.mkdir()
    (folder / ACCESS).write_text("")
    for _ in range(CUT_OFF_TRIES + 1):
        await members.look()
    assert len(ended) == 2 * CUT_OFF_TRIES + 1, "and as often as usual from then on"


async def test_one_that_is_added_anew_asks_anew_and_what_it_had_holds_no_more(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await members.add("c1")
    pair = pair_of("c1", tmp_path / "c1", database, clock)
    await let_in(members, pair)
    before = shown(pair)
    await members.revoke("c1")
    await members.add("c1")
    await members.look()
    await let_in(members, pair)
    assert shown(pair).public_key != before.public_key
    assert [each.serial for each in await MemberBook(database, clock).valid_certificates("c1")] == [shown(pair).serial]


async def test_a_member_that_asks_too_often_is_refused(
    members: Members, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    await members.add("c1")
    pair = pair_of("c1", tmp_path / "c1", database, clock)
    await let_in(members, pair)
    book, authority = MemberBook(database, clock), members._authority
    for number in range(CERTIFICATES_MAX):
        made = authority.issue_client("collector-c1").certificate
        await book.answer("c1", f"request {number}", made, authority.certificate.pem)
    await clock.advance(CLIENT_DAYS * DAY_S * 2 / 3 + 7_200)
    assert await pair.look()
    await members.look()
    (row,) = await book.all()
    assert "certificates of it hold already" in row.refused


@pytest.mark.parametrize(("name", "said"), [("desk", "the collector's certificate"), ("a b", "no member 'a b'")])
async def test_what_cannot_be_a_member_is_refused(members: Members, name: str, said: str) -> None:
    with pytest.raises(NotAMember, match=said):
        await members.add(name)


async def test_without_certificates_there_is_nothing_to_add(
    authority: Authority, database: Database, clock: ManualClock
) -> None:
    alone = Members(load_cloud(None), authority, MemberBook(database, clock), clock)
    with pytest.raises(NotAMember, match="own_certificate under"):
        await alone.add("c1")
