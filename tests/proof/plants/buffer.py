"""Faults of the gateway's buffer and of what writes to it."""

from tests.proof.planting import Plant

DURABLE = "tests/contracts/test_buffer_durability.py"
FULL = "tests/contracts/test_buffer_full.py"
BUFFERS = "tests/contracts/test_buffer.py"
INTAKE = "tests/edge/test_intake.py"

BUFFER = (
    Plant(
        "synchronous-normal",
        "The buffer's file is written with synchronous=NORMAL.",
        "After a power cut everything since the last checkpoint is gone, although it was told stored.",
        "edge/buffer_file.py",
        "SYNCHRONOUS_FULL = 2",
        "SYNCHRONOUS_FULL = 1",
        (f"{DURABLE}::test_the_file_is_in_wal_mode_with_full_synchronous_and_not_readable_by_others",),
        in_ci=True,
    ),
    Plant(
        "synchronous-off",
        "The buffer's file is written with synchronous=OFF.",
        "After a power cut the whole file is gone.",
        "edge/buffer_file.py",
        "SYNCHRONOUS_FULL = 2",
        "SYNCHRONOUS_FULL = 0",
        (f"{DURABLE}::test_the_file_is_in_wal_mode_with_full_synchronous_and_not_readable_by_others",),
    ),
    Plant(
        "swallowed-io-error",
        "An error of the disk while committing is logged, and the commit counts as done.",
        "Readings and card events that no disk ever had are told stored; their senders forget them.",
        "edge/buffer_sqlite.py",
        """        except sqlite3.Error as error:
            self._roll_back()
            raise self._judge(error) from error
        except BaseException:""",
        """        except sqlite3.Error as error:
            self._roll_back()
            log.error("%s", error)
            return Committed([])
        except BaseException:""",
        (f"{FULL}::test_an_io_error_is_never_a_success",),
        in_ci=True,
    ),
    Plant(
        "gap-record-left-out",
        "Readings dropped for want of room leave no gap record.",
        "A hole in the data looks like a meter that was switched off; nobody learns that readings were lost.",
        "edge/buffer_change.py",
        "        if gaps:\n            more, _",
        "        if gaps and False:\n            more, _",
        (f"{FULL}::test_a_full_buffer_drops_oldest_telemetry_first_and_says_so_in_gap_records",),
    ),
    Plant(
        "events-dropped-first",
        "A full buffer drops events before telemetry.",
        "Who went through a door last night is lost, so that one more voltage could be kept.",
        "edge/buffer_change.py",
        "(self._drop_telemetry, self._drop_untimed, self._drop_events)",
        "(self._drop_events, self._drop_untimed, self._drop_telemetry)",
        (f"{FULL}::test_a_full_buffer_drops_oldest_telemetry_first_and_says_so_in_gap_records",),
    ),
    Plant(
        "number-used-twice",
        "The number of the newest batch is forgotten when that batch is released and nothing follows.",
        "After a restart two different batches have one number: the second is refused, its gateway fenced.",
        "edge/buffer_change.py",
        '            self._rows.set_meta("last_place", newest)',
        "            pass",
        (f"{BUFFERS}::test_no_seq_is_used_twice_when_the_newest_goes_and_what_should_follow_it_is_refused",),
    ),
    Plant(
        "epoch-kept-without-its-log",
        "A buffer whose log has vanished goes on with its old epoch.",
        "Numbers that were sent already are given to other readings, which the collector then refuses.",
        "edge/buffer_sqlite.py",
        'if verdict.torn or (had_no_log and rows.meta("open")):',
        "if verdict.torn:",
        (f"{DURABLE}::test_a_log_that_vanished_starts_a_new_epoch",),
    ),
    Plant(
        "damage-stops-the-start",
        "A damaged file is not set aside; opening it raises.",
        "After one bad block on the card the gateway starts, fails and starts again until somebody drives there.",
        "edge/buffer_sqlite.py",
        "            except StoreDamaged as damage:\n                log.error",
        "            except StoreDamaged as damage:\n                raise\n                log.error",
        (
            "tests/contracts/test_buffer_damage.py::test_a_damaged_file_never_stops_the_start_and_intact_batches_survive",
        ),
    ),
    Plant(
        "damage-sent-on",
        "Batches read from the disk are not compared with their checksum.",
        "A flipped bit blocks the batch for ever: the collector refuses it, and nobody says what was lost.",
        "edge/buffer_rows.py",
        """        return str(error)
    return "" if found""",
        """        return ""
    return "" if found""",
        (
            "tests/contracts/test_buffer_damage.py::test_a_batch_damaged_on_the_disk_goes_to_quarantine_with_a_gap_record",
        ),
    ),
    Plant(
        "event-told-stored-before-commit",
        "An event is told stored when it was taken, not when it was committed.",
        "A card that was swiped in the second before a power cut was never there.",
        "edge/intake.py",
        "        return await asyncio.shield(self._take(event, origin).stored)",
        "        self._take(event, origin)\n        return True",
        (f"{INTAKE}::test_an_event_is_committed_at_once_and_before_the_call_returns",),
        in_ci=True,
    ),
    Plant(
        "readings-told-stored-before-commit",
        "Readings count as stored when they are in memory.",
        "A tracker's positions are acknowledged to it and gone with the next power cut.",
        "edge/intake.py",
        "        stored = self.tail.stored()\n        if stored is not None:",
        "        stored = self.tail.stored()\n        if stored is not None and False:",
        (f"{INTAKE}::test_committed_waits_for_the_disk_and_hastens_a_slow_flush",),
    ),
    Plant(
        "unbounded-tail",
        "While the disk refuses, readings pile up in memory without end.",
        "A full card makes the gateway grow until the kernel kills it, and all that was waiting with it.",
        "edge/tail.py",
        "        if surplus <= 0:\n            return",
        "        if surplus <= 0 or True:\n            return",
        (f"{INTAKE}::test_a_tail_that_overflows_is_told_in_a_gap_record",),
    ),
    Plant(
        "unbounded-events",
        "While the disk refuses, events pile up in memory without end.",
        "The same, and the sender of the event is never told to keep it.",
        "edge/tail.py",
        "        if len(self._events) >= EVENTS_MAX:",
        "        if len(self._events) >= EVENTS_MAX * 10**9:",
        (f"{INTAKE}::test_too_many_waiting_events_are_refused_at_the_door",),
    ),
    Plant(
        "redelivery-stored-twice",
        "A device message that comes again is stored again.",
        "One swipe of a card is two entries in the log of the door.",
        "edge/intake.py",
        "            if self._buffer.has_origin(origin):\n                return False",
        "            if self._buffer.has_origin(origin) and False:\n                return False",
        (f"{INTAKE}::test_a_redelivered_device_message_is_stored_once",),
    ),
    Plant(
        "time-of-1970",
        "Readings taken before the clock was set are stamped with whatever it says.",
        "After a power cut without network a day of consumption stands in 1970 and is refused.",
        "edge/retime.py",
        "        if now < TRUST_FLOOR_MS:\n            return False",
        "        if now < TRUST_FLOOR_MS:\n            return True",
        (f"{INTAKE}::test_in_1970_items_wait_untimed_and_get_their_time_when_it_is_known",),
    ),
)
