"""The live state of a collector for any console. Standard library only.

python live_state.py http://127.0.0.1:8080 TOKEN
"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

QUIET_S = 5.0
"""A heartbeat comes every second."""
WAIT_S = (0.5, 1, 2, 5, 10)


class LiveState:
    """``run`` follows for ever; ``told`` is called after each event with what it was and the ids it was about."""

    def __init__(self, url: str, token: str, told: Callable[[str, dict[str, Any], list[str]], None]) -> None:
        self.url, self.token, self.told = url, token, told
        self.entities: dict[str, dict[str, Any]] = {}
        self.alarms: dict[str, dict[str, Any]] = {}
        self.cursor = ""
        self.fresh = False
        """False: show the last known state as such."""

    def run(self) -> None:
        """Connects anew whenever the stream ends or falls silent."""
        tries = 0
        while True:
            try:
                for event, data, cursor in self._events():
                    tries = 0
                    self._take(event, data)
                    self.cursor = cursor or self.cursor  # only now: what it stands for has been taken
                why = "the collector ended the stream"
            except (OSError, http.client.HTTPException, ValueError) as error:
                why = str(error)
            self.fresh = False
            self.told("lost", {"why": why}, [])
            time.sleep(WAIT_S[min(tries, len(WAIT_S) - 1)])
            tries += 1

    def _events(self) -> Iterator[tuple[str, dict[str, Any], str]]:
        since = "?" + urllib.parse.urlencode({"since": self.cursor}) if self.cursor else ""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        request = urllib.request.Request(f"{self.url}/api/v1/stream{since}", headers=headers)
        with urllib.request.urlopen(request, timeout=QUIET_S) as answer:
            fields: dict[str, str] = {}
            for line in answer:
                name, _, value = line.decode().rstrip("\r\n").partition(":")
                if name:
                    fields[name] = value.removeprefix(" ")
                elif fields.get("data"):
                    yield fields.get("event", ""), json.loads(fields["data"]), fields.get("id", "")
                    fields = {}

    def _take(self, event: str, data: dict[str, Any]) -> None:
        ids = []
        if event == "snapshot":
            self.entities = {entity["id"]: entity for entity in data["entities"]}
            self.alarms = {}  # those that are active follow
        elif event == "delta":
            for change in data["changes"]:
                ids.append(change["id"])
                self._change(change)
        elif event == "alarm":
            ids.append(data["id"])
            if data["active"]:
                self.alarms[data["id"]] = data
            else:
                self.alarms.pop(data["id"], None)
        self.fresh = True
        self.told(event, data, ids)

    def _change(self, change: dict[str, Any]) -> None:
        if change.get("deleted"):
            self.entities.pop(change["id"], None)
            return
        entity = self.entities.setdefault(change["id"], {"id": change["id"], "attributes": {}, "points": {}})
        entity |= change.get("set", {})
        entity["rev"] = change["rev"]
        entity["attributes"] |= change.get("attributes", {})
        entity["points"] |= change.get("points", {})


def main() -> None:
    def told(event: str, data: dict[str, Any], ids: list[str]) -> None:
        shown = list(live.entities.values()) if event == "snapshot" else [live.entities.get(each) for each in ids]
        line = {"event": event, "reason": data.get("reason"), "why": data.get("why"), "ids": ids}
        counts = {"count": len(live.entities), "alarms": len(live.alarms)}
        print(json.dumps({**line, **counts, "entities": shown}), flush=True)

    live = LiveState(sys.argv[1], sys.argv[2], told)
    live.run()


if __name__ == "__main__":
    main()
