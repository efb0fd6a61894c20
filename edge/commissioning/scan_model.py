"""Which model a unit is: by what it says of itself, else by what its registers look like, else honestly unknown.

Sure is only what a device says of itself and its values do not contradict. Everything else is a list of candidates with
the evidence, because maps of sister models overlap and a wrong name gives wrong values without an error.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge.commissioning.scan_catalog import Catalog, is_io_module
from edge.commissioning.scan_finding import Candidate, Recognition
from edge.commissioning.scan_module import by_outputs
from edge.commissioning.scan_plausible import ENOUGH, Signature, has_mains, signature
from edge.commissioning.scan_registers import UnitRegisters
from protocols.modbus.profile import IdentityRow, ModbusProfile
from protocols.modbus.registers import FUNCTION_CODES, WordOrder
from protocols.modbus.sunspec import MARKER, MARKER_ADDRESSES, MODELS_MAX
from protocols.modbus.texts import decode_text, identity_matches, identity_value

CLOSE = 0.75
"""Candidates with at least this part of the best score are named beside it."""
CANDIDATES_MAX = 4
HOLDING = FUNCTION_CODES["holding"]


class _Said:
    """What a unit answered to the identity rows of one profile."""

    def __init__(self) -> None:
        self.fits: list[str] = []
        self.differs: list[str] = []
        self.strong = 0

    def add(self, row: IdentityRow, value: float | str) -> None:
        shown = _shown(row, value)
        if not identity_matches(row, value):
            wanted = " or ".join(f"{each!r}" if isinstance(each, str) else f"{each:g}" for each in row.expect[:4])
            self.differs.append(f"{shown}, not {wanted}")
        else:
            self.fits.append(shown)
            # A register that is 0 as expected is in nearly every device.
            self.strong += any(row.expect)


def _shown(row: IdentityRow, value: float | str) -> str:
    if isinstance(value, str):
        return f"register 0x{row.at:04X} says {value!r}"
    if isinstance(value, int) and value > 0xFFFF:
        letters = value.to_bytes(8, "big").strip(b"\0").decode("latin-1").strip()
        return f"0x{row.at:04X} = 0x{value:X}" + (f" {letters!r}" if letters.isalnum() else "")
    return f"0x{row.at:04X} = {value:g}"


async def recognise(unit: UnitRegisters, catalog: Catalog) -> Recognition:
    """Name the model at ``unit``. Reads only."""
    said = await _identities(unit, catalog)
    named = [profile for profile in catalog.profiles if profile.id in said and _is_named(said[profile.id])]
    if named:
        found = await _confirmed(unit, named, said)
        if found is not None:
            return found
    found = await _sunspec(unit, catalog)
    if found is not None:
        return found
    return await _by_looks(unit, catalog, said)


async def _identities(unit: UnitRegisters, catalog: Catalog) -> dict[str, _Said]:
    said: dict[str, _Said] = {}
    for asked, rows in catalog.questions():
        payload = await unit.read(*asked)
        if payload is None:
            continue
        for profile, row in rows:
            value = identity_value(row, payload, profile.word_order)
            said.setdefault(profile.id, _Said()).add(row, value)
        if any(_is_named(each) and len(each.fits) >= _rows(catalog, name) for name, each in said.items()):
            # Complete: nothing else can fit better, and a slow line is spared the other questions.
            break
    return said


def _rows(catalog: Catalog, profile_id: str) -> int:
    return sum(bool(row.expect) for row in catalog.by_id(profile_id).identity)


def _is_named(said: _Said) -> bool:
    return said.strong > 0 and not said.differs


async def _confirmed(unit: UnitRegisters, named: list[ModbusProfile], said: dict[str, _Said]) -> Recognition | None:
    """The named model whose values do not contradict its name; None when they do."""
    ranked = sorted(named, key=lambda profile: -said[profile.id].strong)
    if len(ranked) > 1 and said[ranked[0].id].strong == said[ranked[1].id].strong:
        return Recognition(
            candidates=tuple(
                Candidate(profile=each.id, score=0.0, evidence=tuple(said[each.id].fits)) for each in ranked
            ),
            hint="several models say the same of themselves: look at the label",
        )
    profile = ranked[0]
    looks = await signature(unit, profile)
    order: WordOrder | None = None
    if looks.wrong or looks.missing:
        turned = _turned(profile)
        other = await signature(unit, turned)
        if other.fits and other.score > looks.score + 2:
            profile, looks, order = turned, other, turned.word_order
    if looks.wrong:
        return None
    evidence = (*said[profile.id].fits, *looks.seen[:3])
    texts = await read_texts(unit, profile)
    return _named(profile, sure=True, word_order=order, evidence=evidence, texts=texts)


def _named(
    profile: ModbusProfile,
    *,
    evidence: tuple[str, ...],
    texts: dict[str, str],
    sure: bool = False,
    word_order: WordOrder | None = None,
    hint: str = "",
) -> Recognition:
    return Recognition(
        profile=profile.id,
        sure=sure,
        word_order=word_order,
        evidence=evidence,
        texts=texts,
        extended=not profile.selected(extended=False),
        hint=hint,
    )


def _turned(profile: ModbusProfile) -> ModbusProfile:
    """The same model with its registers the other way round, as early samples and a setting have them."""
    return profile.with_word_order("big" if profile.word_order == "little" else "little")


async def _sunspec(unit: UnitRegisters, catalog: Catalog) -> Recognition | None:
    for base in MARKER_ADDRESSES:
        if await unit.read(HOLDING, base, 2) == MARKER:
            break
    else:
        return None
    models = await sunspec_models(unit, base + 2)
    common = models.get(1)
    for model, start in models.items():
        profile = catalog.sunspec.get(model)
        if profile is None:
            continue
        looks = await signature(unit, profile, start)
        texts = {} if common is None else await read_texts(unit, profile, common)
        evidence = (f"'SunS' at {base}, model {model} at {start}", *looks.seen[:3])
        return _named(profile, sure=True, evidence=evidence, texts=texts)
    listed = ", ".join(map(str, models)) or "none"
    return Recognition(
        evidence=(f"'SunS' at {base}, models: {listed}",), hint="a SunSpec device without a meter model (201 to 214)"
    )


async def sunspec_models(unit: UnitRegisters, start: int) -> dict[int, int]:
    """The number of every model from ``start`` on, and where it begins; the first of each number."""
    found: dict[int, int] = {}
    for _ in range(MODELS_MAX):
        header = await unit.read(HOLDING, start, 2)
        if header is None:
            break
        model, length = int.from_bytes(header[:2], "big"), int.from_bytes(header[2:], "big")
        if model == 0xFFFF or start + 2 + length > 0xFFFF:
            break
        found.setdefault(model, start)
        start += 2 + length
    return found


async def read_texts(unit: UnitRegisters, profile: ModbusProfile, model_at: int = 0) -> dict[str, str]:
    """What the device says of itself, as far as it does."""
    texts = {}
    for field in profile.texts:
        payload = await unit.read(FUNCTION_CODES[field.area], field.at + model_at, field.registers)
        if payload is not None and (text := decode_text(field, payload)):
            texts[field.name] = text
    return texts


async def _by_looks(unit: UnitRegisters, catalog: Catalog, said: dict[str, _Said]) -> Recognition:
    candidates = []
    for profile in catalog.profiles:
        if profile.sunspec_models or is_io_module(profile) or unit.gave_up:
            continue
        told = said.get(profile.id)
        looks = await signature(unit, profile)
        if looks.fits:
            candidates.append(_candidate(profile, looks, told))
        elif not has_mains(profile) and told is not None and told.fits and not (looks.wrong or looks.missing):
            evidence = (*told.fits, "all its points are there")
            candidates.append(Candidate(profile=profile.id, score=ENOUGH, evidence=evidence))
    candidates += [each for each in _by_name(catalog, said) if each.profile not in {one.profile for one in candidates}]
    ranked = sorted(candidates, key=lambda each: -each.score)
    if not ranked:
        return await by_outputs(unit, catalog)
    close = [each for each in ranked if each.score >= CLOSE * ranked[0].score][:CANDIDATES_MAX]
    if len(close) == 1 and ranked[0].score >= 2 * ENOUGH:
        profile = catalog.by_id(ranked[0].profile)
        return _named(
            profile,
            evidence=ranked[0].evidence,
            texts=await read_texts(unit, profile),
            hint="it does not say what it is; compare its display with `dayuan-edge read`",
        )
    return Recognition(candidates=tuple(close), hint="it does not say what it is; look at the label, then choose one")


def _candidate(profile: ModbusProfile, looks: Signature, said: _Said | None) -> Candidate:
    score, evidence = looks.score, list(looks.seen[:4])
    if said is not None and said.differs:
        score -= 4.0
        evidence += [f"but {text}" for text in said.differs[:2]]
    if looks.missing:
        evidence.append(f"but {looks.missing} of its points are not there")
    if said is not None:
        evidence = said.fits[:2] + evidence
    return Candidate(profile=profile.id, score=round(score, 1), evidence=tuple(evidence))


def _by_name(catalog: Catalog, said: dict[str, _Said]) -> Iterable[Candidate]:
    """Models whose identity fits in part, or whose values contradict it."""
    for profile in catalog.profiles:
        told = said.get(profile.id)
        if told is not None and told.strong:
            evidence = (*told.fits, *(f"but {text}" for text in told.differs[:2]))
            if not told.differs:
                evidence += ("but its values cannot be right",)
            yield Candidate(profile=profile.id, score=1.0 + told.strong, evidence=evidence)
