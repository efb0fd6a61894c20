"""Writes docs/RED_BUILDS.md from the list of planted faults; see tests/architecture/reference.py."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proof.plants import GROUPS, PLANTS

HEAD = """# Red builds

<!-- Written by `make docs` from tests/proof/plants. Change it there. -->

A suite of tests is worth what it notices. Here are {count} faults that somebody could bring into the code one day,
well meant and in one line, each with what it would do to a user, and the test that fails when it is there. The faults
are not in the code: a plugin of pytest changes the line while it is imported, so that there is nothing to switch off in
what is installed. Each run of the suite plants {in_ci} of them (the names in bold), `make soak` all. A fault that
its test does not notice is a violation (R22), and so is a test that fails without the fault.

To see one for yourself:

```sh
.venv/bin/python -m pytest -p tests.proof.planted --planted {example.name} \\
  {test}
```

A new fault is a few lines in `tests/proof/plants/`: the line, what becomes of it, and the test. Where no test fails,
one is missing.
"""


def red_builds_page() -> str:
    """The page as text."""
    in_ci = [fault for fault in PLANTS.values() if fault.in_ci]
    head = HEAD.format(count=len(PLANTS), in_ci=len(in_ci), example=in_ci[0], test=in_ci[0].caught_by[0])
    return "\n".join([head, *_sections()])


def _sections() -> Iterator[str]:
    for title, faults in GROUPS.items():
        yield f"## {title}"
        yield ""
        yield "| Fault | What it does | What it would do to a user | Changed file | Caught by |"
        yield "|---|---|---|---|---|"
        for fault in faults:
            name = f"**{fault.name}**" if fault.in_ci else fault.name
            tests = "<br>".join(_link(test) for test in fault.caught_by)
            yield f"| {name} | {fault.fault} | {fault.harm} | [{fault.path}](../{fault.path}) | {tests} |"
        yield ""


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    name, _, example = name.removeprefix("test_").rstrip("]").partition("[")
    words = name.replace("_", " ") + (f": {example}" if example else "")
    return f"[{words}](../{path})"
