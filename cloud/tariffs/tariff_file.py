"""Tariffs as TOML files, and all their faults with the line each stands on."""

from importlib import resources
from pathlib import Path

import msgspec

from cloud.tariffs.checks import Fault, faults
from cloud.tariffs.tariff import Tariff
from protocols.errors import BadSettings
from protocols.settings import Document, decode, load_toml


def read_tariff(path: str | Path) -> Tariff:
    """A tariff from a file. Raises BadSettings with all that is wrong, a line of text for each, by line of the file."""
    return parse_tariff(load_toml(path))


def parse_tariff(document: Document) -> Tariff:
    """The same from a text: ``parse_tariff(Document(name, text))``."""
    tariff = decode(document, Tariff)
    found = faults(tariff)
    if found:
        raise BadTariff(document, found)
    return tariff


class BadTariff(BadSettings):
    """A tariff that is not whole. ``str()`` has a line ``file:line: key: message`` for each fault."""

    def __init__(self, document: Document, found: list[Fault]) -> None:
        self.each = sorted((document.fail(each.path, each.message) for each in found), key=lambda each: each.line)
        first = self.each[0]
        super().__init__(first.message, file=first.file, line=first.line, key=first.key)
        self.args = ("\n".join(str(each) for each in self.each),)


def from_json(raw: bytes) -> tuple[Tariff | None, list[Fault]]:
    """A tariff as the API takes it, or what is wrong with it."""
    try:
        tariff = msgspec.json.decode(raw, type=Tariff)
    except msgspec.ValidationError as error:
        return None, [Fault((), str(error))]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, [Fault((), f"no JSON: {error}")]
    found = faults(tariff)
    return (None if found else tariff), found


def samples() -> dict[str, Path]:
    """The files that come with the product, by the tariff's id: to start from, not to bill by."""
    folder = Path(str(resources.files("cloud.tariffs.samples")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}
