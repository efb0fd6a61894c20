"""The memory of a process that holds secrets goes to no file when it crashes, and to no other process of its user."""

import contextlib
import ctypes
import resource

PR_SET_DUMPABLE = 4


def keep_memory_private() -> bool:
    """No core dump from now on, however the machine handles them; True when the kernel agreed.

    A limit of 0 alone is not enough: where cores are piped to a program the kernel does not look at it.
    """
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        done: int = ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    except (OSError, AttributeError):
        return False
    return done == 0
