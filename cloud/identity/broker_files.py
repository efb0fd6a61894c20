"""What mosquitto must know: one TLS listener, who may do what, and which certificates were taken back.

A certificate is the only way in. Its name is the user name and the client id: a gateway is ``site/gateway``, and the
access list is three patterns over that name, so that a new gateway changes no file. What is not allowed is denied.
EMQX takes the same rules; docs/IDENTITY.md has them.
"""

import contextlib
import os
import pwd
import signal
import stat
from collections.abc import Sequence
from pathlib import Path

from cloud.identity.authority import Authority, BadAuthority
from cloud.identity.private_files import PUBLIC, put
from cloud.settings import ListenAddress
from protocols.certificates import COLLECTOR, BadCertificate, Certificate, member_name, read_certificate
from protocols.clock import Clock
from protocols.data_owner import as_root
from protocols.topics import FROM_COLLECTOR, FROM_GATEWAYS, ROOT

CONF, ACCESS, CRL = "mosquitto.conf", "access", "revoked.pem"
CA, CERTIFICATE, KEY = "ca.pem", "server.pem", "server.key"
PID = "data/mosquitto.pid"
"""In the one folder that is the broker's: it is its own user by the time it writes this."""
FORMER_PID = "mosquitto.pid"
"""Where settings of earlier versions have it."""

_CONF = """\
# Written by `dayuan-cloud broker files`, which writes it again. Settings of your own belong into another file.
# Start with: mosquitto -c {folder}/mosquitto.conf

per_listener_settings false
allow_anonymous false
acl_file {folder}/access
pid_file {folder}/data/mosquitto.pid

# Session and queues survive a restart; a broker that lost them costs time and no data.
persistence true
persistence_location {folder}/data/
autosave_on_changes true
autosave_interval 1

# The defaults (1000 messages waiting, 20 on their way) drop a burst and tell nobody. Without any limit one bad client
# fills the memory with messages of QoS 0, and everybody waits behind them; what is dropped, gateways send again.
max_queued_messages 5000
max_queued_bytes 268435456
max_inflight_messages 100
max_packet_size 2097152
max_keepalive 300
persistent_client_expiration 30d

listener {port} {host}
max_connections {connections}
cafile {folder}/ca.pem
certfile {folder}/server.pem
keyfile {folder}/server.key
crlfile {folder}/revoked.pem
tls_version tlsv1.2
require_certificate true
use_identity_as_username true
# Nobody takes the place of another, and two boxes with one certificate are not both in.
use_username_as_clientid true
"""


def access_list(members: Sequence[str] = ()) -> str:
    """The access list: the collector by name, every gateway by the pattern of its topics. All else is denied.

    ``members`` of a group take in batches and ack them; mosquitto judges what comes through ``$share`` by the topic
    that was published. The rest is the desk's, which has the collector's name.
    """
    lines = ["# Written by `dayuan-cloud broker files`. What is not allowed here is denied.", f"user {COLLECTOR}"]
    lines += [f"topic read {ROOT}/+/+/{channel}" for channel in FROM_GATEWAYS]
    lines += [f"topic write {ROOT}/+/+/{channel}" for channel in FROM_COLLECTOR]
    for member in sorted(members):
        lines += ["", f"user {member_name(member)}", f"topic read {ROOT}/+/+/up", f"topic write {ROOT}/+/+/ack"]
    lines += [""]
    lines += [f"pattern write {ROOT}/%u/{channel}" for channel in FROM_GATEWAYS]
    lines += [f"pattern read {ROOT}/%u/{channel}" for channel in FROM_COLLECTOR]
    return "\n".join(lines) + "\n"


@as_root()
def write_broker_files(
    folder: Path,
    authority: Authority,
    *,
    listen: ListenAddress,
    names: Sequence[str],
    connections: int,
    crl: bytes,
    members: Sequence[str] = (),
) -> Certificate:
    """Write all of it; returns the broker's certificate, a new one each time. Raises BadAuthority."""
    text = str(folder.resolve())
    if any(sign.isspace() or sign == "%" for sign in text):
        raise BadAuthority(f"{text}: mosquitto's settings take no folder with blanks in its name")
    try:
        (folder / "data").mkdir(parents=True, exist_ok=True)
        broker = _broker_user()
        if broker is not None:
            os.chown(folder / "data", *broker)
        pair = authority.issue_server(names)
        put(folder / CA, authority.certificate.pem, PUBLIC)
        put(folder / KEY, pair.key, owner=broker)
        put(folder / CERTIFICATE, pair.certificate.pem, PUBLIC)
        put(folder / CRL, crl, PUBLIC)
        put(folder / ACCESS, access_list(members).encode(), PUBLIC, owner=broker)
        conf = _CONF.format(folder=text, port=listen.port, host=listen.host, connections=connections)
        put(folder / CONF, conf.encode(), PUBLIC)
    except OSError as error:
        raise BadAuthority(f"{folder}: {error.strerror}: {error.filename}") from None
    return pair.certificate


@as_root()
def broker_certificate(folder: Path) -> Certificate:
    """The broker's certificate in its folder. Raises BadAuthority."""
    try:
        return read_certificate((folder / CERTIFICATE).read_bytes())
    except OSError as error:
        raise BadAuthority(f"{error.filename}: {error.strerror}; write it: dayuan-cloud broker files") from None
    except BadCertificate as error:
        raise BadAuthority(f"{folder / CERTIFICATE}: {error}; write it: dayuan-cloud broker files") from None


def is_ending(certificate: Certificate, now_ms: int) -> bool:
    """Less than a third of its time is left."""
    return (certificate.not_after - now_ms) * 3 < certificate.not_after - certificate.not_before


@as_root()
def renew_broker(folder: Path, authority: Authority) -> tuple[Certificate, bool]:
    """Replace the broker's certificate, for the same key and names, and let the broker read it.

    Whoever is connected stays; True when the broker was told. Raises BadAuthority, and then nothing was changed.
    """
    made = authority.renew_server(broker_certificate(folder).pem)
    try:
        put(folder / CERTIFICATE, made.pem, PUBLIC)
    except OSError as error:
        raise BadAuthority(f"{folder}: {error.strerror}: {error.filename}") from None
    return made, _tell(folder)


@as_root()
def refresh_revocations(folder: Path, crl: bytes) -> bool:
    """Replace the revocation list and let the broker read it; False when it could not be told to (see `PID`).

    Raises BadAuthority when the list cannot be written.
    """
    try:
        put(folder / CRL, crl, PUBLIC)
    except OSError as error:
        raise BadAuthority(f"{folder}: {error.strerror}: {error.filename}") from None
    return _tell(folder)


@as_root()
def refresh_access(folder: Path, members: Sequence[str]) -> bool:
    """Let the broker know who is of the group; False when it could not be told to (see `PID`).

    A list that says so already is left alone. Raises BadAuthority when it cannot be written. Everybody may read it, as
    nothing in it is secret: mosquitto 2.0.11 allows everything when it cannot read its list again.
    """
    content = access_list(members).encode()
    path = folder / ACCESS
    try:
        if _says(path, content):
            return True
        put(path, content, PUBLIC, owner=_broker_user())
    except OSError as error:
        raise BadAuthority(f"{folder}: {error.strerror}: {error.filename}; dayuan-cloud broker files") from None
    return _tell(folder)


def own_pair(authority: Authority, clock: Clock) -> Path:
    """The collector's key and certificate towards the broker, in one file; new when a third of its time is left."""
    path = authority.folder / "collector.pem"
    with contextlib.suppress(OSError):
        content = path.read_bytes()
        found = read_certificate(content[content.index(b"-----BEGIN CERTIFICATE") :])
        if not is_ending(found, clock.now_ms()) and found.name == COLLECTOR:
            return path
    pair = authority.issue_client(COLLECTOR)
    put(path, pair.key + pair.certificate.pem)
    return path


def _tell(folder: Path) -> bool:
    """Let the broker read its list and certificate again; False when there is none that we may tell."""
    for name in (PID, FORMER_PID):
        with contextlib.suppress(OSError, ValueError):
            pid = int((folder / name).read_text("ascii").strip())
            if pid > 1 and _is_mosquitto(pid):
                os.kill(pid, signal.SIGHUP)
                return True
    return False


def _says(path: Path, content: bytes) -> bool:
    """Whether that is what the list holds, for whoever the broker is."""
    try:
        return bool(path.stat().st_mode & stat.S_IROTH) and path.read_bytes() == content
    except PermissionError:
        return False  # what we may not read we may replace all the same where the folder is ours


def _broker_user() -> tuple[int, int] | None:
    """Started by root, mosquitto becomes the user of its name before it reads its files; None where they stay ours."""
    if os.geteuid() != 0:
        return None
    try:
        user = pwd.getpwnam("mosquitto")
    except KeyError:
        return None
    return user.pw_uid, user.pw_gid


def _is_mosquitto(pid: int) -> bool:
    """A number in a file may be of a process that has nothing to do with us by now."""
    return Path(f"/proc/{pid}/comm").read_text("utf-8", "replace").strip().startswith("mosquitto")
