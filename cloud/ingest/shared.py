"""The commit of one collector of a group: what it knows of the others is brought up to date before anything is decided.

Runs in the ingest worker's thread, in place of a plain commit. See ``cloud/store/ledger_shared.py`` for what holds.
"""

from collections.abc import Callable

from cloud.ingest.counting import COUNTED
from cloud.ingest.identity import Stream
from cloud.ingest.prepare import Preparer
from cloud.ingest.prepared import Prepared
from cloud.store.contract import CommitWork
from cloud.store.group_news import Head, News
from cloud.store.ledger_shared import More, SharedLedger


class SharedCommit:
    """``open`` once, then ``store``, ``catch_up`` and ``lift`` from one thread."""

    def __init__(self, preparer: Preparer, ledger: SharedLedger) -> None:
        self._preparer, self._ledger = preparer, ledger
        self.learned: Callable[[News], None] = lambda _: None
        """Told of everything that was learned of others, in order."""
        self.known = Head()

    def open(self) -> None:
        """Take up all that is committed. Raises StoreUnavailable."""
        remembered, self.known = self._ledger.remembered()
        self._preparer.take_up(remembered)

    def catch_up(self) -> None:
        """Learn what others committed. Raises StoreUnavailable."""
        self._learn(self._ledger.news(self.known))

    def store(self, make: Callable[[], Prepared]) -> Prepared:
        """Commit what ``make`` prepares; it may be asked twice. Raises StoreUnavailable, CommitRefused.

        The first time it prepares with what is known from the last commit: what others did since is learned while
        nobody else can commit, and seldom touches it.
        """
        prepared = make()

        def again(news: News) -> tuple[CommitWork, More]:
            nonlocal prepared
            self._learn(news)
            prepared = make()
            return prepared.work, _more(prepared)

        if _is_work(prepared):
            work, news = self._ledger.commit(self.known, prepared.work, _more(prepared), again)
            self._learn(news)
            prepared.work = work
        self._preparer.settle(prepared)
        return prepared

    def lift(self, stream: Stream) -> bool:
        """Lift one fence; False when there is none."""
        self.catch_up()
        work = self._preparer.lift(stream)
        if work is None:
            return False

        def again(news: News) -> tuple[CommitWork, More]:
            self._learn(news)
            return work, {}

        _, news = self._ledger.commit(self.known, work, {}, again)
        self._learn(news)
        self._preparer.settle_lift(work)
        return True

    def _learn(self, news: News) -> None:
        if news.gap:
            remembered, head = self._ledger.remembered()
            self._preparer.take_up_again(remembered)
            news = News(head=head, series=remembered.series, qualities=remembered.qualities)
        else:
            self._preparer.learn(news)
        self.known = news.head
        self.learned(news)


def _more(prepared: Prepared) -> More:
    return {key: count for key, count in prepared.delta.items() if key[1] not in COUNTED}


def _is_work(prepared: Prepared) -> bool:
    work = prepared.work
    return bool(work.batches or work.quarantined or work.refused or work.fences or prepared.delta)
