"""A whole compound whose collector keeps everything on servers, which are killed on the way."""

from simulators.compound import COLLECTOR
from tests.postgres_server import PostgresServer
from tests.system.small_compound import is_verified, produces, small_compound
from tests.victoria_server import VictoriaServer


async def test_nothing_is_lost_or_doubled_when_collector_or_servers_are_killed(tmp_path):
    postgres, victoria = PostgresServer(), VictoriaServer()
    try:
        postgres.start()
        victoria.start()
        place = postgres.empty_place()
        settings = f"""
[registry]
url = "{place.url}"
password_file = "{place.password_file}"

[store]
kind = "victoria"
url = "{victoria.url}"
"""
        compound = small_compound(tmp_path / "demo", collector_settings=settings)
        try:
            await compound.start()
            await produces(compound, answers=8)
            await compound.kill(COLLECTOR)
            await produces(compound, answers=8)
            await compound.restart(COLLECTOR)
            await produces(compound, answers=8)
            victoria.kill()
            await produces(compound, answers=8)
            victoria.start()
            await produces(compound, answers=8)
            postgres.stop()
            await produces(compound, answers=8)
            postgres.start()
            await produces(compound, answers=8)
            assert await is_verified(compound)
        finally:
            await compound.stop()
        assert not list((tmp_path / "demo").rglob("*.duckdb")), "nothing rests in the data folder"
        assert postgres.password not in "".join(path.read_text() for path in (tmp_path / "demo").rglob("*.log"))
        counted = postgres.sql("SELECT count(*), sum(readings) FROM store_batch", place)
        assert int(str(counted[0][0])) > 10
    finally:
        victoria.remove()
        postgres.remove()
