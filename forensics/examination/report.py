"""What the case says, set as a document, and signed."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

from forensics import hashing
from forensics.casefile import report_versions
from forensics.errors import Refused
from forensics.examination.custody import sign_ledger
from forensics.examination.custody_form import photographs
from forensics.examination.open_case import OpenCase, verb
from forensics.examination.report_facts import gather
from forensics.examination.testify import require_ready
from forensics.jobs.events import Job
from forensics.model import Signer
from forensics.report.document import build


@verb("report", options=("version",))
def report(
    case: OpenCase,
    job: Job,
    *,
    out: Path,
    signer: Signer | None = None,
    timestamp: str | None = None,
    certificate: bool = True,
) -> dict[str, Any]:
    """Write the report: signed under a person's certificate, or a draft with a watermark.

    The SHA-256 of the whole file goes into the ledger, because a PDF signature alone does not cover every byte. Raises
    `Refused` with the list of what is missing before a signature; without the `certificate` its statements are not
    asked for, and the report says that it was not made.
    """
    if out.exists():
        raise Refused(f"{out.name} exists already and a report is never overwritten.", "Choose another name.")
    if signer is None and timestamp:
        raise Refused("A draft cannot be time-stamped.", "Sign it with --sign NAME.")
    if signer is not None:
        require_ready(case, certificate=certificate)
        sign_ledger(case, signer)
    job.check()
    number = 1 + sum(event.event == "report-made" for event in case.ledger.events())
    with case.view() as view:
        facts = gather(case, view, signer, number, certificate=certificate)
        facts = replace(facts, photographs=photographs(case, view.exhibits()))
    out.parent.mkdir(parents=True, exist_ok=True)
    if signer is None:
        build(facts, out)
        digest, size = _measure(out)
    else:
        from forensics.report.signing import sign as sign_pdf

        unsigned = case.folder.scratch / f"report-{uuid.uuid4().hex}.pdf"
        try:
            build(facts, unsigned)
            made = sign_pdf(unsigned, out, signer, reason=f"Report {facts.report_id}", timestamper_url=timestamp)
        finally:
            unsigned.unlink(missing_ok=True)
        digest, size = made.sha256, made.size
    said = {
        "report_id": facts.report_id,
        "sha256": digest,
        "size": size,
        "signed": signer is not None,
        "certificate": facts.testimony is not None and facts.testimony.executed and facts.testimony.complete,
        "ledger_size": facts.ledger_size,
        "ledger_head": facts.ledger_head,
    }
    case.record("report-made", {**said, "file": out.name}, signer=signer)
    with case.store.begin() as connection:
        result = facts.exposure.assessment.result_sha256 if facts.exposure else ""
        report_versions.keep(connection, number, facts.report_id, facts.date, signer is not None, result)
    case.store.put_fact("report", {**said, "file": str(out)})
    job.changed("report")
    return {**said, "out": str(out), "custody": {"report_id": facts.report_id, "sha256": digest}}


def _measure(path: Path) -> tuple[str, int]:
    return hashing.of_file(path), path.stat().st_size
