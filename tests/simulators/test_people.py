"""What people want is seeded; what they send is what the collector's API takes; a collector that is away comes back."""

import random
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar

import pytest

from cloud.api.request_bodies import NewRequest
from protocols.clock import SystemClock
from simulators import sample_site
from simulators.clerk_api import ClerkApi, Refused
from simulators.world.happenings import MEETING, PER_HOUR, REPAIR, TRIP, VISITOR, happenings, meeting, request_body


def test_one_seed_gives_one_day_and_another_run_another():
    def day(seed, run):
        return list(happenings(seed, run, limit=400))

    assert day(5, 1) == day(5, 1)
    assert day(5, 1) != day(5, 2)
    assert day(5, 1) != day(6, 1)


def test_something_of_each_sort_happens_within_two_minutes():
    first = happenings(1, 1, limit=20)
    at, seen = 0.0, {}
    for each in first:
        at += each.after_s
        seen.setdefault(each.kind, at)
    assert set(seen) == set(PER_HOUR)
    assert max(seen.values()) < 120


def test_sixty_times_the_speed_is_sixty_times_as_much():
    slow, fast = (list(happenings(1, 1, times=times, limit=3000)) for times in (1.0, 60.0))
    ratio = sum(each.after_s for each in slow) / sum(each.after_s for each in fast)
    assert 50 < ratio < 70


@pytest.mark.parametrize("kind", [TRIP, REPAIR, "far_trip", "support"])
def test_requests_are_such_that_the_api_takes_them(kind):
    for each in [each for each in happenings(2, 1, limit=1000) if each.kind == kind][:40]:
        body = request_body(each, random.Random(each.dice))
        asked = NewRequest.model_validate(body)
        assert asked.requester.unit in sample_site.units()
        assert asked.origin is not None
        if asked.kind == "vehicle":
            assert asked.to is not None
            assert asked.to.latitude is not None


def test_meetings_are_in_rooms_that_are_large_enough_and_need_no_approval():
    rooms = {row["id"]: row for row in sample_site.tables()["room"]}
    for number in range(200):
        name, _, people = meeting(random.Random(number))
        assert people <= rooms[name]["capacity"]
        assert not rooms[name]["approval"]
    assert {MEETING, VISITOR} <= set(PER_HOUR)


def test_who_is_on_duty_at_night_or_at_a_weekend_finds_rooms_that_are_open_then():
    rooms = {row["id"]: row for row in sample_site.tables()["room"]}
    found = {meeting(random.Random(number), at_any_hour=True)[0] for number in range(200)}
    assert len(found) >= 4
    assert {tuple(rooms[name]["open"]) for name in found} == {("daily",)}


class _Shaky(BaseHTTPRequestHandler):
    """Answers the first request of each key with 503, and refuses what it is told to refuse."""

    keys: ClassVar[list[str]] = []

    def do_POST(self):
        key = self.headers["Idempotency-Key"]
        self.rfile.read(int(self.headers["Content-Length"]))
        again = key in self.keys
        self.keys.append(key)
        status, body = (200, b'{"done":true}') if again else (503, b"")
        if self.path == "/no":
            status, body = 409, b'{"error":{"code":"room_taken","message":"taken"}}'
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return


async def test_a_clerk_tries_again_with_the_same_key_and_tells_a_refusal():
    server = HTTPServer(("127.0.0.1", 0), _Shaky)
    thread = Thread(target=server.serve_forever)
    thread.start()
    api = ClerkApi(f"http://127.0.0.1:{server.server_port}", "token", SystemClock())
    try:
        assert await api.post("/yes", {}, "one") == {"done": True}
        assert _Shaky.keys == ["one", "one"]
        with pytest.raises(Refused) as refused:
            await api.post("/no", {}, "two")
        assert (refused.value.status, refused.value.code) == (409, "room_taken")
    finally:
        api.close()
        server.shutdown()
        thread.join()
        server.server_close()
