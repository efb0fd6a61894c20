"""Why an MQTT connection could not be made, or ended, in words for the person who must act on it."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

from protocols.mqtt_url import MqttUrl

_REFUSALS = {
    "Bad user name or password": "the broker refused the user name or password",
    "Not authorized": "the broker refused: not authorised (user name or password missing or wrong)",
    "Client identifier not valid": "the broker refused the client id",
    "Server unavailable": "the broker says it is unavailable",
    "Unsupported protocol version": "the broker does not speak MQTT 3.1.1",
}


def why_refused(error: BaseException, url: MqttUrl, ca_file: Path | None) -> str:
    """Why connecting to ``url`` failed. ``error`` is what the library raised; an OSError may stand behind it."""
    code = getattr(error, "rc", None)
    if code is not None:
        return _REFUSALS.get(str(code), f"the broker refused: {code}")
    cause = error.__context__ if isinstance(error.__context__, OSError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        if "ostname mismatch" in cause.verify_message or "IP address mismatch" in cause.verify_message:
            return f"TLS: the certificate is not for {url.host} ({cause.verify_message.rstrip('.')})"
        signers = ca_file or "an authority this system knows; set ca_file"
        return f"TLS: the certificate is not signed by {signers} ({cause.verify_message})"
    if isinstance(cause, ssl.SSLError) or (url.tls and isinstance(cause, ConnectionResetError)):
        return f"TLS failed ({getattr(cause, 'reason', None) or cause}); does the broker speak TLS at this port?"
    if isinstance(cause, socket.gaierror):
        return f"the host name cannot be resolved ({cause.strerror})"
    if isinstance(cause, ConnectionRefusedError):
        return "connection refused: nothing listens there"
    if isinstance(cause, TimeoutError) or "timed out" in str(error):
        return "no answer in time"
    if "closed before an answer" in str(error):
        hint = "" if url.tls else "; does it want mqtts://, or does a login page of the network answer in its place?"
        return f"the broker closed the connection without an answer{hint}"
    return str(cause) or type(cause).__name__


def why_lost(error: BaseException) -> str:
    """Why an open connection ended."""
    text = str(error)
    if "Keep alive" in text:
        return "the broker stopped answering (keepalive)"
    return f"connection lost ({text or type(error).__name__})"
