"""The annexes: lists that somebody looks things up in."""

from __future__ import annotations

import io

from reportlab.lib.utils import ImageReader
from reportlab.platypus import Flowable, Image, KeepTogether, Spacer

from forensics.report import catalogue, wording
from forensics.report.blocks import bullets, h2, p
from forensics.report.facts import ReportFacts
from forensics.report.figures import Column, Grid, sheet
from forensics.report.typography import MONO, count

_PICTURE = (360.0, 300.0)
"""The most room of a photograph on a page, in points."""

NOT_EXAMINED_ROWS = 200
"""Rows of annex B; the rest is in the hash manifest of the evidence package, and the report says how many."""

CUSTODY_ROWS = 1000
"""Rows of annex A; a longer ledger is in the package whole."""


def custody_log(facts: ReportFacts) -> list[Flowable]:
    columns = (
        Column("No.", 0.07, "right"), Column("Instant (UTC)", 0.23), Column("Event", 0.16), Column("Exhibit", 0.1),
        Column("By", 0.15), Column("Detail", 0.38, muted=True),
    )  # fmt: skip
    rows = [
        (f"{row.seq}", row.utc, row.event, row.exhibit, row.actor, row.detail) for row in facts.custody[:CUSTODY_ROWS]
    ]
    note = f"{len(rows):,} of {facts.ledger_size:,} entries. "
    note += "The ledger itself, with the digest of every entry, is in the evidence package."
    return [p(note), Grid(columns, rows, size=7.6)] if rows else [p("The ledger holds no entries.")]


def not_examined(facts: ReportFacts) -> list[Flowable]:
    if not facts.not_examined:
        return [p(wording.what_was_left(facts))]
    columns = (Column("Place", 0.56, font=MONO), Column("Bytes", 0.16, "right"), Column("Reason", 0.28))
    shown = facts.not_examined[:NOT_EXAMINED_ROWS]
    rows = [(item.locator, f"{item.bytes:,}", item.reason) for item in shown]
    story: list[Flowable] = [
        p(f"Listed here: {len(shown):,} of {len(facts.not_examined):,}."),
        Grid(columns, rows, size=7.6),
    ]
    if more := len(facts.not_examined) - len(shown):
        story.append(p(f"{more:,} more are listed in the hash manifest of the evidence package."))
    return story


def how_to_verify(facts: ReportFacts) -> list[Flowable]:
    story: list[Flowable] = [
        p(
            "None of this needs the program that made the report. The evidence package holds the same recipe in "
            "VERIFY.txt, with the commands for the package, the ledger and the image."
        )
    ]
    if facts.signer:
        story += [
            h2("The signature"),
            sheet((("Signer", facts.signer.name), ("Organisation", facts.signer.organisation))),
            sheet(
                (
                    ("Certificate SHA-256", facts.signer.fingerprint),
                    ("Root SHA-256", facts.signer.root_fingerprint),
                ),
                mono=True,
            ),
            p(
                "Compare the root's fingerprint with one obtained from the organisation by another road: a certificate "
                "that only this document vouches for proves that the document is unchanged, not who signed it."
            ),
        ]
    else:
        story.append(p("This is a draft. It carries no signature, and nothing in it can be verified."))
    story += [
        h2("Commands"),
        *(p(line, "command") for line in ("pdfsig report.pdf", "sha256sum report.pdf", "qpdf --check report.pdf")),
        Spacer(1, 6),
        p(
            "pdfsig must say “Signature is Valid” and “Total document signed”. A signature in a PDF cannot cover its "
            "own bytes, and a document cut back to an earlier signature still shows a valid one: so compare the "
            "SHA-256 of the whole file with the manifest of the evidence package."
        ),
        p("drivecustody verify report.pdf checks all of this and says each fact apart."),
    ]
    return story


def hash_manifest(facts: ReportFacts) -> list[Flowable]:
    """Annex C: digests of the lists that are too long to be printed."""
    if not facts.lists:
        return [p("No list was made.")]
    columns = (Column("List", 0.3), Column("Rows", 0.12, "right"), Column("SHA-256", 0.58, font=MONO))
    rows = [(one.name, count(one.rows), one.sha256) for one in facts.lists]
    return [
        p(
            "Lists of thousands of rows are files, not pages. Each is named here by the digest of its bytes, so that "
            "a file that is produced later can be shown to be this one. Lists of persons leave the case only encrypted."
        ),
        Grid(columns, rows, size=8),
    ]


def findings(facts: ReportFacts) -> list[Flowable]:
    """Annex D: some persons, masked, so that a reader sees what the list behind the counts is made of."""
    if not facts.findings:
        return [p("Nobody was found.")]
    columns = (
        Column("Record", 0.15, font=MONO), Column("Tier", 0.11), Column("Places", 0.08, "right"),
        Column("First place", 0.4, font=MONO), Column("Elements", 0.34, muted=True),
    )  # fmt: skip
    rows = [
        (one.record, wording.TIER_NAMES[one.tier], count(one.places), one.first_place,
         ", ".join(wording.ELEMENT_NAMES[element] for element in one.elements))
        for one in facts.findings
    ]  # fmt: skip
    whole = facts.exposure.assessment.likely if facts.exposure else 0
    return [
        p(
            f"The first {len(rows):,} of {whole:,} persons confirmed or probable, in the order of the source records; "
            "of each record key only the last characters. The whole list is the encrypted file of annex C."
        ),
        Grid(columns, rows, size=7.2),
    ]


def elements(facts: ReportFacts) -> list[Flowable]:  # noqa: ARG001
    """Annex E: what each element of the catalogue means, found or not."""
    columns = (Column("Element", 0.22), Column("Key", 0.18, font=MONO), Column("What counts as one", 0.6))
    rows = [(wording.ELEMENT_NAMES[key], key, said) for key, said in catalogue.ELEMENTS.items()]
    return [Grid(columns, rows, size=8)]


def glossary(facts: ReportFacts) -> list[Flowable]:  # noqa: ARG001
    """Annex F: the words of this report."""
    return [Grid((Column("Word", 0.24), Column("In this report", 0.76)), list(catalogue.GLOSSARY.items()), size=8)]


def exports(facts: ReportFacts) -> list[Flowable]:
    """Annex H: what left the case, and what the evidence package leaves out."""
    story: list[Flowable] = [h2("Lists that left the case")]
    if facts.exports:
        columns = (
            Column("Instant (UTC)", 0.2), Column("List", 0.14), Column("Rows", 0.1, "right"),
            Column("SHA-256 of the file", 0.36, font=MONO), Column("Encrypted to", 0.2, font=MONO),
        )  # fmt: skip
        rows = [
            (
                one.utc,
                one.kind,
                count(one.rows),
                one.sha256,
                f"{one.encrypted_to[:16]}…" if one.encrypted_to else "none",
            )
            for one in facts.exports
        ]
        story.append(Grid(columns, rows, size=7.2))
    else:
        story.append(p("No list was exported from this case before this report."))
    return [*story, h2("What the evidence package leaves out"), *bullets(facts.left_out)]


def photographs(facts: ReportFacts) -> list[Flowable]:
    """Annex I: the exhibits as they were received, each picture with the digest of the file that was taken in."""
    if not facts.photographs:
        return [p("No photograph of an exhibit was taken in.")]
    story: list[Flowable] = [
        p("Smaller copies, without what else the files hold. The digest is that of the file as it was taken in.")
    ]
    for one in facts.photographs:
        said = [p(f"{one.exhibit}: {one.name}"), p(f"SHA-256 {one.sha256}", "command")]
        if one.jpeg is None:
            said.append(p("This file could not be shown as a picture, or is not the one that was taken in."))
        else:
            width, height = ImageReader(io.BytesIO(one.jpeg)).getSize()
            scale = min(_PICTURE[0] / width, _PICTURE[1] / height)
            said.append(Image(io.BytesIO(one.jpeg), width * scale, height * scale, hAlign="LEFT"))
        story += [KeepTogether(said), Spacer(1, 14)]
    return story
