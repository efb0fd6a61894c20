"""Legal holds with what the people in them are known by. Apart from ``privacy_book.py``: who forgets asks this."""

from sqlalchemy import select

from cloud.privacy.contract import BadSubject, Subject, subject_of
from cloud.privacy.holding import HeldPart, Holding
from cloud.registry.database import Database
from cloud.registry.people_lent import LentCards
from cloud.registry.tables_privacy import LegalHoldRow


async def holding_of(database: Database) -> Holding:
    """The holds that hold now, the oldest first. Raises StoreUnavailable."""
    query = select(LegalHoldRow).where(LegalHoldRow.lifted_at.is_(None)).order_by(LegalHoldRow.id)
    async with database.reading() as session:
        rows = list(await session.scalars(query))
    cards, parts = LentCards(database), []
    for row in rows:
        person = await cards.widened(_person(row.person)) if row.person else None
        parts.append(HeldPart(row.kept, row.site, person, row.reason))
    return Holding(parts)


def _person(text: str) -> Subject:
    """What an earlier version wrote down may be no word of a person: then it is looked for as a name."""
    try:
        return subject_of([text])
    except BadSubject:
        return Subject(name=frozenset({text}))
