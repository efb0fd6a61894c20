"""A stand-in for InfluxDB 2, which Debian does not have: four routes of its HTTP API, made by hand from its reference.

It understands the Flux that ``cloud/store/influx_engine.py`` writes and nothing else. It is no InfluxDB: what it shows
is that the engine writes line protocol as meant, reads annotated CSV, and what becomes of errors.
"""

import json
import re
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-token-of-a-test"
_LINE = re.compile(r"dayuan,site=(\S+?),device=(\S+?),point=(\S+?) (\S+) (-?\d+)")
_RANGE = re.compile(r"range\(start: time\(v: (-?\d+)\), stop: time\(v: (-?\d+)\)\)")
_KEY = re.compile(r'r\.site == "([^"]*)" and r\.device == "([^"]*)" and r\.point == "([^"]*)"')
_OF = re.compile(r'r\._field == "([^"]*)" and r\.site == "([^"]*)" and r\.point == "([^"]*)"')
_PREDICATE = re.compile(r'_measurement="dayuan" AND site="([^"]*)" AND point="([^"]*)"')
_HEAD = (
    "#datatype,string,long,string,string,string,string,{kind},long\r\n"
    "#group,false,false,true,true,true,true,false,false\r\n"
    "#default,_result,,,,,,,\r\n"
    ",result,table,_field,site,device,point,_value,ns\r\n"
)


class InfluxStandIn:
    """``start``, then ``url``; ``down`` lets every request fail, ``every_seconds`` is the retention of its bucket."""

    def __init__(self) -> None:
        self.points: dict[tuple[str, str, str, str], dict[int, str]] = {}
        self.writes = 0
        self.down = False
        self.every_seconds = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="influx-stand-in")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def write(self, body: str) -> None:
        self.writes += 1
        for line in body.splitlines():
            found = _LINE.fullmatch(line)
            assert found, line
            for field in found[4].split(","):
                name, value = field.split("=")
                assert value.endswith("i") == (name == "origin"), line
                self.points.setdefault((name, found[1], found[2], found[3]), {})[int(found[5])] = value.rstrip("i")

    def query(self, flux: str) -> str:
        assert flux.startswith('from(bucket: "dayuan")'), flux
        assert 'r._measurement == "dayuan"' in flux, flux
        period = _RANGE.search(flux)
        assert period, flux
        start, stop = int(period[1]), int(period[2])
        wanted = set(_KEY.findall(flux))
        if "|> count()" in flux:
            return self._counted(flux, start, stop)
        answer = []
        for table, (series, points) in enumerate(sorted(self.points.items())):
            if wanted and series[1:] not in wanted:
                continue
            rows = sorted((at, value) for at, value in points.items() if start <= at < stop)
            rows = rows[-1:] if "|> last()" in flux else rows
            if rows:
                lines = "".join(f",,{table},{','.join(series)},{value},{at}\r\n" for at, value in rows)
                answer.append(_HEAD.format(kind="long" if series[0] == "origin" else "double") + lines)
        return "\r\n".join(answer)

    def _counted(self, flux: str, start: int, stop: int) -> str:
        found = _OF.search(flux)
        assert found, flux
        field, site, point = found.groups()
        counts = [
            (series, sum(start <= at < stop for at in points))
            for series, points in sorted(self.points.items())
            if (series[0], series[1], series[3]) == (field, site, point)
        ]
        return "\r\n".join(
            _HEAD.format(kind="long") + f",,{table},{','.join(series)},{count},0\r\n"
            for table, (series, count) in enumerate(counts)
            if count
        )

    def delete(self, asked: dict[str, str]) -> None:
        """Its predicate knows `=` and `AND` and no more."""
        start, stop = (datetime.fromisoformat(asked[name]).timestamp() * 1e9 for name in ("start", "stop"))
        found = _PREDICATE.fullmatch(asked["predicate"])
        assert found, asked
        for series, points in self.points.items():
            if (series[1], series[3]) == found.groups():
                for at in [at for at in points if start <= at <= stop]:
                    del points[at]

    def buckets(self) -> dict[str, object]:
        rules = [{"type": "expire", "everySeconds": self.every_seconds}]
        return {"buckets": [{"id": "1", "orgID": "2", "name": "dayuan", "retentionRules": rules}]}


def _handler(stand_in: InfluxStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _answer(self, body: bytes) -> None:
            where = urlsplit(self.path)
            if stand_in.down:
                self._send(503, "application/json", '{"code":"unavailable","message":"it is down"}')
            elif self.headers["Authorization"] != f"Token {TOKEN}":
                self._send(401, "application/json", '{"code":"unauthorized","message":"unauthorized access"}')
            elif where.path == "/api/v2/write":
                asked = parse_qs(where.query)
                assert (asked["org"], asked["bucket"], asked["precision"]) == (["office"], ["dayuan"], ["ns"]), asked
                stand_in.write(body.decode())
                self._send(204, "text/plain", "")
            elif where.path == "/api/v2/query":
                self._send(200, "text/csv; charset=utf-8", stand_in.query(json.loads(body)["query"]))
            elif where.path == "/api/v2/delete":
                stand_in.delete(json.loads(body))
                self._send(204, "text/plain", "")
            elif where.path == "/api/v2/buckets":
                self._send(200, "application/json", json.dumps(stand_in.buckets()))
            else:
                self._send(404, "application/json", '{"code":"not found","message":"not found"}')

        def _send(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing."""

    return Handler
