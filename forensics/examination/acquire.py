"""From a device or a file to a verified image in the case; an interrupted acquisition is gone on with."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from forensics import __version__, hashing
from forensics.errors import EnvironmentFailed, NotIntact, Refused
from forensics.evidence import ewf_format
from forensics.evidence.containers import RAW, container_format
from forensics.evidence.devices import describe, history, is_device, protect
from forensics.evidence.devices.system_log import mounted
from forensics.evidence.ewf_resume import kept_ewf
from forensics.evidence.ewf_writer import Compression, EwfMetadata, EwfSink, new_stamp
from forensics.evidence.image import open_image
from forensics.evidence.imager import Imaging
from forensics.evidence.imager import image as take_image
from forensics.evidence.map_file import write_map
from forensics.evidence.pieces import save_pieces
from forensics.evidence.raw import MOST_PARTS, RawSink, SplitRawSink
from forensics.evidence.rescue import forget_rescue
from forensics.evidence.second_read import read_again
from forensics.evidence.sink import Sink
from forensics.evidence.source import Source, open_source
from forensics.examination.images import (
    MANIFEST,
    MAP,
    PIECES,
    ZEROS,
    keep,
    now,
    read_back,
    require_no_image,
    verified_again,
)
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.receive import require_exhibit
from forensics.examination.unfinished import STATE, Unfinished, empty_folder, read_unfinished
from forensics.jobs.events import Job
from forensics.model import Acquisition, Device, HardwareBlocker, SecondRead, SeenBefore

DEFAULT_SEGMENT = 2 << 30
"""2 GiB: every file system and medium takes segments of that size."""

TOLD_AT_MOST = 200
"""Bad ranges that are told while reading; all of them are in the map and in the acquisition."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an acquisition was asked for. None leaves it to how an unfinished one was begun, or to the default."""

    format: str | None = None
    compression: str | None = None
    segment_size: int | None = None
    algorithms: tuple[str, ...] | None = None
    second_copy: str | None = None


@verb("acquire", options=("exhibit", "restart", "retries", "second_read"))
def acquire(
    case: OpenCase,
    job: Job,
    *,
    exhibit: str,
    source: Path,
    wish: Wish | None = None,
    restart: bool = False,
    retries: int = 1,
    second_read: bool = False,
    check: bool = True,
    blocker: HardwareBlocker | None = None,
    set_flag: bool = True,
) -> dict[str, Any]:
    """Image a device or file, hash it on the way, list what could not be read, and read the image back.

    An unfinished acquisition is gone on with, after what it has was read and compared with the drive; `restart` throws
    it away. Meanwhile the device is held read-only as far as this user may, with the kernel's flag unless `set_flag` is
    False; `blocker` is the hardware write blocker as the examiner declares it.
    Raises `Refused` for a container format (import it instead), where the exhibit has an image, for a device that is in
    use, and where drive or options are not those it was begun with; `NotIntact` where the image or a second reading of
    the source differs, the image being kept.
    """
    require_exhibit(case, exhibit)
    if restart or not read_unfinished(case.folder.images(exhibit)):
        # One that was killed when the case had it, and the ledger not yet, is gone on with.
        require_no_image(case, exhibit)
    if source.is_file() and (container := container_format(source)) != RAW:
        raise Refused(
            f"{source.name} is an image ({container}), not the bytes of a drive.",
            f"Take it in with: drivecustody import-image {case.folder.path.name} --exhibit {exhibit} {source.name}",
        )
    device = describe(source)
    seen = _seen_before(source, device)
    with protect(source, blocker=blocker, set_flag=set_flag) as guard, open_source(source) as opened:
        guard.learn(opened)
        plan = _plan(case, exhibit, device, wish or Wish(), restart)
        job.told("start", exhibit, f"{device.size:,} bytes are read; this is start {len(plan.begun)}")
        job.told("check", exhibit, f"{guard.protection.method}: {guard.protection.detail}")
        sink = _sink(case, exhibit, case.folder.images(exhibit), plan, opened, device, anew=len(plan.begun) == 1)
        copy = _copy_sink(case, exhibit, plan, opened, device, sink)
        if sink.kept_bytes:
            case.record("acquisition-gone-on-with", {"kept_bytes": sink.kept_bytes, "starts": plan.begun}, exhibit)
            job.told("resumed", exhibit, f"{sink.kept_bytes:,} bytes are in the unfinished image and are read first")
        found = _imaged(job, exhibit, opened, sink, copy, plan, retries)
        _keep_maps(sink.folder, opened.size, found)
        again = _read_twice(job, opened, sink, found) if second_read else None
        acquisition = Acquisition(
            exhibit=exhibit,
            source=str(source),
            format=plan.format,
            size=opened.size,
            sector_size=opened.sector_size,
            hashes=found.hashes,
            segments=tuple(path.name for path in sink.segments),
            bad=found.bad,
            zero_bytes=found.zero_bytes,
            started=plan.begun[0],
            finished=now(),
            protection=guard.protection,
            device=device,
            verified=False,
            verified_by="",
            begun=plan.begun,
            retries=retries,
            slow_reads=found.slow_reads,
            second_copy="" if found.copy_failure else plan.second_copy,
            second_copy_failure=found.copy_failure,
            second_read=again,
            seen_before=seen,
        )
    acquisition = replace(acquisition, protection=guard.protection)
    if check:
        acquisition = verified_again(case, job, acquisition, by_libewf=True)
    if copy and not found.copy_failure:
        acquisition = _copy_verified(job, acquisition, copy)
    result = keep(case, job, acquisition)
    folder = case.folder.images(exhibit)
    if acquisition.second_copy:
        for name in (MAP, ZEROS, PIECES, MANIFEST):
            shutil.copyfile(folder / name, Path(acquisition.second_copy) / f"{exhibit}.{name}")
    if acquisition.second_read and not acquisition.second_read.equal:
        # The verb ends in an error, so that this entry alone binds the image into the ledger.
        case.record("second-read-differs", result["custody"], exhibit)
        _forget(folder)
        raise NotIntact(
            f"The source of {exhibit} did not give the same bytes twice: "
            f"{_amount(acquisition.second_read.differing)} differ, "
            f"{_amount(acquisition.second_read.unreadable)} could not be read again.",
            "Both readings are kept beside the image. The drive, its bridge or the cable is failing; say so in the "
            "report, and do not acquire again before another reader was tried.",
        )
    return {**result, "afterwards": lambda: _forget(folder)}


def _forget(folder: Path) -> None:
    """Removes what an acquisition is gone on with. In this order: without the map of the rescue the zeros of bad places
    would pass for what the drive said."""
    (folder / STATE).unlink(missing_ok=True)
    forget_rescue(folder)


# ------------------------------------------------------------------------------------------------------------- parts


def _plan(case: OpenCase, exhibit: str, device: Device, wish: Wish, restart: bool) -> Unfinished:
    """How this acquisition is made: as it was begun, or anew. It is on the disk before the image is."""
    folder = case.folder.images(exhibit)
    begun = read_unfinished(folder)
    if begun and restart and begun.second_copy:
        _remove_copy(Path(begun.second_copy), exhibit)
    if begun and not restart:
        begun.require_same_device(device)
        begun.require_same(
            format=wish.format, compression=wish.compression, segment_size=wish.segment_size,
            algorithms=wish.algorithms, second_copy=wish.second_copy,
        )  # fmt: skip
        plan = begun.again(now())
    else:
        plan = Unfinished(
            size=device.size,
            sector_size=device.sector_size,
            serial=device.serial,
            format=wish.format or "e01",
            compression=wish.compression or "fast",
            segment_size=wish.segment_size or (0 if wish.format == "raw" else DEFAULT_SEGMENT),
            algorithms=wish.algorithms or hashing.ALGORITHMS,
            second_copy=wish.second_copy or "",
            stamp=new_stamp(),
            begun=(now(),),
        )
        _require_algorithms(plan.algorithms, plan.format)
        if plan.second_copy:
            _require_no_copy(Path(plan.second_copy), exhibit)
        folder = empty_folder(case, exhibit)
    plan.save(folder)
    return plan


def _require_algorithms(algorithms: Sequence[str], format: str) -> None:
    for name in algorithms:
        try:
            hashing.new(name)
        except ValueError:
            raise Refused(f"There is no hash algorithm {name}.", "Use md5, sha1, sha256, sha512 or blake3.") from None
    if format == "e01" and "md5" not in algorithms:
        raise Refused("An E01 image carries an MD5.", "Add md5 to --hash, or choose --format raw.")
    if not {"sha256", "sha512", "blake3"} & set(algorithms):
        raise Refused("MD5 and SHA-1 alone can be forged.", "Add sha256 to --hash.")


def _sink(
    case: OpenCase,
    exhibit: str,
    folder: Path,
    plan: Unfinished,
    source: Source,
    device: Device,
    *,
    anew: bool,
) -> Sink:
    if plan.format == "raw" and plan.segment_size:
        return SplitRawSink(folder / exhibit, source.size, plan.segment_size, resume=not anew)
    if plan.format == "raw":
        return RawSink(folder / f"{exhibit}.raw", source.size, resume=not anew)
    first = folder / f"{exhibit}.E01"
    kept = None if anew else kept_ewf(first)
    if not anew and not kept:
        _remove_segments(first)
    details = case.details
    return EwfSink(
        first,
        source.size,
        sector_size=source.sector_size,
        compression=Compression(plan.compression),
        segment_size=plan.segment_size,
        metadata=EwfMetadata(
            case_number=details.number,
            exhibit=exhibit,
            examiner=details.examiner,
            description=details.title,
            notes=f"DriveCustody {__version__}",
            model=f"{device.vendor} {device.model}".strip(),
            serial=device.serial,
        ),
        physical=device.removable or bool(device.usb_id),
        stamp=plan.stamp,
        resume=kept,
    )


def _copy_sink(
    case: OpenCase, exhibit: str, plan: Unfinished, source: Source, device: Device, sink: Sink
) -> Sink | None:
    """The second copy, made anew: what the first image has already goes into it from there."""
    if not plan.second_copy:
        return None
    folder = Path(plan.second_copy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        same_disk = folder.stat().st_dev == sink.folder.stat().st_dev
    except OSError as error:
        raise EnvironmentFailed(
            f"The folder of the second copy cannot be used: {error.strerror}.", "Name another with --second-copy."
        ) from error
    if folder.resolve() == sink.folder.resolve():
        raise Refused("The second copy would lie beside the first.", "Name a folder on another disk.")
    if len(plan.begun) > 1:
        _remove_copy(folder, exhibit)
    needed = sink.required_bytes * (2 if same_disk else 1) - sink.written_bytes
    if (free := shutil.disk_usage(folder).free) < needed:
        raise EnvironmentFailed(
            f"The second copy's disk has {free} bytes free and {needed} may be needed.",
            "Free space there or name another folder with --second-copy.",
        )
    return _sink(case, exhibit, folder, plan, source, device, anew=True)


def _require_no_copy(folder: Path, exhibit: str) -> None:
    """Raises `Refused` where somebody else's image has the name: what has it later is ours, and may be taken away."""
    names = (f"{exhibit}.E01", f"{exhibit}.raw", f"{exhibit}.001")
    for name in (*names, *(f"{name}.partial" for name in names)):
        if (folder / name).exists():
            raise Refused(
                f"{name} exists already in the folder of the second copy and is never overwritten.",
                "Move it away, or name another folder with --second-copy.",
            )


def _remove_copy(folder: Path, exhibit: str) -> None:
    """Takes away the unfinished second copy that an earlier start made in `folder`."""
    _remove_segments(folder / f"{exhibit}.E01")
    numbered = (f"{exhibit}.{number:03d}" for number in range(1, MOST_PARTS + 1))
    for name in (f"{exhibit}.raw", *numbered):
        for made in (name, f"{name}.partial"):
            (folder / made).unlink(missing_ok=True)


def _remove_segments(first: Path) -> None:
    for path in ewf_format.segment_paths(first):
        if not path.is_file():
            return
        path.unlink()


def _imaged(
    job: Job, exhibit: str, source: Source, sink: Sink, copy: Sink | None, plan: Unfinished, retries: int
) -> Imaging:
    told = 0

    def note(kind: str, offset: int, length: int, sentence: str) -> None:
        nonlocal told
        told += kind == "bad"
        if kind != "bad" or told <= TOLD_AT_MOST:
            job.told(kind, f"{exhibit}@{offset}+{length}", sentence)

    return take_image(
        source,
        sink,
        plan.algorithms,
        progress=lambda done, total: job.progress("image", done, total),
        check=job.check,
        copy=copy,
        retries=retries,
        stage=job.progress,
        note=note,
    )


def _seen_before(source: Path, device: Device) -> SeenBefore | None:
    """What this computer's log says of the drive since it was plugged in; None for a file."""
    if not is_device(source):
        return None
    log = history(device)
    rows = tuple((row.time, row.text) for row in log.rows)
    return SeenBefore(rows, log.detail, tuple(row.text for row in mounted(log.rows)))


def _keep_maps(folder: Path, size: int, found: Imaging) -> None:
    """Errors, zeros and pieces beside the image; what an earlier start wrote there is replaced."""
    for name in (MAP, ZEROS, PIECES):
        (folder / name).unlink(missing_ok=True)
    write_map(folder / MAP, size, found.bad)
    found.zeros.save(folder / ZEROS)
    save_pieces(folder / PIECES, found.pieces)


def _read_twice(job: Job, source: Source, sink: Sink, found: Imaging) -> SecondRead:
    with open_image(sink.segments) as image:
        return read_again(
            source,
            image,
            found.bad,
            sink.folder,
            lambda done, total: job.progress("second read", done, total),
            job.check,
        )


def _copy_verified(job: Job, acquisition: Acquisition, copy: Sink) -> Acquisition:
    """The acquisition after its second copy was read back; a copy that differs is none."""
    try:
        with open_image(copy.segments) as image:
            hashes = read_back(job, image, tuple(acquisition.hashes), by_libewf=False, phase="verify second copy")
        if hashes == acquisition.hashes:
            return acquisition
        failure = "it does not have the hashes of the first"
    except (NotIntact, OSError) as error:
        failure = str(error)
    job.told("copy", acquisition.exhibit, failure)
    return replace(acquisition, second_copy="", second_copy_failure=f"The second copy is not whole: {failure}")


def _amount(extents: Sequence[Any]) -> str:
    return f"{sum(extent.length for extent in extents):,} bytes"
