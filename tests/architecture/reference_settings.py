"""The reference page of settings files, from the structs they are decoded into."""

import importlib
from collections.abc import Iterator
from string import Template
from typing import Any, get_args, get_origin

from tests.architecture.structs import bare, fields, is_struct, summary, table

# program, its settings file, the struct of the whole file
FILES = (
    ("dayuan-edge", "the site file", "edge.site_file", "SiteFile"),
    ("dayuan-cloud", "the collector's file", "cloud.settings_file", "CloudFile"),
)

_PAGE = Template("""\
# Settings

Written by `make docs` from the structs the files are decoded into. All files are TOML.

- A duration is a text with its unit: `"200 ms"`, `"10 s"`, `"5 min"`, `"1 h"`, `"30 d"`. So is a size: `"512 MiB"`.
- A path is meant from the folder of the file it stands in.
- An unknown key is an error. Every error names file, line, key and what is allowed; the exit code is 2, and nothing is
  started.
- `dayuan-edge check site.toml` and `dayuan-cloud check cloud.toml` read a file and start nothing.

$files
""")


def root_of(module: str, struct: str) -> type:
    found = getattr(importlib.import_module(module), struct)
    assert is_struct(found)
    return found  # type: ignore[no-any-return]


def tables(root: type, heading: str = "") -> Iterator[tuple[str, str, type]]:
    """(heading as TOML writes it, docstring, struct) of each table of a file, in order."""
    for name, hint, _, _ in fields(root):
        inner, many = _inner(hint)
        if inner is not None:
            path = f"{heading}.{name}" if heading else name
            shown = f"[[{path}]]" if many else f"[{path}]"
            # The docstring of a table starts with its own heading.
            yield shown, summary(inner).replace("`", "").removeprefix(shown).lstrip(": ").capitalize(), inner
            yield from tables(inner, path)


def _inner(hint: Any) -> tuple[type | None, bool]:
    hint = bare(hint)
    if is_struct(hint):
        return hint, False
    if get_origin(hint) in {list, tuple} and is_struct(bare(get_args(hint)[0])):
        return bare(get_args(hint)[0]), True
    return None, False


def settings_page() -> str:
    parts = []
    for program, what, module, struct in FILES:
        root = root_of(module, struct)
        parts.append(f"## `{program}`: {what}")
        nested = tuple(name for name, hint, _, _ in fields(root) if _inner(hint)[0] is not None)
        if len(nested) < len(list(fields(root))):
            parts.append(table(root, leave_out=nested))
        for heading, said, inner in tables(root):
            below = tuple(name for name, hint, _, _ in fields(inner) if _inner(hint)[0] is not None)
            parts.append("\n\n".join(filter(None, [f"### `{heading}`", said, table(inner, leave_out=below)])))
    return _PAGE.substitute(files="\n\n".join(parts))
