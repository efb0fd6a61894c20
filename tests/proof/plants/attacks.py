"""Faults by which somebody gets in, gets through, or keeps others out."""

from tests.proof.planting import Plant

HTTP = "tests/cloud/test_http_server.py"
WRITE = "tests/edge/test_write_once.py"

ATTACKS = (
    Plant(
        "slow-body-stays",
        "A request whose body drips in counts as one that is being answered.",
        "Some hundreds of slow clients hold every connection of the collector for ever.",
        "cloud/http_server.py",
        "    return cycle is not None and not cycle.response_complete and cycle.more_body\n",
        "    return False\n",
        (
            f"{HTTP}::test_hundreds_that_send_a_byte_at_a_time_are_ended_and_others_are_served_meanwhile",
            f"{HTTP}::test_more_slow_bodies_than_connections_keep_nobody_out",
        ),
    ),
    Plant(
        "kept-orders-survive",
        "Who takes the place of a revoked gateway leaves the broker's session of it as it is.",
        "A box that is enrolled again in its name gets what was ordered of the stolen one.",
        "cloud/ingest/takeover.py",
        "clean_session=True",
        "clean_session=False",
        (
            "tests/cloud/identity/test_broker_revoked.py::"
            "test_orders_kept_for_a_gateway_that_was_away_are_gone_once_it_is_revoked",
        ),
    ),
    Plant(
        "no-share",
        "The box in which batches wait takes any number of one gateway.",
        "One gateway gone mad keeps the acks of all others waiting.",
        "cloud/ingest/message.py",
        "messages == 0 or (messages < SHARE_MESSAGES and held + size <= SHARE_BYTES)",
        "True",
        ("tests/cloud/ingest/test_inbox_share.py::test_a_gateway_gets_its_share_and_others_theirs",),
    ),
    Plant(
        "hand-past-the-rule",
        "At the box nobody looks at the rule of a point.",
        "Whoever gets a shell there pulses a gate that two people must agree on, and nothing is written down.",
        "edge/write_rules.py",
        "    if rule is None:\n        return None\n    wrong",
        "    if rule is None or rule:\n        return None\n    wrong",
        (
            f"{WRITE}::test_a_hand_at_the_box_is_held_to_the_rule_of_the_point",
            f"{WRITE}::test_past_the_rule_only_with_a_reason_and_that_is_on_disk",
        ),
    ),
    Plant(
        "core-dumps",
        "A process that crashes may leave its memory in a file.",
        "The key of a gateway and the passwords of an hour lie in a core dump for whoever finds it.",
        "protocols/no_core.py",
        "PR_SET_DUMPABLE, 0, 0, 0, 0)",
        "PR_SET_DUMPABLE, 1, 0, 0, 0)",
        ("tests/protocols/test_no_core.py::test_a_process_that_crashes_leaves_no_core_and_the_kernel_says_so",),
    ),
    Plant(
        "password-in-a-message",
        "A broker's address is quoted whole where it is wrong.",
        "The password that somebody wrote into it stands in the log and in the support bundle.",
        "protocols/mqtt_url.py",
        '    if "@" in text:',
        '    if "@@@" in text:',
        (
            "tests/cloud/api/test_secrets_nowhere.py::"
            "test_what_cannot_be_read_is_refused_without_saying_what_stood_there",
        ),
    ),
    Plant(
        "card-keys-not-carried",
        "A key on record is carried over with the first secret in the place of the newest.",
        "After a change of the key no card opens any door.",
        "edge/cards.py",
        "return carried_over(old, self._later[-1])",
        "return carried_over(old, self._secret)",
        ("tests/edge/test_cards.py::test_keys_on_record_are_carried_over_to_a_new_secret_without_the_cards",),
    ),
    Plant(
        "approval-not-told",
        "A command that waits for a second person is told to nobody.",
        "The gate stays shut: five minutes pass before anybody thinks of looking under Settings.",
        "cloud/identity/approval_watch.py",
        "            self._alarms.raise_alarm(KIND, source, _args(row))\n",
        "            pass\n",
        (
            "tests/cloud/identity/test_approval_watch.py::"
            "test_each_that_waits_is_a_notice_without_a_name_and_ends_when_it_is_decided",
        ),
    ),
    Plant(
        "birth-forgets-two",
        "A birth does not tell which points need two people.",
        "The page promises that a command is sent at once, and the box refuses it each time.",
        "edge/introduce.py",
        "            second_person=rule.second_person,\n",
        "",
        ("tests/edge/test_remote_rules.py::test_the_birth_tells_what_may_be_ordered_and_by_how_many",),
    ),
    Plant(
        "any-proxy-is-believed",
        "Who asks is read from a header whoever sent it.",
        "Whoever guesses passwords writes another address into each guess and never has to wait.",
        "cloud/http_server.py",
        "        proxy_headers=bool(settings.proxies),\n        forwarded_allow_ips=_as_seen(settings.proxies),\n",
        '        proxy_headers=True,\n        forwarded_allow_ips="*",\n',
        (f"{HTTP}::test_who_asks_is_read_from_a_header_only_of_named_proxies",),
    ),
)
