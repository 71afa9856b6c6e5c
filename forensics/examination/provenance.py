"""What the case says of its own making, as facts for the CASE/UCO graph."""

from __future__ import annotations

from collections.abc import Iterator

from forensics import __version__
from forensics.casefile.views import CaseView
from forensics.examination.open_case import OpenCase
from forensics.report.case_uco import ListedFile, Provenance


def provenance(case: OpenCase) -> Provenance:
    """Exhibits, images and every entry of the ledger; no data subject, and no file of an exhibit."""
    details = case.details
    with case.view() as view:
        exhibits = [(row.label, str(row.details.get("description", ""))) for row in view.exhibits()]
        acquisitions = view.acquisitions()
    return Provenance(
        details.case_id, details.number, details.title, details.organisation, ("DriveCustody", __version__), exhibits,
        acquisitions, case.ledger.events(),
    )  # fmt: skip


def listed_files(view: CaseView) -> Iterator[ListedFile]:
    """Every file entry with content, with its digests."""
    for row in view.hashes():
        digests = {"sha256": row.sha256, "md5": row.md5, "sha1": row.sha1}
        yield ListedFile(row.locator, row.locator.partition("/")[0], row.size, {k: v for k, v in digests.items() if v})
