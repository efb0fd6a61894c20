"""How the overview of a site's energy looks."""

from typing import Any

TOTAL: dict[str, Any] = {
    "value": 4962.5,
    "unit": "kWh",
    "coverage": 0.992,
    "measured": 4810.25,
    "source": "estimated",
    "flags": [],
}
TYPICAL: dict[str, Any] = {
    "compared": 4962.5,
    "typical": 4620.0,
    "typical_day": 8120.0,
    "typical_of": 8,
    "change": 0.0741,
}
PART: dict[str, Any] = {
    "id": "b1",
    "name": "B1 Services",
    "parent": "east",
    "total": TOTAL,
    **TYPICAL,
    "area_m2": 8200.0,
    "people": None,
    "per_area": {"value": 0.605, "note": ""},
    "per_head": {"value": None, "note": "the number of people was not entered"},
    "cost": {"amount": "1547.32", "currency": "CNY", "note": ""},
}
OVERVIEW: dict[str, Any] = {
    "site": "east-compound",
    "day": "2026-11-21",
    "from": 1795190400000,
    "until": 1795276800000,
    "as_of": 1795242600000,
    "kind": "makeup",
    "medium": "electricity",
    "unit": "kWh",
    "total": TOTAL,
    **TYPICAL,
    "load": {
        "columns": ["at", "kw", "source", "typical_kw", "sigma_kw"],
        "rows": [[1795190400000, 412.0, "measured", 405.5, 12.5], [1795191300000, None, "missing", 404.0, 12.5]],
    },
    "now": {"kw": 1420.0, "at": 1795241700000, "source": "measured"},
    "cost": {
        "amount": "3871.20",
        "currency": "CNY",
        "per_unit": "0.7801",
        "tariffs": [{"id": "zhejiang-two-part", "source": "浙发改价格〔2026〕112号"}],
        "notes": [],
    },
    "bands": [[1795190400000, 1795219200000, "valley"], [1795219200000, 1795276800000, "flat"]],
    "month": {
        "from": "2026-11-01",
        "total": TOTAL,
        "highest": {"kw": 1860.0, "at": 1794881700000, "source": "measured"},
        "heat": {"days": ["2026-11-01"], "kwh": [[410.5, None]], "known": [[4, 3]], "expected": [[4, 4]]},
        "co2": {
            "amount": 51200.0,
            "unit": "kg",
            "factor": 0.5306,
            "year": 2023,
            "region": "CN",
            "calibre": "average",
            "source": "生态环境部 2025 年公告",
        },
    },
    "contracted": {"kw": 2100.0, "over": 2205.0, "from": "2026-11-01", "until": "2026-12-01"},
    "buildings": [PART],
    "flow": {
        "branches": [["", "main", "meter", 4962.5, 1], ["main", "main-", "rest", 94.0, 1]],
        "unknown": ["b3-lifts"],
        "exceeding": {},
        "note": "",
    },
    "meters": {"all": 212, "counted": 1, "unknown": ["b3-lifts"]},
}
