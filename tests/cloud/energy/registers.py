"""A pretend register with a known truth: what it shows, what goes wrong with it, and what it has really counted."""

from decimal import Decimal
from typing import NamedTuple

from hypothesis import strategies as st

from cloud.energy.contract import Ratio, Readings, Recorded, Register, Replaced

MODULUS = 100_000
RATED = Decimal(120)
T0 = 1_767_225_600_000
STEP_MOST = MODULUS // 25
RATIOS = (1, 20, 80)


class Made(NamedTuple):
    """Readings as (at, value), the records, and the energy from the first to the last reading in millionths."""

    readings: list[tuple[int, float]]
    records: list[Recorded]
    micro: int

    def taken(self, places: set[int] | None = None) -> Readings:
        chosen = [row for place, row in enumerate(self.readings) if places is None or place not in places]
        return Readings.of([at for at, _ in chosen], [value for _, value in chosen])

    @property
    def end(self) -> int:
        return self.readings[-1][0] + 1


REGISTER = Register(resolution=Decimal("0.01"), modulus=Decimal(MODULUS) / 100, rated=RATED, jitter=2)

WAITS = st.one_of(
    st.integers(1_000, 60_000),
    st.just(60_000),
    st.integers(60_000, 3_600_000),
    st.integers(3_600_000, 3 * 86_400_000),
)
WRONG = ("fall", "low", "low twice", "high")
HAPPENINGS = st.sampled_from(["", "", "", "", "dip", "fall", "low", "high", "low twice", "replaced", "ratio", "rolls"])


@st.composite
def registers(draw: st.DrawFn, *, most: int = 60, first: int = 0) -> Made:
    """Random waits, use, dips, glitches, rollovers, recorded replacements and ratios; five ordinary readings end it.

    Two things are left out, because the readings do not tell the truth of them. One that shows too little right
    after an advance looks like a smaller advance; the rest then comes at once, which at a ratio above 1 is more
    than the meter can have used. So registers dip and fall there only after they stood still. And a rollover is
    believed when as many readings as ``confirm`` agree, one after the other; a wrong one among them begins the
    waiting anew, and then it is known how much was used but only that it was before the readings that agree. When
    the ratio changed in that time, nothing says at which ratio it was used. So no reading is wrong between such a
    change and the rollover's belief.
    """
    at = T0 + draw(st.integers(0, 900_000))
    count = draw(st.integers(0, MODULUS - 1))
    ratio, micro = 1, 0
    waiting, ratio_changed = 0, False  # readings until a rollover is believed; whether the ratio changed meanwhile
    readings: list[tuple[int, float]] = [(at, count / 100)]
    records: list[Recorded] = []
    happenings = draw(st.lists(st.tuples(HAPPENINGS, WAITS, st.floats(0, 1)), min_size=first, max_size=most))
    for happening, wait, share in [*happenings, *[("", 60_000, 0.5)] * 5]:
        at += wait
        most_counts = int(float(RATED) * wait / 3600 / (10_000 * max(RATIOS)))
        used = int(share * min(most_counts, STEP_MOST))
        if happening == "rolls" and MODULUS - 1 - count <= used + 5_000:
            used = min(used, STEP_MOST)
        if happening in ("dip", "fall") and ratio > 1:
            used = 0
        micro += used * 10_000 * ratio
        if count + used >= MODULUS:
            waiting, ratio_changed = REGISTER.confirm, False
        count = shown = (count + used) % MODULUS
        if happening in WRONG and waiting:
            if ratio_changed:
                happening = ""
            else:
                waiting = REGISTER.confirm
        waiting = max(0, waiting - 1)
        match happening:
            case "dip":
                shown = max(0, count - 2)
            case "fall" if count >= 3:
                readings.append((at, (count - 3) / 100))  # one digit more than jitter: a glitch
                at += 1_000
            case "replaced":
                initial = draw(st.integers(0, MODULUS - 1))
                records.append(Replaced(at=at, final=Decimal(count) / 100, initial=Decimal(initial) / 100))
                count = shown = initial
                waiting = 0
            case "ratio":
                ratio = draw(st.sampled_from(RATIOS))
                records.append(Ratio(at=at, ct=Decimal(ratio)))
                ratio_changed = True
            case "low" | "low twice":
                if MODULUS // 5 < count < MODULUS - MODULUS // 5:
                    readings.append((at, draw(st.integers(0, 50)) / 100))
                    at += 1_000
                    if happening == "low twice":
                        readings.append((at, draw(st.integers(0, 50)) / 100))
                        at += 1_000
            case "high":
                readings.append((at, (count + 50 * MODULUS) / 100))
                at += 1_000
            case _:
                pass
        readings.append((at, shown / 100))
    return Made(readings, records, micro)
