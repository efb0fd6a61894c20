"""Identities of gateways over the API."""

from cloud.registry.audit_book import Search
from cloud.registry.roles import Role
from protocols.certificates import make_request, new_key
from protocols.enrolment import ask, read_code
from tests.cloud.api.conftest import Api
from tests.cloud.api.test_identity import KEY, enrolled

ADDRESS = "/api/v1/identities"


async def test_a_gateway_goes_from_invited_over_enrolled_and_ending_to_revoked(api: Api) -> None:
    async with api.client(token=await api.token(Role.INSTALLER)) as client:

        async def shown() -> list[tuple[str, str]]:
            rows = (await client.get(ADDRESS)).json()["identities"]
            return [(f"{row['site']}/{row['gateway']}", row["state"]) for row in rows]

        assert await shown() == []
        answer = await client.post(f"{ADDRESS}/east/b3/code")
        assert answer.status_code == 201, answer.text
        assert await shown() == [("east/b3", "invited")]
        code = read_code(answer.json()["code"])
        asked = ask(code, *KEY, make_request(new_key(), "east/b3").decode())
        await api.enrolling.enrol(asked)
        assert await shown() == [("east/b3", "enrolled")]
        api.clock.step(250 * 86_400_000)
        assert await shown() == [("east/b3", "ending")]
        assert (await client.post(f"{ADDRESS}/east/b3/revoke")).status_code == 422, "a reason is asked for"
        assert (await client.post(f"{ADDRESS}/east/b3/revoke?reason=box%20stolen")).status_code == 200
        (row,) = (await client.get(ADDRESS)).json()["identities"]
        assert (row["state"], row["reason"], row["certificates"]) == ("revoked", "box stolen", 0)
        assert (await client.post(f"{ADDRESS}/east/b3/revoke?reason=again")).status_code == 409


async def test_the_code_is_shown_once_and_is_in_no_record(api: Api) -> None:
    async with api.client(token=await api.token(Role.INSTALLER)) as client:
        code = (await client.post(f"{ADDRESS}/east/b3/code?lasts_s=600")).json()["code"]
        (row,) = (await client.get(ADDRESS)).json()["identities"]
        assert code not in str(row)
    records = await api.trail.book.search(Search(action="/identities"), 10)
    assert [record.action for record in records] == [f"POST {ADDRESS}/east/b3/code"]
    assert all(code not in f"{record.facts} {record.reason}" for record in records)


async def test_only_who_installs_at_the_site_sees_and_changes_identities(api: Api) -> None:
    await enrolled(api)
    async with api.client(token=await api.token(Role.DISPATCHER)) as client:
        assert (await client.get(ADDRESS)).status_code == 403
        assert (await client.post(f"{ADDRESS}/east/b3/code")).status_code == 403
    async with api.client(token=await api.token(Role.INSTALLER, site="west")) as client:
        assert (await client.get(ADDRESS)).json()["identities"] == []
        assert (await client.post(f"{ADDRESS}/east/b3/revoke?reason=x")).status_code == 403
