"""From a device or a file to a verified image in the case; and the same for an image that exists already."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import __version__, hashing
from forensics.errors import EnvironmentFailed, NotIntact, Refused
from forensics.evidence.containers import EWF, RAW, container_format
from forensics.evidence.devices import describe, measure_protection
from forensics.evidence.ewf_writer import Compression, EwfMetadata, EwfSink
from forensics.evidence.image import Image, library_version, open_image
from forensics.evidence.imager import image as take_image
from forensics.evidence.map_file import write_map
from forensics.evidence.raw import RawSink
from forensics.evidence.sink import Sink
from forensics.evidence.source import Source, open_source
from forensics.evidence.verify import segment_digests, verify
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.receive import require_exhibit
from forensics.jobs.events import Job
from forensics.model import Acquisition, Device, Protection

MANIFEST = "acquisition.json"
MAP = "acquisition.map"
DEFAULT_SEGMENT = 2 << 30
"""2 GiB: every file system and medium takes segments of that size."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def image_paths(case: OpenCase, acquisition: Acquisition) -> tuple[Path, ...]:
    folder = case.folder.images(acquisition.exhibit)
    return tuple(folder / name for name in acquisition.segments)


@verb("acquire", options=("exhibit", "format", "compression", "segment_size", "algorithms"))
def acquire(
    case: OpenCase,
    job: Job,
    *,
    exhibit: str,
    source: Path,
    format: str = "e01",
    compression: str = "fast",
    segment_size: int = DEFAULT_SEGMENT,
    algorithms: Sequence[str] = hashing.ALGORITHMS,
    check: bool = True,
) -> dict[str, Any]:
    """Image a device or file, hash it on the way, list what could not be read, and read the image back.

    What an interrupted acquisition left is removed first: without its hash state it could not be gone on with.
    Raises `Refused` for a container format (import it instead) and where the exhibit has an image.
    """
    require_exhibit(case, exhibit)
    _require_no_image(case, exhibit)
    _require_algorithms(algorithms, format)
    if source.is_file() and (container := container_format(source)) != RAW:
        raise Refused(
            f"{source.name} is an image ({container}), not the bytes of a drive.",
            f"Take it in with: drivecustody import-image {case.folder.path.name} --exhibit {exhibit} {source.name}",
        )
    folder = _fresh_folder(case, exhibit)
    device = describe(source)
    protection = measure_protection(source)
    started = now()
    with open_source(source) as opened:
        sink = _sink(case, exhibit, folder, format, compression, segment_size, opened, device)
        found = take_image(
            opened,
            sink,
            algorithms,
            progress=lambda done, total: job.progress("image", done, total),
            check=job.check,
        )
        size, sector_size = opened.size, opened.sector_size
    acquisition = Acquisition(
        exhibit=exhibit,
        source=str(source),
        format=format,
        size=size,
        sector_size=sector_size,
        hashes=found.hashes,
        segments=tuple(path.name for path in sink.segments),
        bad=found.bad,
        zero_bytes=found.zero_bytes,
        started=started,
        finished=now(),
        protection=_still(protection, source),
        device=device,
        verified=False,
        verified_by="",
    )
    write_map(folder / MAP, size, found.bad)
    if check:
        acquisition = _verified(case, job, acquisition, by_libewf=True)
    return _keep(case, job, acquisition)


@verb("import-image", options=("exhibit",))
def import_image(case: OpenCase, job: Job, *, exhibit: str, files: Sequence[Path]) -> dict[str, Any]:
    """Take an existing image into the case: copied, read whole, and compared with the hashes it carries.

    Raises `NotIntact` where a stored hash does not match; the image is kept and the mismatch is recorded all the same.
    """
    require_exhibit(case, exhibit)
    _require_no_image(case, exhibit)
    folder = _fresh_folder(case, exhibit)
    started = now()
    with open_image(files) as given:
        paths = list(given.segments)
        total = sum(path.stat().st_size for path in paths)
        copied = 0
        for path in paths:
            copied = _copy(job, path, folder / path.name, copied, total)
    with open_image([folder / path.name for path in paths]) as image:
        acquisition = Acquisition(
            exhibit=exhibit,
            source=paths[0].name,
            format=image.format,
            size=image.size,
            sector_size=image.sector_size,
            hashes={},
            segments=tuple(path.name for path in paths),
            bad=(),
            zero_bytes=0,
            started=started,
            finished=now(),
            protection=Protection("none measured", "an existing image was taken in; the drive was not read here"),
            device=None,
            verified=False,
            verified_by="",
            imported=True,
            stored_hashes=dict(image.stored_hashes),
        )
        hashes = _read_back(job, image, hashing.ALGORITHMS, by_libewf=True)
    wrong = [name for name, value in acquisition.stored_hashes.items() if hashes.get(name, value) != value]
    compared = [name for name in acquisition.stored_hashes if name in hashes]
    acquisition = replace(
        acquisition, hashes=hashes, verified=bool(compared) and not wrong, verified_by=_reader(True) if compared else ""
    )
    result = _keep(case, job, acquisition)
    if wrong:
        case.record("image-differs", {**result["custody"], "differing": wrong}, exhibit)
        raise NotIntact(
            f"The image of {exhibit} does not have the {', '.join(sorted(wrong)).upper()} that is stored in it.",
            "It is kept and the difference is recorded. Fetch the image again from where it was made.",
        )
    return result


@verb("verify-image", options=("exhibit",))
def verify_image(case: OpenCase, job: Job, *, exhibit: str | None = None) -> dict[str, Any]:
    """Read every image again, or one, and compare with the acquisition and with the hashes stored in the image.

    Raises `NotIntact` where one differs.
    """
    acquisitions = [a for a in case.store.acquisitions() if exhibit in (None, a.exhibit)]
    if not acquisitions:
        raise Refused("There is no image to verify.", "First: drivecustody acquire, or import-image.")
    checked = {}
    for acquisition in acquisitions:
        acquisition = _verified(case, job, acquisition, by_libewf=False)
        case.store.add_acquisition(acquisition)
        checked[acquisition.exhibit] = acquisition.hashes
    job.changed("acquisition")
    return {"verified": checked, "custody": {"verified": checked}}


# ------------------------------------------------------------------------------------------------------------- parts


def _require_no_image(case: OpenCase, exhibit: str) -> None:
    if any(acquisition.exhibit == exhibit for acquisition in case.store.acquisitions()):
        raise Refused(
            f"{exhibit} has been acquired already.", "To check the image: drivecustody verify-image. "
            "To acquire a second time, receive the drive as an exhibit of its own.",
        )  # fmt: skip


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


def _fresh_folder(case: OpenCase, exhibit: str) -> Path:
    """The folder of the exhibit's image, without what an interrupted acquisition left there."""
    folder = case.folder.images(exhibit)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    left = [path for path in folder.iterdir() if path.is_file()]
    for path in left:
        path.unlink()
    if left:
        case.record("unfinished-image-removed", {"files": sorted(path.name for path in left)}, exhibit)
    return folder


def _sink(
    case: OpenCase,
    exhibit: str,
    folder: Path,
    format: str,
    compression: str,
    segment_size: int,
    source: Source,
    device: Device,
) -> Sink:
    if format == "raw":
        return RawSink(folder / f"{exhibit}.raw", source.size)
    details = case.details
    return EwfSink(
        folder / f"{exhibit}.E01",
        source.size,
        sector_size=source.sector_size,
        compression=Compression(compression),
        segment_size=segment_size,
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
    )


def _still(before: Protection, source: Path) -> Protection:
    """The protection as measured, or what changed while the drive was read."""
    after = measure_protection(source)
    if after.method == before.method:
        return before
    return Protection("none measured", f"before: {before.method}; after: {after.method}")


def _reader(by_libewf: bool) -> str:
    """Who read the image back: this version, and that of libewf where both did."""
    return f"DriveCustody {__version__}" + (f", libewf {library_version()}" if by_libewf else "")


def _read_back(job: Job, image: Image, algorithms: Sequence[str], by_libewf: bool) -> dict[str, str]:
    return verify(
        image, algorithms, lambda done, total: job.progress("verify", done, total), job.check, by_libewf=by_libewf
    )


def _verified(case: OpenCase, job: Job, acquisition: Acquisition, by_libewf: bool) -> Acquisition:
    """The acquisition after its image was read back. Raises `NotIntact` where a digest differs.

    A new image is read by libewf too, which judges the writer; afterwards our own reader sees any change.
    """
    with open_image(image_paths(case, acquisition)) as image:
        stored = image.stored_hashes
        hashes = _read_back(job, image, tuple(acquisition.hashes), by_libewf and image.format == EWF)
    wrong = [name for name in acquisition.hashes if hashes[name] != acquisition.hashes[name]]
    if wrong:
        case.record("image-differs", {"expected": acquisition.hashes, "found": hashes}, acquisition.exhibit)
        raise NotIntact(
            f"The image of {acquisition.exhibit} is not what was acquired: {', '.join(wrong).upper()} differs.",
            "Fetch the image from the second copy, or acquire the drive again as a new exhibit.",
        )
    lying = [name for name, value in stored.items() if hashes.get(name, value) != value]
    if lying:
        case.record("image-differs", {"stored": stored, "found": hashes, "differing": lying}, acquisition.exhibit)
        raise NotIntact(
            f"The image of {acquisition.exhibit} does not have the {', '.join(lying).upper()} that is stored in it.",
            "What was acquired is intact; the stored hash is wrong. Ask for it where the image was made.",
        )
    return replace(acquisition, verified=True, verified_by=_reader(by_libewf and acquisition.format == EWF))


def _keep(case: OpenCase, job: Job, acquisition: Acquisition) -> dict[str, Any]:
    """Write the manifest beside the image, and the acquisition into the case."""
    folder = case.folder.images(acquisition.exhibit)
    digests = segment_digests(image_paths(case, acquisition))
    extra = {MAP: hashing.of_file(folder / MAP)} if (folder / MAP).is_file() else {}
    manifest = {
        "format": "drivecustody-acquisition/v1",
        "case": case.details.number,
        "case_id": case.details.case_id,
        "program": __version__,
        "acquisition": {**asdict(acquisition), "source": Path(acquisition.source).name},
        "files_sha256": digests | extra,
    }
    path = folder / MANIFEST
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", "utf-8")
    draft.replace(path)
    case.store.add_acquisition(acquisition)
    case.store.put_fact("indexed", None)
    job.changed("acquisition")
    custody = {
        "hashes": acquisition.hashes,
        "size": acquisition.size,
        "format": acquisition.format,
        "segments": len(acquisition.segments),
        "bad_ranges": len(acquisition.bad),
        "bad_bytes": sum(bad.length for bad in acquisition.bad),
        "protection": asdict(acquisition.protection),
        "verified": acquisition.verified,
        "manifest_sha256": hashing.of_file(path),
    }
    if acquisition.stored_hashes:
        custody["stored_hashes"] = acquisition.stored_hashes
    return {"acquisition": manifest["acquisition"], "custody": custody}


def _copy(job: Job, source: Path, target: Path, done: int, total: int) -> int:
    try:
        with source.open("rb") as reader, target.open("xb") as writer:
            while block := reader.read(1 << 20):
                job.check()
                writer.write(block)
                done += len(block)
                job.progress("copy", done, total)
            writer.flush()
            os.fsync(writer.fileno())
    except OSError as error:
        free = shutil.disk_usage(target.parent).free
        raise EnvironmentFailed(
            f"{source.name} could not be copied into the case: {error.strerror}.",
            f"{total - done} more bytes are needed, {free} are free. Make room and run this again.",
        ) from error
    return done
