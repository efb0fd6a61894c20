"""Several collectors share what gateways send, and are killed on the way; nothing is lost, stored twice or altered.

Here a short run; ``python -m tests.proof.group --level soak`` takes longer and meets every instant many times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proof import group
from tests.proof.group_sealed import SealedSite
from tests.proof.group_site import GroupSite

SEED = 20261122


def test_a_group_whose_collectors_are_killed_and_stopped_loses_doubles_and_alters_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = group.told(group.SIZES["ci"], SEED, tmp_path, GroupSite)
    with capsys.disabled():
        print(f"\n  {row.number} {row.verdict}: {row.amount}; {row.meaningful}")
    assert list(row.violations) == []


def test_members_with_certificates_are_killed_and_revoked_and_nothing_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = group.told(group.SEALED["ci"], SEED, tmp_path, SealedSite)
    with capsys.disabled():
        print(f"\n  {row.number} {row.verdict}: {row.amount}; {row.meaningful}")
    assert list(row.violations) == []
