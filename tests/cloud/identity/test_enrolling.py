"""Who gets a certificate, and who does not."""

import asyncio
import base64
import stat
from pathlib import Path

import pytest

from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.enrolling import ATTEMPTS_MAX, Enrolling, NotEnrolled
from cloud.registry.identity_book import IdentityBook
from cloud.store.contract import GatewayKey
from protocols.certificates import (
    BadCertificate,
    check_issued,
    command_key,
    make_request,
    new_key,
    public_key,
    read_certificate,
    sign_with,
)
from protocols.clock import ManualClock
from protocols.enrolment import Enrolled, EnrolmentRequest, RenewalRequest, ask, new_code, read_code, renewal_part
from protocols.signing import signed_by

KEY = GatewayKey("east", "b3")


def asked(code: str, key: bytes | None = None, gateway: str = "b3") -> EnrolmentRequest:
    csr = make_request(key or new_key(), f"east/{gateway}").decode()
    return ask(read_code(code), "east", gateway, csr)


async def enrolled(desk: Enrolling, key: bytes) -> Enrolled:
    return await desk.enrol(asked((await desk.invite(KEY)).code, key))


def renewal(key: bytes, next_key: bytes) -> RenewalRequest:
    csr = make_request(next_key, "east/b3").decode()
    return RenewalRequest(csr, base64.b64encode(sign_with(key, renewal_part("east", "b3", csr))).decode())


async def test_a_code_gives_a_certificate_of_that_gateway_for_the_key_of_the_box(desk: Enrolling) -> None:
    key = new_key()
    given = await enrolled(desk, key)
    certificate, ca = read_certificate(given.certificate.encode()), read_certificate(given.ca.encode())
    check_issued(certificate, ca)
    assert certificate.name == "east/b3"
    assert certificate.public_key == public_key(key)
    assert len(command_key(read_certificate(given.commands.encode()), ca)) == 32


async def test_what_the_box_says_of_itself_in_its_request_counts_for_nothing(desk: Enrolling) -> None:
    code = read_code((await desk.invite(KEY)).code)
    csr = make_request(new_key(), "collector").decode()
    given = await desk.enrol(ask(code, "east", "b3", csr))
    assert read_certificate(given.certificate.encode()).name == "east/b3"


async def test_of_fifty_boxes_with_one_code_at_once_one_gets_in(desk: Enrolling, book: IdentityBook) -> None:
    code = (await desk.invite(KEY)).code

    async def one() -> str:
        try:
            return (await desk.enrol(asked(code))).certificate
        except NotEnrolled as refused:
            return refused.code

    answers = await asyncio.gather(*(one() for _ in range(50)))
    assert answers.count("code_used") == 49
    assert len(await book.valid_certificates(KEY)) == 1


async def test_a_box_whose_answer_was_lost_asks_again_and_gets_the_same(desk: Enrolling) -> None:
    request = asked((await desk.invite(KEY)).code)
    first = await desk.enrol(request)
    assert (await desk.enrol(request)).certificate == first.certificate


async def test_a_code_is_over_after_its_time_also_for_whoever_used_it(desk: Enrolling, clock: ManualClock) -> None:
    used, late = asked((await desk.invite(KEY)).code), GatewayKey("east", "b4")
    await desk.enrol(used)
    code = (await desk.invite(late)).code
    await clock.advance(3601)
    with pytest.raises(NotEnrolled, match="over") as refused:
        await desk.enrol(asked(code, gateway="b4"))
    assert refused.value.code == "code_expired"
    with pytest.raises(NotEnrolled) as refused:
        await desk.enrol(used)
    assert refused.value.code == "code_used"


async def test_a_code_is_of_one_gateway_and_a_new_one_ends_the_one_before(desk: Enrolling) -> None:
    old, new = (await desk.invite(KEY)).code, (await desk.invite(KEY)).code
    await desk.invite(GatewayKey("east", "b4"))
    for wrong in (asked(old), asked(new, gateway="b4"), asked(new, gateway="b5")):
        with pytest.raises(NotEnrolled) as refused:
            await desk.enrol(wrong)
        assert refused.value.code == "code_refused"
    assert (await desk.enrol(asked(new))).certificate


async def test_after_ten_wrong_tries_the_right_code_is_worth_nothing(desk: Enrolling, authority: Authority) -> None:
    right = (await desk.invite(KEY)).code
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(NotEnrolled):
            await desk.enrol(ask(new_code(bytes(32)), "east", "b3", make_request(new_key(), "x").decode()))
    with pytest.raises(NotEnrolled) as refused:
        await desk.enrol(asked(right))
    assert refused.value.code == "code_refused"


async def test_a_request_that_was_altered_on_the_way_is_refused(desk: Enrolling) -> None:
    good = asked((await desk.invite(KEY)).code)
    other = make_request(new_key(), "east/b3").decode()
    with pytest.raises(NotEnrolled) as refused:
        await desk.enrol(EnrolmentRequest("east", "b3", other, good.signature))
    assert refused.value.code == "code_refused"


@pytest.mark.parametrize("csr", ["", "nothing", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END X-----", "é"])
async def test_what_is_no_request_for_a_certificate_is_refused_in_words(desk: Enrolling, csr: str) -> None:
    with pytest.raises(NotEnrolled) as refused:
        await desk.enrol(EnrolmentRequest("east", "b3", csr, ""))
    assert refused.value.code == "bad_request"


async def test_the_secret_of_a_code_is_in_no_file(desk: Enrolling, tmp_path: Path) -> None:
    code = read_code((await desk.invite(KEY)).code)
    await desk.enrol(asked((await desk.invite(KEY)).code))
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert code.secret not in content
            assert base64.b64encode(code.seed) not in content
            assert code.seed not in content


async def test_keys_are_for_their_owner_only_and_two_collectors_share_none(desk: Enrolling, tmp_path: Path) -> None:
    await desk.invite(KEY)
    assert desk.greeting().ca
    for name in ("ca.key", "commands.key"):
        assert stat.S_IMODE((tmp_path / "identity" / name).stat().st_mode) == 0o600
    other = Authority(tmp_path / "other", ManualClock())
    other.open()
    assert other.certificate.public_key != read_certificate((tmp_path / "identity/ca.pem").read_bytes()).public_key


async def test_an_authority_is_the_same_after_a_restart(authority: Authority, tmp_path: Path) -> None:
    authority.open()
    again = Authority(tmp_path / "identity", ManualClock())
    again.open()
    assert again.certificate == authority.certificate
    payload = b"x"
    public = command_key(again.commands, again.certificate)
    assert signed_by(public, authority.sign_command(payload), payload)


async def test_keys_that_do_not_belong_together_are_named(authority: Authority, tmp_path: Path) -> None:
    authority.open()
    (tmp_path / "identity/ca.key").write_bytes(new_key())
    with pytest.raises(BadAuthority, match="do not belong together"):
        Authority(tmp_path / "identity", ManualClock()).open()
    (tmp_path / "identity/ca.key").write_bytes(b"rubbish")
    with pytest.raises(BadAuthority, match="restore it from a backup"):
        Authority(tmp_path / "identity", ManualClock()).open()


async def test_a_certificate_of_another_authority_is_not_ours(desk: Enrolling, tmp_path: Path) -> None:
    given = await enrolled(desk, new_key())
    other = Authority(tmp_path / "other", ManualClock())
    other.open()
    with pytest.raises(BadCertificate, match="not of this authority"):
        check_issued(read_certificate(given.certificate.encode()), other.certificate)


async def test_the_next_certificate_goes_to_who_holds_the_present_one_and_both_hold(
    desk: Enrolling, book: IdentityBook
) -> None:
    key, following = new_key(), new_key()
    await enrolled(desk, key)
    given = await desk.renew(KEY, renewal(key, following))
    assert read_certificate(given.certificate.encode()).public_key == public_key(following)
    assert len(await book.valid_certificates(KEY)) == 2
    assert (await desk.renew(KEY, renewal(key, following))).certificate == given.certificate, "asked again"
    assert len(await book.valid_certificates(KEY)) == 2


async def test_nobody_else_gets_the_next_certificate(desk: Enrolling, clock: ManualClock) -> None:
    key = new_key()
    await enrolled(desk, key)
    assert "only who holds" in (await desk.renew(KEY, renewal(new_key(), new_key()))).refused
    other = GatewayKey("east", "b4")
    assert "only who holds" in (await desk.renew(other, renewal(key, new_key()))).refused
    await clock.advance(366 * 86_400)
    assert "only who holds" in (await desk.renew(KEY, renewal(key, new_key()))).refused, "it is over"


async def test_a_revoked_gateway_has_no_certificate_and_gets_none(desk: Enrolling, book: IdentityBook) -> None:
    key = new_key()
    await enrolled(desk, key)
    code = await desk.invite(KEY)
    await desk.revoke(KEY, "stolen")
    assert (await book.enrolled())[0][2:4] == ((await book.enrolled())[0].revoked_at, "stolen")
    assert len(await book.revoked_serials()) == 1
    assert (await desk.renew(KEY, renewal(key, new_key()))).refused
    with pytest.raises(NotEnrolled):
        await desk.enrol(asked(code.code))
    with pytest.raises(NotEnrolled, match="is not enrolled"):
        await desk.revoke(KEY)


async def test_a_new_box_takes_the_place_of_the_old_one_whose_certificate_ends(
    desk: Enrolling, book: IdentityBook
) -> None:
    await enrolled(desk, new_key())
    key = new_key()
    await enrolled(desk, key)
    assert [each.public_key for each in await book.valid_certificates(KEY)] == [public_key(key)]
    assert len(await book.revoked_serials()) == 1


@pytest.mark.parametrize("key", [("east", "#"), ("+", "b"), ("east", ""), ("e" * 32, "b" * 32)])
async def test_a_name_that_is_none_is_refused(desk: Enrolling, key: tuple[str, str]) -> None:
    with pytest.raises(NotEnrolled) as refused:
        await desk.invite(GatewayKey(*key))
    assert refused.value.code == "bad_name"
