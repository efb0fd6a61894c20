"""Who passed which door: listens to ESP-RFID readers at an MQTT broker."""

import json
import queue
from typing import NamedTuple

from paho.mqtt import client as mqtt


class Pass(NamedTuple):
    door: str
    card: str
    granted: bool
    at_s: int


class DoorWatcher:
    """``next_pass`` gives one pass after the other, each once, however often a reader tells it."""

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self._passes: queue.Queue[Pass] = queue.Queue()
        self._last: dict[str, Pass] = {}
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="door-watcher")
        self._client.username_pw_set(username, password)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe("doors/+/send", qos=1)
        self._subscribed: queue.Queue[bool] = queue.Queue()
        self._client.on_subscribe = lambda *_: self._subscribed.put(True)
        self._client.connect(host, port)
        self._client.loop_start()
        self._subscribed.get(timeout=10)

    def next_pass(self, timeout_s: float = 5.0) -> Pass | None:
        """The next pass, or None when nobody comes."""
        try:
            return self._passes.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        said = json.loads(message.payload)
        if said.get("type") != "access":
            return
        door = message.topic.split("/")[1]
        seen = Pass(door, said["uid"].upper(), said["access"] in ("Always", "Admin"), int(said["time"]))
        # Readers tell a tap again when they did not hear the broker's answer: the same card in the same second.
        if self._last.get(door) != seen:
            self._last[door] = seen
            self._passes.put(seen)
