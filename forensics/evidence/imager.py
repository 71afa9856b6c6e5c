"""One pass over a source: every byte is read once, hashed and written, and what cannot be read is named."""

from __future__ import annotations

import mmap
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from forensics.errors import EnvironmentFailed, Refused
from forensics.evidence.areas import BAD
from forensics.evidence.pieces import PieceDigests
from forensics.evidence.pipeline import ZERO_UNIT, Pipeline
from forensics.evidence.reading import SLOW_SECONDS, Reading
from forensics.evidence.rescue import BLOCK, Rescue
from forensics.evidence.sink import Sink, require_space, write_failed
from forensics.evidence.source import Source
from forensics.evidence.zero_map import ZeroMap
from forensics.model import BadRange

SAMPLES, SAMPLE = 64, 65536
"""How many places of an unfinished image are compared with the drive before it is gone on with, and how large."""

DIGESTS_EVERY_S = 2.0

Stage = Callable[[str, int, int], None]

Note = Callable[[str, int, int, str], None]
"""Is told of an incident: its kind, the offset and length of the bytes it is about, and a sentence."""


@dataclass(frozen=True, slots=True)
class Imaging:
    """What one pass found. `hashes` maps algorithm to lower-case hex over all bytes, with zeros for the `bad` ranges.

    `zero_bytes` are the bytes in aligned 32 KiB units that hold nothing but zeros, whether the drive sent them or
    a bad range stands there; `zeros` says which. `pieces` are the digests of each 4 MiB. `slow_reads` gave their
    bytes, but took longer than two seconds.
    `in_place` says that bad places were gone through as they came, for want of room to read the good ones first.
    `copy_failure` is why there is no second copy; empty where there is one or none was wanted.
    """

    hashes: dict[str, str]
    bad: tuple[BadRange, ...]
    zero_bytes: int
    zeros: ZeroMap = field(repr=False)
    pieces: list[str] = field(repr=False)
    slow_reads: int = 0
    in_place: bool = False
    copy_failure: str = ""


def image(
    source: Source,
    sink: Sink,
    algorithms: Sequence[str],
    *,
    progress: Callable[[int, int], None],
    check: Callable[[], None],
    copy: Sink | None = None,
    retries: int = 1,
    stage: Stage = lambda _name, _done, _total: None,
    note: Note = lambda _kind, _offset, _length, _sentence: None,
) -> Imaging:
    """Images `source` into `sink`, and into `copy` as well; returns digests, unreadable ranges and zeros.

    A sink that was opened to go on is read first: its bytes are hashed and written into `copy`, which begins anew, and
    a sample of them is compared with the source. Every sector that fails is tried `retries` times more. `progress` gets
    bytes done and bytes in all, `stage` the same for what comes besides: `reread` of what is there already, `rescue` of
    a source with bad places. `note` gets each `bad` range and `slow` block as the image comes to it, and every two
    seconds the `digest` so far. What the rescue kept beside the image stays until `forget_rescue`: after a crash
    nothing else knows the bad ranges.
    `check` may raise to stop (`Cancelled`). However this ends, all threads have ended and the sinks are finished or
    abandoned, with what was written kept.
    Raises `EnvironmentFailed` where the destination is or gets full, or the device was disconnected, and `Refused`
    where `source` is not what the unfinished image was begun from.
    """
    pieces = PieceDigests()
    pipeline = Pipeline(sink, algorithms, pieces, copy)
    reading = Reading(source)
    rescue = Rescue(reading, sink.folder, check, lambda done, total: stage("rescue", done, total), retries)
    zeros = ZeroMap(source.size)
    try:
        require_space(sink.folder, sink.required_bytes - sink.written_bytes)
        pipeline.start()
        begin = _reread(source, sink, rescue, pipeline, zeros, check, stage)
        told = time.monotonic()
        for offset in range(begin, source.size, BLOCK):
            check()
            buffer = pipeline.free_buffer()
            buffer.length = min(BLOCK, source.size - offset)
            slow = reading.slow_reads
            rescue.fill(buffer.view[: buffer.length], offset, sink.required_bytes - sink.written_bytes)
            if reading.slow_reads > slow:
                note("slow", offset, buffer.length, f"the drive took more than {SLOW_SECONDS:.0f} s to answer")
            for start, length, status in rescue.areas.blocks(offset, offset + buffer.length):
                if status == BAD:
                    note("bad", start, length, "could not be read; zeros stand for it")
            for start, _ in buffer.zero_units():
                zeros.add(offset + start)
            pipeline.hand_over(buffer)
            progress(offset + buffer.length, source.size)
            if time.monotonic() - told > DIGESTS_EVERY_S:
                told = time.monotonic()
                for name, (done, value) in pipeline.digests_so_far().items():
                    note("digest", 0, done, f"{name} {value}")
        pipeline.join()
        hashes = pipeline.hexdigests()
        try:
            sink.finish(hashes, rescue.bad)
        except OSError as error:
            raise write_failed(error, 0) from error
        copy_failure = _finish_copy(copy, pipeline.copy_failure, hashes, rescue.bad)
    except BaseException:
        pipeline.abort()
        sink.abandon()
        if copy:
            copy.abandon()
        raise
    finally:
        rescue.close()
        pipeline.close()
    return Imaging(
        hashes,
        tuple(rescue.bad),
        zeros.amount,
        zeros,
        pieces.conclude(),
        reading.slow_reads,
        rescue.in_place,
        copy_failure,
    )


def _finish_copy(
    copy: Sink | None, failure: BaseException | None, hashes: dict[str, str], bad: Sequence[BadRange]
) -> str:
    """Why the second copy was lost, in words; the first is whole all the same."""
    if copy is None:
        return ""
    try:
        if failure is not None:
            raise failure
        copy.finish(hashes, bad)
    except OSError as error:
        copy.abandon()
        return write_failed(error, copy.required_bytes - copy.written_bytes).message
    except EnvironmentFailed as error:
        copy.abandon()
        return error.message
    return ""


def _reread(
    source: Source,
    sink: Sink,
    rescue: Rescue,
    pipeline: Pipeline,
    zeros: ZeroMap,
    check: Callable[[], None],
    stage: Stage,
) -> int:
    """Feeds the digests what the sink holds already, and returns how much that is."""
    offset = 0
    places = _sample(sink.kept_bytes)
    for piece in sink.kept():
        check()
        _require_same(source, rescue, piece, offset, places)
        buffer = pipeline.free_buffer()
        buffer.length = len(piece)
        buffer.view[: len(piece)] = piece
        for start, _ in buffer.zero_units():
            zeros.add(offset + start)
        pipeline.hand_over(buffer, in_image=True)
        offset += len(piece)
        stage("reread", offset, sink.kept_bytes)
    return offset


def _sample(size: int) -> set[int]:
    """Where the unfinished image and the drive are compared: the beginning, the end, and places nobody can foresee."""
    whole = size // ZERO_UNIT
    if not whole:
        return set()
    chance = random.SystemRandom()
    return {0, (whole - 1) * ZERO_UNIT} | {chance.randrange(whole) * ZERO_UNIT for _ in range(SAMPLES - 2)}


def _require_same(source: Source, rescue: Rescue, piece: bytes, offset: int, places: set[int]) -> None:
    for place in sorted(place for place in places if offset <= place < offset + len(piece)):
        start = place - offset
        expected = piece[start : start + SAMPLE]
        bad = any(status == "-" for _, _, status in rescue.areas.blocks(place, place + len(expected)))
        if bad:
            continue
        # O_DIRECT takes memory that begins at a page, as this does.
        with mmap.mmap(-1, SAMPLE) as memory, memoryview(memory) as whole, whole[: len(expected)] as found:
            try:
                complete = source.read_into(found, place) == len(found)
            except OSError:
                continue  # it was good and is bad now; that is for the imager to find, where it matters
            same = bytes(found) == expected
        if complete and not same:
            raise Refused(
                f"The unfinished image does not hold what the drive says at byte {place}: it was begun from another "
                "drive, or the drive was written to since.",
                "Plug in the drive that it was begun with, or begin a new image.",
            )
