"""Scenarios that a test makes: written as a file, checked as any other, and there to be played again by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from protocols.errors import BadSettings
from simulators.scenario import Scenario, load_scenario
from simulators.site_files import toml_value
from simulators.workshop import Workshop


def new_scenario(workshop: Workshop, **tables: Sequence[Mapping[str, Any]]) -> Scenario:
    """A scenario with these rows in these tables, as of `simulators.scenario.Scenario`; what a row leaves out is as in
    a file. Raises ValueError that says which key is wrong, and what is allowed."""
    path = workshop.folder / "scenarios" / f"{workshop.new_name('scenario')}.toml"
    path.parent.mkdir(exist_ok=True)
    lines = ["# Written for a test; `dayuan-sim run` plays it by hand."]
    for table, rows in tables.items():
        for row in rows:
            lines += ["", f"[[{table}]]", *(f"{key} = {toml_value(value)}" for key, value in row.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        return load_scenario(path)
    except BadSettings as error:
        raise ValueError(str(error)) from None
