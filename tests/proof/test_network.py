"""Bad weather on every way between meters, gateways, broker and collector: nothing is lost, and all goes on by itself.

Here one wave; ``python -m tests.proof.network --level soak`` takes twenty.
"""

from __future__ import annotations

import random
from pathlib import Path

from tests.proof.network import KINDS, Size, findings, play, schedule

SEED = 20261121
SIZE = Size(1, patient=False, meters=2, recovery_s=240.0)
"""How soon all goes on is for a machine with nothing else to do; here, that it does."""


async def test_a_wave_of_bad_weather_on_every_way_loses_and_doubles_nothing(tmp_path: Path) -> None:
    ran = await play(SIZE, SEED, tmp_path / "network")
    assert ran.judgement.wrong == [], f"seed {SEED}: {findings(ran, SIZE)}"
    assert len(ran.recovered_s) == 3, "every gateway came back"
    assert ran.judgement.counts["seen again"] > 0, "the weather must have been met"
    assert min(ran.connections.values()) >= 1


def test_where_only_keep_alive_tells_a_dead_connection_it_is_left_to_longer_runs() -> None:
    rng = random.Random(1)
    quick = {spell.what for _ in range(200) for spell in schedule(rng, "collector", SIZE)}
    assert quick == set(KINDS) - {"half open"}
    assert "half open" in {spell.what for _ in range(200) for spell in schedule(rng, "a-up", SIZE)}
