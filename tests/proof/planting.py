"""Faults planted on purpose: a line of the product is another one when it is imported. Nothing on disk is changed.

The product knows nothing of this. A plant whose line is no longer in the file, or stands there twice, is an error: it
must follow the code, or the proof would quietly lose it.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(__file__).resolve().parent / "planted_site"
"""On the path of child processes; its sitecustomize plants there what is planted here."""
NAME = "PLANTED_FAULT"
MET = "PLANTED_FAULT_MET"
"""A file that comes to be when the planted module is imported, by whichever process."""


class Plant(NamedTuple):
    """One fault.

    fault: what the product does then. harm: what it would do to whoever uses it. path: the file, from the root; `old`
    stands in it once (or everywhere, with `all_of_them`) and becomes `new`. caught_by: tests of the suite, each of
    which must fail. in_ci: one of the few that every run of the suite plants.
    """

    name: str
    fault: str
    harm: str
    path: str
    old: str
    new: str
    caught_by: tuple[str, ...]
    all_of_them: bool = False
    in_ci: bool = False

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    def text(self) -> str:
        """The file with the fault in it. Raises LookupError when the line it changes is not where it was."""
        found = (ROOT / self.path).read_text("utf-8")
        times = found.count(self.old)
        if not times or (times > 1 and not self.all_of_them):
            raise LookupError(f"{self.name}: stands {times} times in {self.path}:\n{self.old}")
        return found.replace(self.old, self.new)


class _Loader(SourceFileLoader):
    def __init__(self, plant: Plant) -> None:
        super().__init__(plant.module, str(ROOT / plant.path))
        self._plant = plant

    def get_code(self, fullname: str) -> CodeType:
        """Compiled from the changed text; no cache is read or written."""
        met = os.environ.get(MET)
        if met:
            Path(met).touch()
        code: CodeType = compile(self._plant.text(), str(ROOT / self._plant.path), "exec", dont_inherit=True)
        return code


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, plant: Plant) -> None:
        self._plant = plant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._plant.module:
            return None
        return importlib.util.spec_from_file_location(fullname, ROOT / self._plant.path, loader=_Loader(self._plant))


def plant(fault: Plant) -> None:
    """From now on this process, and those it starts, import the product with the fault. Raises LookupError."""
    fault.text()
    if fault.module in sys.modules:
        raise LookupError(f"{fault.name}: {fault.module} is imported already")
    sys.meta_path.insert(0, _Finder(fault))
    os.environ[NAME] = fault.name
    before = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    ours = [str(SITE), str(ROOT)]
    os.environ["PYTHONPATH"] = os.pathsep.join([*ours, *(each for each in before if each and each not in ours)])
