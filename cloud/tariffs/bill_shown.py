"""A bill as programs and pages get it."""

from decimal import Decimal

from cloud.tariffs.contract import Bill, Coverage, Line


def bill_shown(bill: Bill) -> dict[str, object]:
    """A bill as JSON: money and energy are texts, so that no digit changes on the way."""
    return {
        "tariff": bill.tariff,
        "from": bill.since,
        "until": bill.until,
        "currency": bill.currency,
        "unit": bill.unit,
        "energy": _text(bill.energy),
        "total": str(bill.total),
        "per_unit": _text(bill.per_unit),
        "complete": bill.complete,
        "coverage": _coverage(bill.coverage),
        "lines": [_line(line) for line in bill.lines],
        "warnings": bill.warnings,
        "rounding": bill.rounding,
    }


def _line(line: Line) -> dict[str, object]:
    return {
        "kind": line.kind,
        "name": line.name,
        "band": line.band,
        "month": line.month,
        "quantity": _text(line.quantity),
        "unit": line.unit,
        "price": _text(line.price),
        "amount": None if line.amount is None else str(line.amount),
        "source": line.source,
        "how": line.how,
        "note": line.note,
        "coverage": None if line.coverage is None else _coverage(line.coverage),
        "not_measured": _text(line.not_measured),
        "split": _text(line.split),
    }


def _coverage(known: Coverage) -> dict[str, object]:
    return {"share": known.share, "seconds": known.seconds, "valid_s": known.valid_s, "by_source": known.by_source}


def _text(number: Decimal | None) -> str | None:
    """Plain digits, no exponent."""
    return None if number is None else f"{number:f}"
