"""Who owns what root leaves in a service's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.data_owner import as_root, become_owner
from tests.service_data import SERVICE, give, needs_root, not_of_the_service, run, service_folder

TOUCH = """
import os, sys
from pathlib import Path
from protocols.data_owner import as_root, become_owner
folder = Path(sys.argv[1])
become_owner(folder, folder / "registry")
(folder / "made").touch()
with as_root():
    (folder.parent / "outside").touch()
(folder / "made later").touch()
print(os.getuid(), os.geteuid(), os.getegid())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with service_folder() as made:
        yield made


@needs_root
def test_root_leaves_files_of_the_folders_owner_and_elsewhere_its_own(folder: Path) -> None:
    done = run("-c", TOUCH, str(folder))
    assert done.stdout.split() == ["0", str(SERVICE), str(SERVICE)], done.stderr
    assert not_of_the_service(folder) == []
    assert (folder.parent / "outside").stat().st_uid == 0


@needs_root
def test_root_stays_root_where_the_data_itself_is_roots(folder: Path) -> None:
    (folder / "registry").touch()
    assert run("-c", TOUCH, str(folder)).stdout.split() == ["0", "0", "0"]


@needs_root
def test_root_stays_root_where_the_owner_cannot_come_to_the_folder(folder: Path) -> None:
    os.chmod(folder.parent, 0o700)
    assert run("-c", TOUCH, str(folder)).stdout.split() == ["0", "0", "0"]


@needs_root
def test_the_services_own_process_changes_nothing(folder: Path) -> None:
    give(folder.parent)
    assert run("-c", TOUCH, str(folder), user=SERVICE).stdout.split() == [str(SERVICE)] * 3


def test_a_folder_of_ones_own_changes_nothing(tmp_path: Path) -> None:
    before = os.getresuid(), os.getresgid(), os.getgroups()
    become_owner(tmp_path, tmp_path / "registry")
    with as_root():
        pass
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before
