"""Which requests to send for a set of points, and what to learn when a device refuses one.

Pure code. A plan keeps three promises: a value is never split over two requests, no request is longer than the device
takes, and registers nobody asked for are read over only where the profile allows it. No plan with fewer requests keeps
them. Where it costs none, two requests of one plan differ in length, so that a late answer to one cannot be taken for
the answer to another.
"""

from collections.abc import Generator, Iterable, Sequence

import msgspec

from protocols.modbus.point import ModbusPoint
from protocols.modbus.profile import ModbusProfile
from protocols.modbus.registers import BIT_AREAS, BITS_PER_READ_MAX, FUNCTION_CODES, Area

TOO_LONG = 3
"""Exception code: the quantity is refused."""


class Block(msgspec.Struct, frozen=True):
    """One read request and the points its answer holds, in the order of their addresses."""

    area: Area
    start: int
    count: int
    points: tuple[ModbusPoint, ...]

    @property
    def function(self) -> int:
        return FUNCTION_CODES[self.area]

    @property
    def answer_bytes(self) -> int:
        """Bytes of payload in the answer."""
        return (self.count + 7) // 8 if self.area in BIT_AREAS else 2 * self.count


class Learned(msgspec.Struct, frozen=True):
    """What a device has taught by refusing.

    cuts: no request may reach across the start of this address. absent: points the device does not have.
    moved: points that it has at one of their other addresses. max_registers: shorter than the profile says, None when
    not.
    """

    cuts: frozenset[tuple[Area, int]] = frozenset()
    absent: frozenset[str] = frozenset()
    moved: frozenset[tuple[str, int]] = frozenset()
    max_registers: int | None = None


NOTHING_LEARNED = Learned()


def plan_reads(
    profile: ModbusProfile, points: Iterable[ModbusPoint], learned: Learned = NOTHING_LEARNED
) -> tuple[Block, ...]:
    """The requests for ``points``, by area and address; absent points are left out."""
    wanted = list(points)
    moved = dict(learned.moved)
    gone = learned.absent | moved.keys()
    holes = [(point.area, *point.span()) for point in wanted if point.name in gone]
    present = [at_other(point, moved.get(point.name)) for point in wanted if point.name not in learned.absent]
    blocks: list[Block] = []
    for area in FUNCTION_CODES:
        here = sorted((point for point in present if point.area == area), key=lambda point: point.span())
        if here:
            limit = _limit(profile, area, learned)
            blocks += _join(here, limit, profile.max_gap, learned, [hole[1:] for hole in holes if hole[0] == area])
    return tuple(blocks)


def at_other(point: ModbusPoint, at: int | None) -> ModbusPoint:
    """The point read from another address; as it is when that is None."""
    return point if at is None else msgspec.structs.replace(point, at=at)


def _limit(profile: ModbusProfile, area: Area, learned: Learned) -> int:
    limit = BITS_PER_READ_MAX if area in BIT_AREAS else profile.max_registers
    return min(limit, learned.max_registers or limit)


def _join(
    points: Sequence[ModbusPoint], limit: int, max_gap: int, learned: Learned, holes: Sequence[tuple[int, int]]
) -> list[Block]:
    """As few requests as possible, for points of one area that are sorted by span.

    Taking as much as fits, from the lowest address on, gives the fewest. A request that would be as long as another may
    leave its last points to the next one, as long as no request is added by that.
    """
    reach = [_reach(points, first, limit, max_gap, learned, holes) for first in range(len(points))]
    needed = [0] * (len(points) + 1)
    for first in reversed(range(len(points))):
        needed[first] = 1 + needed[reach[first]]
    blocks: list[Block] = []
    lengths: set[int] = set()
    first = 0
    while first < len(points):
        ends = [end for end in range(reach[first], first, -1) if needed[end] == needed[reach[first]]]
        end = next((each for each in ends if _length(points[first:each]) not in lengths), ends[0])
        lengths.add(_length(points[first:end]))
        blocks.append(block_of(points[first:end]))
        first = end
    return blocks


def _reach(
    points: Sequence[ModbusPoint],
    first: int,
    limit: int,
    max_gap: int,
    learned: Learned,
    holes: Sequence[tuple[int, int]],
) -> int:
    """How many of the points from ``first`` on fit into one request: the index after the last."""
    end, after = points[first].span()[1], first + 1
    while after < len(points) and _fits(points[first], end, points[after], limit, max_gap, learned, holes):
        end = max(end, points[after].span()[1])
        after += 1
    return after


def _fits(
    first: ModbusPoint,
    end: int,
    point: ModbusPoint,
    limit: int,
    max_gap: int,
    learned: Learned,
    holes: Sequence[tuple[int, int]],
) -> bool:
    start = first.span()[0]
    next_start, next_end = point.span()
    if max(end, next_end) - start > limit:
        return False
    if next_start <= end:
        return next_start < end or (point.area, next_start) not in learned.cuts
    if next_start - end > max_gap or (point.area, next_start) in learned.cuts:
        return False
    return not any(hole_start < next_start and hole_end > end for hole_start, hole_end in holes)


def _length(group: Sequence[ModbusPoint]) -> int:
    return max(point.span()[1] for point in group) - group[0].span()[0]


def block_of(points: Sequence[ModbusPoint]) -> Block:
    """One request for all of ``points`` (one area, sorted by span)."""
    return Block(points[0].area, points[0].span()[0], _length(points), tuple(points))


def prefixes(block: Block) -> list[Block]:
    """Shorter requests for the first points of ``block``, longest first."""
    return [block_of(block.points[:size]) for size in range(len(block.points) - 1, 0, -1)]


def explore(block: Block, code: int, learned: Learned) -> Generator[Block, int, Learned]:
    """Find out why ``block`` was refused with exception ``code``.

    Yields requests to try; send back 0 when it was answered, else the exception code. Returns what is known then: the
    refused gap, the absent points, those found at one of their alternatives, or a shorter limit. Stopping early loses
    only what was not yet found.
    """
    if len(block.points) == 1:
        return (yield from _elsewhere(block.points[0], learned))
    left, right = _halves(block)
    left_code = yield left
    if left_code:
        learned = yield from explore(left, left_code, learned)
    right_code = yield right
    if right_code:
        learned = yield from explore(right, right_code, learned)
    if left_code or right_code:
        return learned
    if code == TOO_LONG:
        return msgspec.structs.replace(learned, max_registers=max(left.count, right.count))
    return msgspec.structs.replace(learned, cuts=learned.cuts | {(right.area, right.start)})


def _elsewhere(point: ModbusPoint, learned: Learned) -> Generator[Block, int, Learned]:
    """Try a refused point's other addresses; without one that answers the device does not have it."""
    stays = frozenset(each for each in learned.moved if each[0] != point.name)
    for at in point.alternatives:
        if at != point.at and not (yield block_of([at_other(point, at)])):
            return msgspec.structs.replace(learned, moved=stays | {(point.name, at)})
    return msgspec.structs.replace(learned, moved=stays, absent=learned.absent | {point.name})


def _halves(block: Block) -> tuple[Block, Block]:
    """Cut at the widest gap, else in the middle; never inside a value."""
    points = block.points
    reach = 0
    best, best_gap = len(points) // 2, 0
    for index, point in enumerate(points):
        start, end = point.span()
        if index and start - reach > best_gap:
            best, best_gap = index, start - reach
        reach = max(reach, end)
    return block_of(points[:best]), block_of(points[best:])
