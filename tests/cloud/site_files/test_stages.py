"""Stages: named gateways, so many more, shares of all; sites take turns; nobody is left out and nobody is in two."""

from collections import Counter

import pytest

from cloud.site_files.stages import USUAL, staged
from cloud.store.contract import GatewayKey
from protocols.errors import BadRollout

EAST = [GatewayKey("east", f"b{n}") for n in range(6)]
WEST = [GatewayKey("west", f"c{n}") for n in range(6)]


def sizes(stages: list[str], keys: list[GatewayKey]) -> list[int]:
    found = staged(keys, stages)
    assert sorted(key for key, _ in found) == sorted(keys)
    assert [stage for _, stage in found] == sorted(stage for _, stage in found)
    return [many for _, many in sorted(Counter(stage for _, stage in found).items())]


@pytest.mark.parametrize(
    ("stages", "wanted"),
    [
        (list(USUAL), [1, 1, 4, 6]),
        (["2"], [2, 10]),
        (["100 %"], [12]),
        (["west/c1, east/b5", "50%"], [2, 4, 6]),
        (["99", "10 %"], [12]),
    ],
)
def test_stages_share_out_every_gateway_once(stages: list[str], wanted: list[int]) -> None:
    assert sizes(stages, EAST + WEST) == wanted


def test_sites_take_turns_and_named_ones_come_first() -> None:
    order = [f"{key.site}/{key.gateway}" for key, _ in staged(EAST + WEST, ["east/b3", "3"])]
    assert order[:4] == ["east/b3", "east/b0", "west/c0", "east/b1"]


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ([], "0 stages"),
        (["1"] * 13, "13 stages"),
        (["some"], "'some' is no stage; write east/b3"),
        (["0"], "is no stage"),
        (["50 %", "10 %"], "shares grow"),
        (["101 %"], "up to 100 %"),
        (["east/b9"], "east/b9 is not among the gateways"),
        (["east/b1", "east/b1"], "stands in a stage before"),
    ],
)
def test_what_is_no_stage_is_refused(stages: list[str], said: str) -> None:
    with pytest.raises(BadRollout) as refused:
        staged(EAST, stages)
    assert refused.value.reason == "bad_stages"
    assert said in refused.value.detail
