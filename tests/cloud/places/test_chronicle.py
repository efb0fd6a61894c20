"""What the journal holds is what was told last, with as little written as need be."""

from hypothesis import given
from hypothesis import strategies as st

from cloud.places.chronicle import Chronicle, Entry
from tests.cloud.places.console import PretendJournal

ENTRIES = st.lists(
    st.builds(lambda at, n: Entry(at, "k", {"n": n}), st.integers(0, 12), st.integers(0, 1)), max_size=10
).map(lambda entries: sorted(entries, key=lambda entry: entry.at))


def held(journal: PretendJournal) -> list[tuple[int, object]]:
    return sorted((row[1], str(row[2])) for row in journal.of("east/door:d"))


@given(st.lists(ENTRIES, min_size=1, max_size=6))
def test_the_journal_holds_what_was_told_last(tellings: list[list[Entry]]) -> None:
    journal = PretendJournal()
    chronicle = Chronicle(journal, "east", "east/door:d", ("k",))
    for entries in tellings:
        chronicle.tell(0, 20, entries)
        assert held(journal) == sorted((entry.at, str(entry.facts)) for entry in entries)


def test_one_late_entry_of_many_writes_a_line_and_not_the_day() -> None:
    day = [Entry(at, "k", {"n": at}) for at in range(0, 1000, 10)]
    journal = PretendJournal()
    chronicle = Chronicle(journal, "east", "east/door:d", ("k",))
    chronicle.tell(0, 2000, day)
    before = len(journal.rows)
    chronicle.tell(0, 2000, [*day[:5], Entry(45, "k", {"n": 0}), *day[5:]])
    assert len(journal.rows) == before + 1
    assert journal.rows[-1][2] == 45
    again = journal.replaced
    chronicle.tell(0, 2000, [*day[:5], Entry(45, "k", {"n": 0}), *day[5:]])
    assert journal.replaced == again
