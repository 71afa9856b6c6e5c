"""The image of an exhibit in its case: where it lies, its manifest, and reading it back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import __version__, hashing
from forensics.errors import NotIntact, Refused
from forensics.evidence.containers import EWF
from forensics.evidence.ewf_libewf import library_version
from forensics.evidence.image import Image, open_image
from forensics.evidence.pieces import PieceDigests, differing_pieces, read_pieces
from forensics.evidence.second_read import DIFFERING, DIFFERING_MAP
from forensics.evidence.verify import Take, segment_digests, verify
from forensics.examination.open_case import OpenCase, verb
from forensics.jobs.events import Job
from forensics.model import Acquisition

MANIFEST = "acquisition.json"
MAP = "acquisition.map"
ZEROS = "acquisition.zeros.gz"
PIECES = "acquisition.pieces"


PARTS_NAMED = 8
"""Parts of a drive that one sentence names."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def image_paths(case: OpenCase, acquisition: Acquisition) -> tuple[Path, ...]:
    folder = case.folder.images(acquisition.exhibit)
    return tuple(folder / name for name in acquisition.segments)


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
        acquisition = verified_again(case, job, acquisition, by_libewf=False)
        case.store.add_acquisition(acquisition)
        checked[acquisition.exhibit] = acquisition.hashes
    job.changed("acquisition")
    return {"verified": checked, "custody": {"verified": checked}}


def require_no_image(case: OpenCase, exhibit: str) -> None:
    if any(acquisition.exhibit == exhibit for acquisition in case.store.acquisitions()):
        raise Refused(
            f"{exhibit} has been acquired already.", "To check the image: drivecustody verify-image. "
            "To acquire a second time, receive the drive as an exhibit of its own.",
        )  # fmt: skip


def reader(by_libewf: bool) -> str:
    """Who read the image back: this version, and that of libewf where both did."""
    return f"DriveCustody {__version__}" + (f", libewf {library_version()}" if by_libewf else "")


def read_back(
    job: Job,
    image: Image,
    algorithms: Sequence[str],
    by_libewf: bool,
    phase: str = "verify",
    besides: Mapping[str, Take] | None = None,
) -> dict[str, str]:
    return verify(
        image,
        algorithms,
        lambda done, total: job.progress(phase, done, total),
        job.check,
        by_libewf=by_libewf,
        besides=besides,
    )


def verified_again(case: OpenCase, job: Job, acquisition: Acquisition, by_libewf: bool) -> Acquisition:
    """The acquisition after its image was read back. Raises `NotIntact` where a digest differs.

    A new image is read by libewf too, which judges the writer; afterwards our own reader sees any change.
    """
    pieces = PieceDigests()
    with open_image(image_paths(case, acquisition)) as image:
        stored = image.stored_hashes
        hashes = read_back(
            job,
            image,
            tuple(acquisition.hashes),
            by_libewf and image.format == EWF,
            besides={"pieces": pieces.update},
        )
    wrong = [name for name in acquisition.hashes if hashes[name] != acquisition.hashes[name]]
    if wrong:
        case.record("image-differs", {"expected": acquisition.hashes, "found": hashes}, acquisition.exhibit)
        raise NotIntact(
            f"The image of {acquisition.exhibit} is not what was acquired: {', '.join(wrong).upper()} differs"
            f"{_where(case, acquisition, pieces.conclude())}.",
            "Fetch the image from the second copy, or acquire the drive again as a new exhibit.",
        )
    lying = [name for name, value in stored.items() if hashes.get(name, value) != value]
    if lying:
        case.record("image-differs", {"stored": stored, "found": hashes, "differing": lying}, acquisition.exhibit)
        raise NotIntact(
            f"The image of {acquisition.exhibit} does not have the {', '.join(lying).upper()} that is stored in it.",
            "What was acquired is intact; the stored hash is wrong. Ask for it where the image was made.",
        )
    return replace(acquisition, verified=True, verified_by=reader(by_libewf and acquisition.format == EWF))


def _where(case: OpenCase, acquisition: Acquisition, found: list[str]) -> str:
    """In which parts of the drive, where the digests of its pieces tell."""
    path = case.folder.images(acquisition.exhibit) / PIECES
    if not path.is_file():
        return ""
    parts = list(differing_pieces(read_pieces(path), found, acquisition.size))
    sector = acquisition.sector_size
    said = [
        f"sectors {part.offset // sector:,} to {(part.offset + part.length - 1) // sector:,}"
        for part in parts[:PARTS_NAMED]
    ]
    more = f" and {len(parts) - len(said):,} more parts" if len(parts) > len(said) else ""
    return f", in {', '.join(said)}{more}" if said else ""


def keep(case: OpenCase, job: Job, acquisition: Acquisition) -> dict[str, Any]:
    """Write the manifest beside the image, and the acquisition into the case."""
    folder = case.folder.images(acquisition.exhibit)
    beside = [folder / name for name in (MAP, ZEROS, PIECES, DIFFERING, DIFFERING_MAP)]
    digests = segment_digests([*image_paths(case, acquisition), *(path for path in beside if path.is_file())])
    manifest = {
        "format": "drivecustody-acquisition/v1",
        "case": case.details.number,
        "case_id": case.details.case_id,
        "program": __version__,
        "acquisition": {
            **asdict(acquisition),
            "source": Path(acquisition.source).name,
            "second_copy": Path(acquisition.second_copy).name,
            "seen_before": None,
        },
        "files_sha256": digests,
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
        "log_lines_of_mounts_before": len(acquisition.seen_before.mounted) if acquisition.seen_before else None,
        "verified": acquisition.verified,
        "manifest_sha256": hashing.of_file(path),
    }
    if len(acquisition.begun) > 1:
        custody["begun"] = acquisition.begun
    if acquisition.second_copy or acquisition.second_copy_failure:
        custody["second_copy"] = acquisition.second_copy_failure or "verified"
    if acquisition.second_read:
        custody["second_read"] = asdict(acquisition.second_read)
    if acquisition.stored_hashes:
        custody["stored_hashes"] = acquisition.stored_hashes
    return {"acquisition": manifest["acquisition"], "custody": custody}
