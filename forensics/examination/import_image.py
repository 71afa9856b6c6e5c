"""An image that exists already becomes the image of an exhibit."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.errors import EnvironmentFailed, NotIntact
from forensics.evidence.image import open_image
from forensics.evidence.pieces import PieceDigests, save_pieces
from forensics.evidence.zero_map import ZeroMeter
from forensics.examination.images import PIECES, ZEROS, keep, now, read_back, reader, require_no_image
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.receive import require_exhibit
from forensics.examination.unfinished import empty_folder
from forensics.jobs.events import Job
from forensics.model import Acquisition, Protection


@verb("import-image", options=("exhibit",))
def import_image(case: OpenCase, job: Job, *, exhibit: str, files: Sequence[Path]) -> dict[str, Any]:
    """Take an existing image into the case: copied, read whole, and compared with the hashes it carries.

    Raises `NotIntact` where a stored hash does not match; the image is kept and the mismatch is recorded all the same.
    """
    require_exhibit(case, exhibit)
    require_no_image(case, exhibit)
    folder = empty_folder(case, exhibit)
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
        meter, pieces = ZeroMeter(image.size), PieceDigests()
        hashes = read_back(
            job,
            image,
            hashing.ALGORITHMS,
            by_libewf=True,
            besides={"zeros": meter.update, "pieces": pieces.update},
        )
    meter.zeros.save(folder / ZEROS)
    save_pieces(folder / PIECES, pieces.conclude())
    wrong = [name for name, value in acquisition.stored_hashes.items() if hashes.get(name, value) != value]
    compared = [name for name in acquisition.stored_hashes if name in hashes]
    acquisition = replace(
        acquisition,
        hashes=hashes,
        zero_bytes=meter.zeros.amount,
        verified=bool(compared) and not wrong,
        verified_by=reader(True) if compared else "",
    )
    result = keep(case, job, acquisition)
    if wrong:
        case.record("image-differs", {**result["custody"], "differing": wrong}, exhibit)
        raise NotIntact(
            f"The image of {exhibit} does not have the {', '.join(sorted(wrong)).upper()} that is stored in it.",
            "It is kept and the difference is recorded. Fetch the image again from where it was made.",
        )
    return result


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
