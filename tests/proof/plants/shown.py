"""Faults of what a person is shown: age, quality, presence."""

from tests.proof.planting import Plant

STATE = "tests/cloud/live/test_state.py"

SHOWN = (
    Plant(
        "old-replaces-new",
        "The reading that arrived last is shown, not the newest.",
        "While a backlog comes in, the page shows last night's values as those of now.",
        "cloud/live/values.py",
        "        newer = at >= self.at[series]",
        "        newer = at >= NEVER",
        (f"{STATE}::test_an_old_reading_never_replaces_a_newer_one",),
    ),
    Plant(
        "stale-shown-as-current",
        "After a restart of the collector every value has the age of the restart.",
        "A meter that died last week looks alive.",
        "cloud/live/state.py",
        "            self._take_values(newest.series, newest.at, newest.value, newest.quality, newest.received_at)",
        "            now = np.full_like(newest.at, 4_000_000_000_000)\n"
        "            self._take_values(newest.series, now, newest.value, newest.quality, now)",
        (f"{STATE}::test_after_a_start_values_have_their_true_ages",),
    ),
    Plant(
        "missing-shown-as-zero",
        "A bad reading is shown as 0.",
        "A cable that fell out looks like a machine that was switched off.",
        "cloud/live/views.py",
        "                value if value == value else None,",
        "                value if value == value else 0.0,",
        (f"{STATE}::test_a_bad_reading_has_no_value_and_marks_its_device",),
    ),
    Plant(
        "quality-not-shown",
        "Every point is shown as good.",
        "An estimate is read as a measurement.",
        "cloud/live/views.py",
        "                word.quality,\n",
        '                "good",\n',
        (f"{STATE}::test_a_bad_reading_has_no_value_and_marks_its_device",),
    ),
    Plant(
        "late-will-believed",
        "The will of an old session marks its gateway offline.",
        "A gateway that came back long ago is red, and somebody drives there.",
        "cloud/live/presence.py",
        "        if not online and link is not None and session < link.session:",
        "        if False:",
        (f"{STATE}::test_the_late_will_of_an_old_session_does_not_mark_a_newer_one_offline",),
    ),
    Plant(
        "alarms-never-end",
        "An alarm that ends is not cleared.",
        "The list of alarms only grows, until nobody looks at it.",
        "cloud/alarms/board.py",
        "        del self._active[key]\n        self._raised_at.pop(key, None)\n",
        "        self._raised_at.pop(key, None)\n",
        ("tests/cloud/alarms/test_alarms.py::test_an_offline_gateway_is_an_alarm_until_it_is_back",),
    ),
)
