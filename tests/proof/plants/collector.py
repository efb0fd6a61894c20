"""Faults of the collector: identity, the order of commit and ack, what it stores."""

from tests.proof.planting import Plant

COMMIT = "tests/cloud/ingest/test_commit.py"
IDENTITY = "tests/cloud/ingest/test_identity.py"
SHARED = "tests/cloud/ingest/test_shared.py"
STORE = "tests/contracts/test_series_store.py"
AWAY = f"{COMMIT}::test_a_store_that_is_away_is_tried_until_it_takes_the_commit_and_nothing_is_acked_before"

COLLECTOR = (
    Plant(
        "ack-before-commit",
        "A batch is acked before the store has it.",
        "The gateway deletes what a crash of the collector in that instant loses.",
        "cloud/ingest/commit.py",
        "        for prepared in await self._store_group(group):\n",
        "        self._outbox.add(self._preparer.prepare(group).answers)\n"
        "        for prepared in await self._store_group(group):\n",
        (AWAY,),
        in_ci=True,
    ),
    Plant(
        "broker-forgets-before-commit",
        "A message is acknowledged to the broker before the store has it.",
        "While the collector is down its messages are gone from the broker, and gateways must send them again.",
        "cloud/ingest/commit.py",
        "        began = self._clock.monotonic()\n        for prepared",
        "        began = self._clock.monotonic()\n"
        "        for message in group:\n"
        "            message.release()\n"
        "        for prepared",
        (AWAY,),
    ),
    Plant(
        "dedup-off",
        "A batch that comes again is stored again.",
        "Each lost ack doubles readings and events.",
        "cloud/ingest/identity.py",
        "        if known is not None:\n            return Verdict.REPEATED if known == digest else Verdict.CONFLICT\n",
        "",
        (f"{IDENTITY}::test_a_repetition_is_acked_again_and_stored_once",),
        in_ci=True,
    ),
    Plant(
        "dedup-in-memory-only",
        "What was stored is forgotten with the process.",
        "After a restart of the collector everything on its way is stored twice.",
        "cloud/ingest/identity.py",
        "for stream, parts in collected.items()}",
        "for stream, parts in {}.items()}",
        (f"{IDENTITY}::test_repetitions_are_known_after_a_restart",),
    ),
    Plant(
        "dedup-by-time",
        "A reading counts as repeated when its series has one of the same instant.",
        "After a step of the clock two different readings have one time, and one of them vanishes.",
        "cloud/store/duckdb_write.py",
        'value, quality, batch FROM fresh_readings"',
        "value, quality, batch FROM fresh_readings f "
        'WHERE NOT EXISTS (SELECT 1 FROM readings r WHERE r.series = f.series AND r.observed_at = f.observed_at)"',
        (f"{STORE}::test_pages_join_without_loss_or_repetition_even_at_one_instant",),
    ),
    Plant(
        "repeated-is-not-acked",
        "A repetition is skipped without an ack.",
        "The gateway sends a batch whose ack was lost for ever and never deletes it.",
        "cloud/ingest/prepare.py",
        '            prepared.count(gateway, "duplicates")\n'
        "            prepared.answers.append(Answer(message.key, epoch, seq))\n",
        '            prepared.count(gateway, "duplicates")\n',
        (f"{IDENTITY}::test_a_repetition_is_acked_again_and_stored_once",),
    ),
    Plant(
        "copied-card-unseen",
        "Another batch under a known number counts as a repetition.",
        "Of two gateways with one identity (a copied card) half of the readings vanish without a word.",
        "cloud/ingest/identity.py",
        "return Verdict.REPEATED if known == digest else Verdict.CONFLICT",
        "return Verdict.REPEATED",
        (f"{IDENTITY}::test_two_batches_of_one_number_fence_the_gateway_until_a_person_lifts_it",),
    ),
    Plant(
        "known-before-commit",
        "A batch counts as stored from before its commit.",
        "When the disk refuses once, the second try takes the batch for a repetition: acked, and stored nowhere.",
        "cloud/ingest/commit.py",
        "        self._store.commit(prepared.work)\n        self._preparer.settle(prepared)\n        return prepared",
        "        self._preparer.settle(prepared)\n        self._store.commit(prepared.work)\n        return prepared",
        (AWAY,),
    ),
    Plant(
        "swallowed-store-error",
        "An error of the collector's disk is logged, and the commit counts as done.",
        "What a full disk refused is acked, and the gateways delete it.",
        "cloud/store/duckdb_store.py",
        "            self._in_doubt = True\n            raise self._after_failure(writer, error) from error",
        '            log.error("%s", self._after_failure(writer, error))\n            return',
        ("tests/cloud/store/test_disk_full.py::test_a_full_disk_refuses_the_commit_and_recovers",),
    ),
    Plant(
        "one-bad-batch-stops-all",
        "A batch that cannot be opened fails the whole commit.",
        "One gateway with a defect stops the readings of the whole compound.",
        "cloud/ingest/prepare.py",
        """        except BadBatch as error:
            self._reject(message, gateway, identity, error.reason, error.detail, prepared)
            return
        self._see""",
        """        except ZeroDivisionError:
            return
        self._see""",
        (
            "tests/cloud/ingest/test_bad_batches.py::"
            "test_poison_is_rejected_with_a_reason_and_kept_and_its_neighbours_are_stored[no batch]",
        ),
    ),
    Plant(
        "foreign-batch-taken",
        "A batch is taken although it says that it is of another gateway.",
        "A gateway that was configured with another's topic overwrites its numbers.",
        "cloud/ingest/prepare.py",
        '            if batch.gateway not in ("", message.key.gateway):',
        "            if False:",
        ("tests/cloud/ingest/test_bad_batches.py::test_a_foreign_batch_does_not_touch_the_gateway_it_names",),
    ),
    Plant(
        "late-data-not-rolled-up",
        "Only what is newer than the newest roll-up is rolled up.",
        "After an outage the quarter-hours stay empty although every reading arrived; so does the bill.",
        "cloud/store/duckdb_rollup.py",
        "FROM readings WHERE batch > ? AND batch <= ? {series} GROUP BY ALL",
        "FROM readings WHERE batch > ? AND batch <= ? {series}"
        " AND observed_at >= (SELECT coalesce(max(bucket), 0) FROM rollup_15m) GROUP BY ALL",
        (f"{STORE}::test_rollups_are_the_same_before_and_after_the_background_wrote_them",),
    ),
    Plant(
        "no-order",
        "Readings come in the order in which they were stored.",
        "After an outage a chart runs backwards, and pages of it repeat and leave out.",
        "cloud/store/duckdb_query.py",
        "ORDER BY r.observed_at, r.batch, r.rowid LIMIT",
        "ORDER BY r.batch, r.rowid LIMIT",
        (f"{STORE}::test_bounds_are_half_open_and_order_is_that_of_time",),
    ),
    Plant(
        "registry-synchronous-normal",
        "Users, alarms and devices are written with synchronous=NORMAL.",
        "After a power cut a user who was shut out is in again.",
        "cloud/registry/database.py",
        '"synchronous=FULL"',
        '"synchronous=NORMAL"',
        ("tests/cloud/registry/test_database.py::test_commits_are_on_disk_before_they_return",),
    ),
    Plant(
        "unbounded-inbox",
        "The collector takes from the broker as fast as it can, however slow its disk is.",
        "A slow disk makes the collector grow until the kernel kills it.",
        "cloud/ingest/message.py",
        "        return self._bytes >= self._bytes_max or len(self._waiting) >= self._messages_max",
        "        return False",
        (f"{COMMIT}::test_a_group_is_bounded_and_the_box_tells_when_there_is_space_again",),
    ),
    Plant(
        "claim-by-memory-only",
        "A collector of a group decides by what it remembers, not by what the others committed meanwhile.",
        "A batch that the broker hands to two collectors is stored by both, or refused by one.",
        "cloud/store/ledger_shared.py",
        "                if news.touches(work):\n",
        "                if False:\n",
        (f"{SHARED}::test_each_batch_is_stored_once_when_three_collectors_get_all_of_them_at_once",),
    ),
    Plant(
        "ack-before-shared-claim",
        "A collector of a group acks a batch although the shared ledger did not take it.",
        "The gateway deletes what a collector that stood still, or a server that was away, never stored.",
        "cloud/ingest/shared.py",
        "            work, news = self._ledger.commit(self.known, prepared.work, _more(prepared), again)\n",
        "            try:\n"
        "                work, news = self._ledger.commit(self.known, prepared.work, _more(prepared), again)\n"
        "            except Exception:\n"
        "                return prepared\n",
        (f"{SHARED}::test_who_stops_while_it_holds_the_claim_loses_it_and_stores_nothing_twice",),
        in_ci=True,
    ),
    Plant(
        "two-desks",
        "Who worked the desk of a group goes on when another one took it over.",
        "Alarms and reports are made twice, and blocks leave the ledger before both have seen them.",
        "cloud/store/ledger_desk.py",
        "DESK.update().where(DESK.c.term == self._term).values",
        "DESK.update().values",
        (f"{SHARED}::test_a_desk_that_was_taken_over_cannot_go_on",),
    ),
    Plant(
        "desk-begins-anew",
        "The desk of a group begins at the end of the ledger, not where the one before it stopped.",
        "What was stored while no desk ran reaches no alarm and no page.",
        "cloud/store/ledger_desk.py",
        "            self._followed = int(connection.execute(sa.select(DESK.c.followed)).scalar_one())\n",
        "            self._followed = int(connection.execute(sa.select(sa.func.max(BATCH.c.id))).scalar() or 0)\n",
        (f"{SHARED}::test_the_desk_follows_all_collectors_in_the_order_of_commits_and_tells_each_batch_once",),
    ),
)
