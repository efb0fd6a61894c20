"""Every model that is simulated, by the id of the profile that reads it.

`meters` and `sunspec`: meters; their register tables (CSV beside this file) are copied from the data sheets, each point
under the name the project has for it. `modules`: relays and inputs.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from simulators.devices.models.meters import ABB_B23, CARLO_GAVAZZI_EM340, EASTRON_SDM120, EASTRON_SDM630, METERS
from simulators.devices.models.modules import MODULES
from simulators.devices.models.sunspec import SUNSPEC
from simulators.devices.registers import RegisterMap

__all__ = ["ABB_B23", "CARLO_GAVAZZI_EM340", "EASTRON_SDM120", "EASTRON_SDM630", "MODELS", "MODULES", "unknown_model"]

MODELS: dict[str, RegisterMap] = {model.profile: model for model in (*METERS, *SUNSPEC)}


def unknown_model(name: str, known: Iterable[str]) -> str:
    """What to tell somebody who asked for ``name``: the nearest names, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 3, 0.5)
    if not close:
        close = [known for known in names if name and name.rsplit("/", maxsplit=1)[-1] in known]
    return f"did you mean {' or '.join(close)}?" if close else ", ".join(names)
