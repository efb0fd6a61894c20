"""Root at a command line of ours works as the one whose data it is, so that the service can read what it leaves."""

import contextlib
import os
import pwd
from collections.abc import Iterator
from pathlib import Path


def become_owner(folder: Path, file: Path) -> None:
    """From here on what this process makes is of the owner of ``file``, or of ``folder`` where it is not there yet.

    Only where root runs it, and where the owner can work in ``folder`` and read this program; else nothing changes. The
    real user id stays, so that it can still be told who typed the command.
    """
    if os.geteuid() != 0:
        return
    found = next((each.stat() for each in (file, folder) if each.exists()), None)
    if found is None or found.st_uid == 0:
        return
    groups = os.getgroups()
    # A root without the right to change its name (a container may take it) stays root.
    with contextlib.suppress(OSError):
        os.setgroups(_groups(found.st_uid, found.st_gid))
        os.setegid(found.st_gid)
        os.seteuid(found.st_uid)
    if os.geteuid() == 0 or _can_work(folder):
        return
    os.seteuid(0)
    os.setegid(0)
    os.setgroups(groups)


@contextlib.contextmanager
def as_root() -> Iterator[None]:
    """For files that are not the service's: root again after `become_owner`; else nothing changes.

    It holds for the whole process, so nobody else may be at work in the folder of `become_owner` meanwhile.
    """
    user, group = os.geteuid(), os.getegid()
    if user == 0 or os.getresuid()[2] != 0:
        yield
        return
    os.seteuid(0)
    os.setegid(0)
    try:
        yield
    finally:
        os.setegid(group)
        os.seteuid(user)


def _can_work(folder: Path) -> bool:
    programs = (__file__, os.__file__)
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=True) and all(
        os.access(each, os.R_OK, effective_ids=True) for each in programs
    )


def _groups(user: int, group: int) -> list[int]:
    """With the groups that the user is in: a serial port may be open to one of them only."""
    try:
        return os.getgrouplist(pwd.getpwuid(user).pw_name, group)
    except KeyError:
        return [group]
