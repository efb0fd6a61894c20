"""Every assertion of Sparkplug 3.0.0 for an edge node: what holds it here, or why it has nothing to hold.

The ids are those of the specification (``tck-id-...``). Values name tests of this folder, rules of `sparkplug_watch.py`
(which look at every message of every test), or what is not offered.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
NAMES_TEST = HERE.parents[1] / "protocols/sparkplug/test_names.py"

HELD_BY = {
    "test_topics_have_their_shape": """topic-structure topic-structure-namespace-a
        topic-structure-namespace-device-id-associated-message-types
        topic-structure-namespace-device-id-non-associated-message-types""",
    "test_what_may_not_be_in_a_topic_is_no_id": """intro-group-id-chars intro-edge-node-id-chars intro-device-id-chars
        topic-structure-namespace-valid-group-id topic-structure-namespace-valid-edge-node-id
        topic-structure-namespace-valid-device-id""",
    "test_other_texts_are_ids": "intro-group-id-string intro-edge-node-id-string intro-device-id-string",
    "test_the_session_begins_as_the_specification_wants_it": """principles-persistence-clean-session-311
        message-flow-edge-node-birth-publish-connect message-flow-edge-node-birth-publish-will-message
        message-flow-edge-node-birth-publish-will-message-topic message-flow-edge-node-birth-publish-will-message-qos
        message-flow-edge-node-birth-publish-will-message-will-retained message-flow-edge-node-ncmd-subscribe
        payloads-ndeath-will-message payloads-ndeath-will-message-qos payloads-ndeath-will-message-retain""",
    "test_nbirth_says_everything_of_the_node": """topics-nbirth-topic topics-nbirth-metric-reqs
        topics-nbirth-bdseq-included topics-nbirth-rebirth-metric
        message-flow-edge-node-birth-publish-nbirth-topic message-flow-edge-node-birth-publish-nbirth-payload
        message-flow-edge-node-birth-publish-nbirth-payload-bdSeq operational-behavior-data-publish-nbirth
        payloads-nbirth-bdseq payloads-nbirth-rebirth-req operational-behavior-data-commands-rebirth-name
        operational-behavior-data-commands-rebirth-datatype operational-behavior-data-commands-rebirth-value""",
    "test_a_device_that_answered_is_born_with_every_point_and_one_never_seen_is_not": """topics-dbirth-topic
        topics-dbirth-metric-reqs message-flow-device-birth-publish-dbirth-topic
        message-flow-device-birth-publish-dbirth-match-edge-node-topic
        message-flow-device-birth-publish-dbirth-payload operational-behavior-data-publish-dbirth
        payloads-alias-uniqueness""",
    "test_data_goes_by_alias_on_change_only": """topics-ddata-topic topics-ddata-payload principles-rbe-recommended
        operational-behavior-data-publish-dbirth-change operational-behavior-data-publish-nbirth-change""",
    "test_a_lost_device_dies_and_is_born_again": """operational-behavior-device-ddeath topics-ddeath-topic
        topics-ndata-topic topics-ndata-payload""",
    "test_the_numbers_go_round_after_255": """payloads-sequence-num-incrementing topics-ddata-seq-num
        topics-ndata-seq-num payloads-ndata-seq-inc payloads-ddata-seq-inc""",
    "test_rebirth_says_everything_again_with_the_same_bdseq": """
        operational-behavior-data-commands-rebirth-action-1 operational-behavior-data-commands-rebirth-action-2
        operational-behavior-data-commands-rebirth-action-3 operational-behavior-data-commands-ncmd-rebirth-verb
        operational-behavior-data-commands-ncmd-rebirth-name operational-behavior-data-commands-ncmd-rebirth-value""",
    "test_leaving_says_ndeath_before_the_disconnect": """topics-ndeath-topic
        payloads-ndeath-will-message-publisher payloads-ndeath-will-message-publisher-disconnect-mqtt311
        operational-behavior-edge-node-intentional-disconnect-ndeath
        operational-behavior-edge-node-intentional-disconnect-packet""",
    "test_a_node_that_is_cut_off_dies_by_its_will_and_counts_on": """payloads-ndeath-bdseq
        message-flow-edge-node-birth-publish-will-message-payload
        message-flow-edge-node-birth-publish-will-message-payload-bdSeq topics-nbirth-bdseq-matching
        payloads-nbirth-bdseq-repeat""",
    "test_the_number_of_the_session_outlives_the_process": "topics-nbirth-bdseq-increment",
    "test_nothing_of_a_node_is_retained": """payloads-nbirth-retain payloads-ndata-retain payloads-dbirth-retain
        payloads-ddata-retain message-flow-edge-node-birth-publish-nbirth-retained
        message-flow-device-birth-publish-dbirth-retained""",
    "test_no_birth_before_the_primary_host_is_there": """message-flow-edge-node-birth-publish-phid-wait
        message-flow-edge-node-birth-publish-phid-wait-id message-flow-edge-node-birth-publish-phid-wait-online
        message-flow-edge-node-birth-publish-phid-wait-timestamp operational-behavior-edge-node-birth-sequence-wait
        operational-behavior-primary-application-state-with-multiple-servers-state-subs""",
    "test_when_the_primary_host_goes_the_node_dies_holds_and_comes_back": """
        message-flow-edge-node-birth-publish-phid-offline operational-behavior-edge-node-termination-host-offline
        operational-behavior-edge-node-termination-host-offline-timestamp""",
    "test_a_host_on_the_other_server_is_found_there": """
        operational-behavior-edge-node-termination-host-offline-reconnect
        operational-behavior-primary-application-state-with-multiple-servers-single-server
        operational-behavior-primary-application-state-with-multiple-servers-walk""",
    # Rules that every message of every test goes through.
    "check": """topics-nbirth-mqtt topics-ndata-mqtt topics-dbirth-mqtt topics-ddata-mqtt topics-ddeath-mqtt
        payloads-nbirth-qos payloads-ndata-qos payloads-dbirth-qos payloads-ddata-qos
        message-flow-edge-node-birth-publish-nbirth-qos message-flow-device-birth-publish-dbirth-qos
        topics-nbirth-timestamp topics-ndata-timestamp topics-dbirth-timestamp topics-ddata-timestamp
        payloads-nbirth-timestamp payloads-ndata-timestamp payloads-dbirth-timestamp payloads-ddata-timestamp
        payloads-ddeath-timestamp payloads-timestamp-in-UTC payloads-sequence-num-always-included
        topics-nbirth-seq-num payloads-nbirth-seq payloads-sequence-num-req-nbirth
        message-flow-edge-node-birth-publish-nbirth-payload-seq payloads-ndata-seq payloads-dbirth-seq
        payloads-ddata-seq payloads-ddeath-seq payloads-ddeath-seq-number topics-dbirth-seq payloads-dbirth-seq-inc
        message-flow-device-birth-publish-dbirth-payload-seq topics-ddeath-seq-num payloads-ddeath-seq-inc
        principles-birth-certificates-order message-flow-device-birth-publish-nbirth-wait
        topics-ndeath-payload topics-ndeath-seq payloads-ndeath-seq payloads-ndata-order""",
    "_check_place": "payloads-ddata-order payloads-dbirth-order",
    "_check_metrics": """topics-nbirth-metrics topics-dbirth-metrics payloads-metric-datatype-req
        payloads-metric-datatype-value payloads-metric-datatype-value-type payloads-metric-datatype-not-req
        payloads-name-requirement payloads-alias-birth-requirement payloads-alias-data-cmd-requirement
        payloads-name-birth-data-requirement payloads-metric-timestamp-in-UTC
        operational-behavior-data-commands-rebirth-name-aliases operational-behavior-data-publish-nbirth-values
        operational-behavior-data-publish-dbirth-values operational-behavior-data-publish-nbirth-order
        operational-behavior-data-publish-dbirth-order""",
    "_check_properties": """payloads-metric-propertyvalue-type-req payloads-metric-propertyvalue-type-value
        payloads-metric-propertyvalue-type-type payloads-propertyset-quality-value-type
        payloads-propertyset-quality-value-value""",
    "properties": "payloads-propertyset-keys-array-size payloads-propertyset-values-array-size",
}
NOTHING_TO_HOLD = {
    "MQTT 3.1.1 is spoken": """principles-persistence-clean-session-50
        payloads-ndeath-will-message-publisher-disconnect-mqtt50""",
    "no device is written to by DCMD": "message-flow-device-dcmd-subscribe payloads-name-cmd-requirement",
    "no data sets and no templates are made": "topics-nbirth-templates payloads-dataset-* payloads-template-*",
    "the site file's ids are unique below one node, and lower case; names of points are the vocabulary's": """
        topic-structure-namespace-unique-device-id topic-structure-namespace-duplicate-device-id-across-edge-node
        case-sensitivity-sparkplug-ids case-sensitivity-metric-names""",
    "who writes the site files gives each gateway of a group a node id of its own": """intro-edge-node-id-uniqueness
        topic-structure-namespace-unique-edge-node-descriptor payloads-nbirth-edge-node-descriptor""",
}
EDGE_NODE_ASSERTIONS = 204
"""Of 299: those of the chapters on ids, sessions, births, data, deaths, numbers, types, rebirth and primary hosts."""


def ids(table: dict[str, str]) -> list[str]:
    return [each for found in table.values() for each in found.split()]


def test_what_holds_an_assertion_is_there() -> None:
    files = [*HERE.glob("*.py"), NAMES_TEST]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    assert not [name for name in HELD_BY if f"def {name}(" not in text]


def test_each_assertion_is_accounted_for_once() -> None:
    found = ids(HELD_BY) + ids(NOTHING_TO_HOLD)
    assert len(found) == len(set(found))
    data_sets, templates = 7, 26
    assert len(found) - 2 + data_sets + templates == EDGE_NODE_ASSERTIONS
