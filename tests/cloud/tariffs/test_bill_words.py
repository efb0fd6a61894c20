"""What a bill says of itself is known to the page, which says it in the reader's language."""

import re
from datetime import date
from pathlib import Path

from cloud.tariffs.bill import Metered, make_bill
from cloud.tariffs.days import DayTable
from tests.cloud.tariffs.material import DAYS, SHANGHAI, used
from tests.cloud.tariffs.test_bills import OCTOBER, ZHEJIANG

WORDS = Path(__file__).parents[3] / "cloud" / "web" / "app" / "energy" / "bill_words.js"
LINE = re.compile(r'^  \[/(.+)/, "money\.said\.\w+"\],$', re.MULTILINE)


def patterns() -> list[re.Pattern[str]]:
    found = LINE.findall(WORDS.read_text("utf-8"))
    assert len(found) > 10
    return [re.compile(each.replace("(?<", "(?P<")) for each in found]


def test_every_sentence_of_bills_has_words_on_the_page() -> None:
    known = patterns()
    half = used(*OCTOBER, lambda at: None if at.day == 3 else 25.0)
    reactive = used(*OCTOBER, lambda at: None if at.day == 4 else 9.0)
    week = (date(2026, 10, 5), date(2026, 10, 12))
    bills = [
        make_bill(Metered(half, reactive), ZHEJIANG, DAYS, SHANGHAI, *OCTOBER),
        make_bill(Metered(half), ZHEJIANG, DAYS, SHANGHAI, *OCTOBER),
        make_bill(Metered(half), ZHEJIANG, DayTable({}), SHANGHAI, *week),
        make_bill(Metered(used(*OCTOBER, lambda _: None), reactive), ZHEJIANG, DAYS, SHANGHAI, *OCTOBER),
    ]
    said = {text for bill in bills for text in bill.warnings}
    said |= {text for bill in bills for line in bill.lines for text in (line.how, line.note) if text}
    assert len(said) > 5
    assert [text for text in sorted(said) if not any(each.search(text) for each in known)] == []
