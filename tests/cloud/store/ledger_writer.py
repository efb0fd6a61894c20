"""A process that commits works one after the other and says which are stored; a test kills it, or it kills itself.

``python -m tests.cloud.store.ledger_writer LEDGER VICTORIA_URL HOLD_S FIRST COUNT``
"""

import sys
import threading
from pathlib import Path

from cloud.store.ledger_file import LedgerFile
from cloud.store.ledger_store import LedgerStore
from cloud.store.victoria_engine import VictoriaEngine
from cloud.store.victoria_http import VictoriaHttp
from protocols.clock import SystemClock
from tests.cloud.store.works import MIDNIGHT, NAMES, work


def main() -> None:
    path, url, hold_s, first, count = sys.argv[1:]
    http = VictoriaHttp(url, username=None, password=None, ca_file=None)
    store = LedgerStore(LedgerFile(Path(path)), VictoriaEngine(http, hold_s=float(hold_s), settle_s=0.0), SystemClock())
    store.open()
    if not store.remembered().gateways:
        store.commit(NAMES)
    for number in range(int(first), int(first) + int(count)):
        store.commit(work(number, [(0, MIDNIGHT + number * 10, number + 0.5), (1, MIDNIGHT + number * 10, None)]))
        print(number, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
