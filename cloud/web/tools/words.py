"""Writes ``cloud/web/i18n/words.json``: the names of points and events for the pages, from ``protocols``.

Run from the checkout's root: ``python -m cloud.web.tools.words``. A test compares the file with what this gives.
"""

import json
from pathlib import Path

from protocols.events import EVENT_KINDS
from protocols.points import VOCABULARY

WORDS_FILE = Path(__file__).parents[1] / "i18n" / "words.json"


def words_text() -> str:
    """The file's content: one point or event kind a line."""
    points = {
        name: {
            "en": word.en,
            "zh": word.zh,
            **({"labels_en": word.labels_en, "labels_zh": word.labels_zh} if word.labels_en else {}),
        }
        for name, word in VOCABULARY.items()
    }
    events = {kind: {"en": word.en, "zh": word.zh} for kind, word in EVENT_KINDS.items()}
    parts = [
        f"{json.dumps(part)}: {{\n{_lines(entries)}\n}}" for part, entries in (("points", points), ("events", events))
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _lines(entries: dict[str, dict[str, object]] | dict[str, dict[str, str]]) -> str:
    return ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in entries.items()
    )


if __name__ == "__main__":
    WORDS_FILE.write_text(words_text(), encoding="utf-8")
