"""What is being done now, and by whom: goes into the trail together with the first thing it writes.

Whoever lets somebody in says so once, by ``about``; the registry takes the note into the transaction of the first
change that is made inside it. What changes things need not know that there is a trail; it may ``tell`` it more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

TEXT_MAX = 300

_current: ContextVar["Note | None"] = ContextVar("dayuan_audit_note", default=None)


@dataclass(slots=True)
class Note:
    """Who does what. ``via``: how they came in (session, token, desk, system). Hold no secrets in it."""

    action: str
    actor: str = ""
    via: str = ""
    client: str = ""
    site: str = ""
    reason: str = ""
    facts: dict[str, object] = field(default_factory=dict)
    written: bool = False


@contextmanager
def about(note: Note) -> Iterator[Note]:
    """What is done inside is done by this one."""
    before = _current.set(note)
    try:
        yield note
    finally:
        _current.reset(before)


def current() -> Note | None:
    """What is being done now; None when nobody said."""
    return _current.get()


def tell(**facts: object) -> None:
    """Say more of what is being done: to whom, from what, to what. No secrets."""
    note = _current.get()
    if note is not None:
        note.facts.update(facts)


def tell_site(site: str) -> None:
    """Of which site it is, where only what was sent says so."""
    note = _current.get()
    if note is not None and not note.site:
        note.site = shortened(site)[:32]


def forget(name: str) -> None:
    """What was told under the name is not so."""
    note = _current.get()
    if note is not None:
        note.facts.pop(name, None)


def shortened(text: str) -> str:
    """Printable and not too long: what others sent goes into the trail as this."""
    kept = "".join(sign if sign.isprintable() else "?" for sign in text[: TEXT_MAX + 1])
    return kept if len(kept) <= TEXT_MAX else kept[: TEXT_MAX - 1] + "…"
