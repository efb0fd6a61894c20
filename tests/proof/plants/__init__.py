"""The faults that can be planted, by name; each beside what must catch it."""

from tests.proof.planting import Plant
from tests.proof.plants.access import ACCESS
from tests.proof.plants.attacks import ATTACKS
from tests.proof.plants.buffer import BUFFER
from tests.proof.plants.collector import COLLECTOR
from tests.proof.plants.devices import DEVICES
from tests.proof.plants.shown import SHOWN
from tests.proof.plants.site_files import SITE_FILES
from tests.proof.plants.uplink import UPLINK

GROUPS: dict[str, tuple[Plant, ...]] = {
    "In the gateway's memory and on its disk": BUFFER,
    "Between gateway and collector": UPLINK,
    "Between devices and gateway": DEVICES,
    "In the collector": COLLECTOR,
    "On the page": SHOWN,
    "At the door": ACCESS,
    "In site files from afar": SITE_FILES,
    "Against attackers": ATTACKS,
}
PLANTS: dict[str, Plant] = {each.name: each for group in GROUPS.values() for each in group}
