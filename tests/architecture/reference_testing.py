"""The parts of docs/TESTING.md that come from the code: what is simulated, what can go wrong, the CI files.

Everything else on these pages is written by hand; each part stands between two marks.
"""

import re
from collections.abc import Callable, Iterable
from itertools import chain

from simulators.devices.models import MODELS, MODULES
from simulators.devices.mqtt.dialects import DIALECTS
from simulators.faults import MEANINGS
from simulators.workshop_devices import CARD_READERS
from tests.architecture.source import ROOT

EXAMPLE = ROOT / "docs/examples/testing-a-building"
PAGES = {
    "docs/TESTING.md": ("Meters:", "Modules:", "Devices that publish:"),
    "docs/TESTING.zh-CN.md": ("电表：", "模块：", "会发布消息的设备："),
}
LINE = 118


def _wrapped(names: Iterable[str]) -> str:
    lines, line = [], ""
    for name in sorted(names):
        if len(line) + len(name) + 4 > LINE:
            lines.append(line.rstrip())
            line = ""
        line += f"`{name}`, "
    return "\n".join([*lines, line.rstrip(", ")])


def _models(heads: tuple[str, str, str]) -> str:
    return "\n\n".join(
        f"{head}\n{_wrapped(names)}" for head, names in zip(heads, (MODELS, MODULES, DIALECTS), strict=True)
    )


def _yaml(name: str) -> str:
    return f"```yaml\n{(EXAMPLE / name).read_text('utf-8').rstrip()}\n```"


def testing_page(name: str) -> str:
    """The page as it should be: as it stands, with the parts from the code put in anew."""
    parts: dict[str, Callable[[], str]] = {
        "models": lambda: _models(PAGES[name]),
        "card readers": lambda: "\n".join(f"- `{short}`: `{whole}`" for short, whole in CARD_READERS.items()),
        "github": lambda: _yaml(".github/workflows/test.yml"),
        "gitlab": lambda: _yaml(".gitlab-ci.yml"),
    }
    if name == "docs/TESTING.md":
        parts["modbus faults"] = lambda: "\n".join(
            chain(
                ("| Modbus | What happens |", "|---|---|"),
                (f"| `{kind}` | {said} |" for kind, said in MEANINGS.items()),
            )
        )
    text = (ROOT / name).read_text("utf-8")
    for part, write in parts.items():
        pattern = re.compile(rf"(<!-- {part} -->\n).*?(\n<!-- end -->)", re.DOTALL)
        assert len(pattern.findall(text)) == 1, f"{name}: the marks <!-- {part} --> and <!-- end --> stand there once"
        text = pattern.sub(lambda found, write=write: f"{found[1]}{write()}{found[2]}", text)
    return text
