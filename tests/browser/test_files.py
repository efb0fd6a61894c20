"""The pages' files by themselves: catalogues, vendored code, nothing inline, no other host."""

import hashlib
import json
import re
from pathlib import Path

from cloud.web.tools.words import WORDS_FILE, words_text
from protocols.events import EVENT_KINDS
from protocols.reading import REASONS

WEB = Path(__file__).parents[2] / "cloud" / "web"
OWN = sorted(path for path in (WEB / "app").rglob("*.js"))
TEXT_KEY = re.compile(r"""(?:\bt\(\s*|\bwhat:\s*|[?:]\s*)["']([a-z_]+\.[A-Za-z0-9_]+)["']""")
OPEN_LISTS = re.compile(r"""\b(?:word|t)\(\s*[`"]([a-z_]+)["`.]""")
HOLES = re.compile(r"\{(\w+)")


def catalogue(name: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((WEB / "i18n" / f"{name}.json").read_text(encoding="utf-8"))
    return texts


def test_both_languages_have_the_same_keys_and_the_same_holes() -> None:
    english, chinese = catalogue("en"), catalogue("zh-CN")
    assert list(english) == list(chinese)
    for key in english:
        assert set(HOLES.findall(english[key])) >= set(HOLES.findall(chinese[key])), key
        assert english[key].strip(), key
        assert chinese[key].strip(), key


def test_every_text_the_pages_ask_for_exists_and_none_is_left_over() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in OWN)
    known = catalogue("en")
    asked = set(TEXT_KEY.findall(source)) | set(re.findall(r'what: "([a-z_]+\.[a-z_.]+)"', source))
    assert asked - set(known) == set()
    lists = {
        "page",
        "theme",
        "figure",
        "column",
        "gateway",
        "fact",
        "bus",
        "reading",
        "range",
        "empty",
        "said",
        "field",
    }
    lists |= set(OPEN_LISTS.findall(source))
    left = {key for key in known if key not in asked and key.split(".")[0] not in lists}
    assert left == set()


def test_reasons_of_readings_have_words() -> None:
    known = catalogue("en")
    assert {reason for reason in REASONS if f"reason.{reason}" not in known} == set()


def test_the_names_of_points_and_events_are_those_of_the_protocols() -> None:
    assert WORDS_FILE.read_text(encoding="utf-8") == words_text(), "run: python -m cloud.web.tools.words"
    assert set(json.loads(words_text())["events"]) == set(EVENT_KINDS)


def test_vendored_code_is_what_the_lock_says_with_its_licences() -> None:
    lock = json.loads((WEB / "vendor" / "VENDOR.lock").read_text())
    files = {str(path.relative_to(WEB / "vendor")) for path in (WEB / "vendor").rglob("*") if path.is_file()}
    assert files == set(lock["files"]) | {"VENDOR.lock", "preact.d.ts", "leaflet.d.ts", "echarts.d.ts"}
    for name, facts in lock["files"].items():
        assert hashlib.sha256((WEB / "vendor" / name).read_bytes()).hexdigest() == facts["sha256"], name
    for package in lock["packages"]:
        assert package["licence"] in ("MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD")
        licence = package["name"].replace("@", "").replace("/", "-")
        assert f"licences/{licence}.txt" in files
        pinned = json.loads((WEB / "tools" / "package-lock.json").read_text())["packages"][
            f"node_modules/{package['name']}"
        ]
        assert pinned["version"] == package["version"]


def test_the_lock_of_the_tools_names_no_host() -> None:
    assert "://" not in re.sub(r'"(url|funding)": "[^"]*"', "", (WEB / "tools" / "package-lock.json").read_text())


def test_nothing_is_inline_and_nothing_names_another_host() -> None:
    index = (WEB / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", index)
    for path in [*OWN, WEB / "index.html", *(WEB / "style").glob("*.css")]:
        assert not re.search(r"""(?:https?:)?//[a-z0-9-]+\.[a-z]""", path.read_text(encoding="utf-8")), path


def test_a_file_of_the_pages_holds_one_idea() -> None:
    assert {path.name: lines for path in OWN if (lines := path.read_text().count("\n")) > 300} == {}
