"""What can be simulated, for ``dayuan-sim models``."""

from __future__ import annotations

from simulators.devices.models import MODELS, MODULES
from simulators.devices.registers import RegisterMap


def model_list() -> dict[str, list[dict[str, str]]]:
    """Rows with ``id`` and ``what``, by kind."""
    return {
        "Modbus meters (dayuan-sim meter)": [{"id": name, "what": _meter(model)} for name, model in MODELS.items()],
        "Modbus modules (dayuan-sim meter)": [
            {"id": name, "what": f"{module.relays} relays" + (f", {module.inputs} inputs" if module.inputs else "")}
            for name, module in MODULES.items()
        ],
        "MQTT devices ([[device]] of a scenario)": [{"id": name, "what": what} for name, what in _dialects()],
    }


def _meter(model: RegisterMap) -> str:
    said = [f"{len(model.points)} points", f"{model.phases}-phase", f"reads of at most {model.read_max}"]
    if model.low_word_first:
        said.append("low word first")
    if model.even_only:
        said.append("even addresses only")
    if model.gaps == "refuse":
        said.append("refuses gaps")
    if model.ratios:
        said.append("secondary-side values and " + "/".join(model.ratios))
    if model.silence_s:
        said.append(f"wants {1000 * model.silence_s:g} ms of silence")
    return ", ".join(said)


def _dialects() -> list[tuple[str, str]]:
    from simulators.devices.mqtt.dialects import DIALECTS

    return [(name, "") for name in DIALECTS]
