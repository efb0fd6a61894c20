"""CPU of the gateway per reading, from the registers of an answer to a sealed batch."""

import time

from edge.buffer import Draft, Kind
from edge.pipeline import Pipeline
from edge.retime import Timing
from edge.sealer import sealer
from protocols.batch import Identity
from protocols.clock import SystemClock
from protocols.modbus.decode import BlockDecoder
from protocols.modbus.plan import plan_reads
from protocols.profile import load_profile
from tests.bench.figures import Figure, median

REACH_US = 10.0
ROUNDS = 7
METERS = 20


def registers(block, turn: int) -> bytes:
    """Plausible float32 registers that move from turn to turn, so that nothing compresses away."""
    import struct

    count = block.answer_bytes // 4
    return b"".join(
        struct.pack(">f", 230.0 + place * 1.7 + (turn * 7919 + place * 104729) % 977 / 97) for place in range(count)
    )


def one_round(per_batch: int) -> tuple[float, float]:
    """(us per reading, bytes per reading) of decode + pipeline + seal."""
    clock = SystemClock()
    timing = Timing(clock, boot="bench")
    timing.start(0)
    pipeline = Pipeline((), timing)
    seal = sealer("bench")
    profile = load_profile("eastron/sdm630")
    blocks = plan_reads(profile, [point for point in profile.points if not point.extended])
    decoders = [[(block, BlockDecoder(f"b{meter}-main", block)) for block in blocks] for meter in range(METERS)]
    answers = [
        [[registers(block, turn * 31 + meter) for block, _ in decoders[meter]] for meter in range(METERS)]
        for turn in range(20)
    ]
    done = size = 0
    waiting = []
    began = time.process_time()
    for turn, meters in enumerate(answers):
        now = clock.now_ms() + turn
        for meter, payloads in enumerate(meters):
            for (_, decoder), payload in zip(decoders[meter], payloads, strict=True):
                waiting += pipeline(decoder.readings(payload, now + meter))
            while len(waiting) >= per_batch:
                batch, waiting = waiting[:per_batch], waiting[per_batch:]
                size += len(seal(Identity("bench", done + 1), Draft(Kind.TELEMETRY, batch), now))
                done += per_batch
    return (time.process_time() - began) / done * 1e6, size / done


def measure() -> list[Figure]:
    """One row for batches of one second, one for batches of ten."""
    figures = []
    for per_batch, name in ((50, "1 s"), (500, "10 s")):
        cost = median([one_round(per_batch)[0] for _ in range(ROUNDS)])
        figures.append(
            Figure(
                f"gateway CPU per reading, registers to sealed batch of {per_batch}",
                f"{cost:.1f} us",
                f"<= {REACH_US:g} us",
                cost <= REACH_US,
                f"flush {name}; median of {ROUNDS}",
            )
        )
    return figures
