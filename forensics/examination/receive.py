"""A new case, and an exhibit entering custody."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile.case import CaseDetails, create
from forensics.errors import EnvironmentFailed, Refused
from forensics.examination.custody_form import ITEM_FIELDS, fields
from forensics.examination.open_case import OpenCase, verb
from forensics.jobs.events import Job
from forensics.model import Locator

FIRST_EXHIBIT = "E-001"


def new(path: Path, details: CaseDetails, passphrase: str) -> OpenCase:
    """A new encrypted case, opened, with the first entry of its ledger."""
    folder, key, filled = create(path, details, passphrase)
    case = OpenCase(folder, key)
    # Dates and names of the people who act are the record itself; they are no personal data of the exhibit.
    said = {name: value for name, value in asdict(filled).items() if value and name != "entity_types"}
    case.record("case-created", said | {"entity_types": list(filled.entity_types)})
    return case


@verb("receive", options=("exhibit",))
def receive(
    case: OpenCase,
    job: Job,
    *,
    exhibit: str,
    received_from: str,
    received_by: str,
    description: str = "",
    seal: str = "",
    place: str = "",
    purpose: str = "",
    authority: str = "",
    photos: Sequence[Path] = (),
    statement: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Take an exhibit into custody: from whom, to whom, with photographs that are copied in and hashed.

    `statement` is what the returning person signed, kept like a photograph; `more` are fields of
    `custody_form.ITEM_FIELDS`.
    """
    require_label(exhibit)
    if exhibit in case.store.exhibits():
        raise Refused(f"Exhibit {exhibit} is in this case already.", "Give the next exhibit a label of its own.")
    item = fields(more or {}, ITEM_FIELDS)
    kept = [_keep(case, exhibit, "photographs", photo) for photo in photos]
    stated = [_keep(case, exhibit, "statements", statement)] if statement else []
    details: dict[str, Any] = {
        "from": received_from,
        "to": received_by,
        "description": description,
        "seal": seal,
        "place": place,
        "purpose": purpose,
        "authority": authority,
        "photos": kept,
        **item,
        **({"statement": f"{stated[0]['name']}, SHA-256 {stated[0]['sha256']}"} if stated else {}),
    }
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    case.store.add_exhibit(exhibit, now, details)
    job.changed("exhibit")
    return {"exhibit": exhibit, "custody": {"received": details}}


def require_label(exhibit: str) -> None:
    """Raise `Refused` for a label that could not stand in a locator or name a folder."""
    plain = exhibit.replace("-", "").replace("_", "").replace(".", "")
    if not plain.isascii() or not plain.isalnum() or Locator.parse(exhibit).exhibit != exhibit:
        raise Refused(
            "The label of an exhibit is made of letters, digits, hyphen, dot and underscore.", "Use one like E-001."
        )


def require_exhibit(case: OpenCase, exhibit: str) -> None:
    require_label(exhibit)
    if exhibit not in case.store.exhibits():
        raise Refused(
            f"Exhibit {exhibit} has not been received.",
            f"First: drivecustody receive {case.folder.path.name} --exhibit {exhibit} --from … --to …",
        )


def _keep(case: OpenCase, exhibit: str, folder: str, photo: Path) -> dict[str, str]:
    target = case.folder.images(exhibit) / folder / photo.name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        if target.exists():
            raise Refused(f"There is a file {photo.name} already.", "Give each file a name of its own.")
        shutil.copyfile(photo, target)
    except OSError as error:
        raise EnvironmentFailed(f"{photo.name} cannot be copied: {error.strerror}.", "Check the path.") from error
    return {"name": photo.name, "sha256": hashing.of_file(target)}
