"""What no file of the project may hold."""

import re

from tests.architecture.source import nothing, texts

# One letter of each stands in brackets, so that this file does not hold the words either.
UNFINISHED = re.compile(r"\b(T[O]DO|F[I]XME|X[X]X|H[A]CK)\b")
REGISTRIES = re.compile(
    r"py[p]i\.org|python[h]osted|registry\.n[p]mjs|registry\.y[a]rnpkg|n[p]mmirror|t[u]na\.tsinghua|mirrors\.al[i]yun"
)
# Paths of the machine on which something was made.
MACHINE = re.compile(r"(?<![\w.])/(?:work/(?:main|shared)|root/|home/[a-z]+/)")


def _hits(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{name}:{number} {match.group(0)}"
        for name, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if (match := pattern.search(line))
    ]


def test_nothing_is_left_unfinished() -> None:
    nothing(_hits(UNFINISHED), "finish it, or open a ticket and leave the code without a mark:")


def test_no_package_registry_is_named() -> None:
    """Where packages come from is the business of the machine that installs them."""
    nothing(_hits(REGISTRIES), "names of package registries:")


def test_no_path_of_a_machine_is_written_down() -> None:
    nothing(_hits(MACHINE), "paths that exist on one machine only:")


def test_pages_load_nothing_from_other_hosts() -> None:
    """Namespaces of SVG and the like are names, not addresses."""
    address = r"(?:src|href|import|fetch|url)\W{1,3}(?:https?:)?//(?!www\.w3\.org)[a-z0-9]"
    hits = [
        hit
        for hit in _hits(re.compile(address, re.IGNORECASE))
        if hit.startswith("cloud/web/") and not hit.startswith("cloud/web/tools/")
    ]
    nothing(hits, "everything a page needs is vendored:")
