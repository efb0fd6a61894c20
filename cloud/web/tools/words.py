"""Writes ``cloud/web/i18n/words.json``: the names of points and events for the pages, from ``protocols``.

Run from the checkout's root: ``python -m cloud.web.tools.words``. A test compares the file with what this gives.
"""

import json
from pathlib import Path

from protocols.events import EVENT_KINDS
from protocols.points import VOCABULARY

Entries = dict[str, dict[str, object]]

WORDS_FILE = Path(__file__).parents[1] / "i18n" / "words.json"


def words_text() -> str:
    """The file's content: one point or event kind a line."""
    points: Entries = {}
    for name, word in VOCABULARY.items():
        points[name] = {"en": word.en, "zh": word.zh}
        if word.labels_en:
            points[name] |= {"labels_en": word.labels_en, "labels_zh": word.labels_zh}
    events: Entries = {kind: {"en": word.en, "zh": word.zh} for kind, word in EVENT_KINDS.items()}
    return "{\n" + f'"points": {_lines(points)},\n"events": {_lines(events)}' + "\n}\n"


def _lines(entries: Entries) -> str:
    lines = (f"  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in entries.items())
    return "{\n" + ",\n".join(lines) + "\n}"


if __name__ == "__main__":
    WORDS_FILE.write_text(words_text(), encoding="utf-8")
