"""What the tests of the report share: made-up facts whose sums are right, and a signing identity that lives in memory.

Everybody and everything here is invented; the numbers were chosen so that each sum can be done in the head.
"""

from __future__ import annotations

import asyncio
import datetime
from dataclasses import dataclass, field
from typing import Any

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from pyhanko.sign.signers import SimpleSigner
from pyhanko_certvalidator.registry import SimpleCertificateStore

from forensics.model import (
    OK,
    Acquisition,
    BadRange,
    Device,
    EntryStatus,
    Fact,
    Protection,
    Tier,
    Volume,
)
from forensics.report.facts import (
    AcquisitionSheet,
    Assessment,
    CaseSheet,
    ContentsSheet,
    Coverage,
    CoveragePart,
    CustodyRow,
    ExhibitSheet,
    ExposureSheet,
    MethodSheet,
    NotExaminedItem,
    PersonsHolder,
    PlacesSheet,
    RecordsSheet,
    ReportFacts,
    SignerSheet,
    TypeCount,
)

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")
"""RFC 9336; alone it fails in poppler and OpenSSL, so emailProtection stands beside it."""

C, P, S = Tier.CONFIRMED, Tier.PROBABLE, Tier.POSSIBLE


@dataclass
class MemorySigner:
    """A P-256 certificate under its own root, as `forensics.model.Signer`."""

    name: str
    organisation: str
    fingerprint: str
    certificate_pem: bytes
    chain_pem: tuple[bytes, ...]
    simple: SimpleSigner = field(repr=False)
    revocation_list: bytes | None = None

    def cades(self, content: bytes) -> bytes:
        async def made() -> bytes:
            signed = await self.simple.async_sign_general_data(
                content, "sha256", use_cades=True, detached=True, timestamper=None
            )
            return bytes(signed.dump())

        return asyncio.run(made())

    def pdf_signer(self) -> Any:
        return self.simple


def make_signer(
    name: str = "Dana Examiner", organisation: str = "Northgate Health Plan", *, tsa: bool = False
) -> MemorySigner:
    """A fresh root and a certificate under it: document signing, or time stamping where `tsa`."""
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def named(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    def certificate(subject: str, public: Any, authority: bool) -> x509.Certificate:
        usage = x509.KeyUsage(
            not authority, not authority and not tsa, False, False, False, authority, authority, False, False
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(subject))
            .issuer_name(named("Test Root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=800))
            .add_extension(x509.BasicConstraints(authority, 0 if authority else None), True)
            .add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False)
        )
        if not authority:
            purposes = (
                [ExtendedKeyUsageOID.TIME_STAMPING] if tsa else [DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
            )
            builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), tsa)
        return builder.sign(root_key, hashes.SHA256())

    root = certificate("Test Root", root_key.public_key(), True)
    own = certificate(name, key.public_key(), False)
    pem, der = serialization.Encoding.PEM, serialization.Encoding.DER
    private = key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    store = SimpleCertificateStore()
    store.register(asn1_x509.Certificate.load(root.public_bytes(der)))
    simple = SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(own.public_bytes(der)),
        signing_key=asn1_keys.PrivateKeyInfo.load(private),
        cert_registry=store,
    )
    return MemorySigner(
        name,
        organisation,
        own.fingerprint(hashes.SHA256()).hex(),
        own.public_bytes(pem),
        (root.public_bytes(pem),),
        simple,
    )


def assessment_result(**changes: Any) -> dict[str, Any]:
    """What `assess --json` gives: 1,203 + 41 + 6 = 1,250 persons, nothing measured about chance."""
    result: dict[str, Any] = {
        "source_records": 20000,
        "persons_after_merge": None,
        "floor": None,
        "estimate": None,
        "low": None,
        "high": None,
        "ceiling": 1250,
        "estimate_status": "not measured: no decoys in this version",
        "tiers": {"confirmed": 1203, "probable": 41, "possible": 6},
        "elements": {
            "name": {"n": 1244, "low": None, "high": None},
            "birth_date": {"n": 1244, "low": None, "high": None},
            "ssn": {"n": 310, "low": None, "high": None},
            "member_id": {"n": 1209, "low": None, "high": None},
            "address": {"n": 800, "low": None, "high": None},
        },
        "states": {"CA": 1200, "NV": 30, "OR": 15, "": 5},
        "minors": 208,
        "deceased": 4,
        "not_in_records": None,
        "not_examined": {"items": 2, "bytes": 5000, "reasons": {"encrypted": 1, "unsupported type": 1}},
    }
    result.update(changes)
    return result


def elements_by_tier() -> dict[str, dict[Tier, int]]:
    return {
        "name": {C: 1203, P: 41},
        "birth_date": {C: 1203, P: 41},
        "ssn": {C: 300, P: 4, S: 6},
        "member_id": {C: 1203, P: 6},
        "address": {C: 790, P: 10},
    }


def exposure_sheet(**changes: Any) -> ExposureSheet:
    return ExposureSheet(
        Assessment.from_result(assessment_result(**changes)),
        elements_by_tier(),
        PlacesSheet(total=1900, live=1250, deleted=600, unallocated=50, archived=420),
        (
            PersonsHolder("E-001/vol2/Work/August%20extract/members_2016-08-15.xlsx!Members", 1100, {C: 1100}),
            PersonsHolder("E-001/vol2/backup/old.zip!2008.zip!contacts.csv", 410, {C: 380, P: 30}),
            PersonsHolder("E-001/vol2/deleted/57/_ull_tmp.csv", 600, {C: 589, P: 11}),
            PersonsHolder("E-001/unallocated", 6, {S: 6}),
        ),
    )


def report_facts(signer: MemorySigner | None = None, **changes: Any) -> ReportFacts:
    """A small case in which every section has something to say."""
    size = 2_013_265_920
    acquisition = Acquisition(
        exhibit="E-001",
        source="device",
        format="e01",
        size=size,
        sector_size=512,
        hashes={
            "md5": "9e107d9d372bb6826bd81d3542a419d6",
            "sha1": "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
            "sha256": "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592",
        },
        segments=("E-001.E01",),
        bad=(BadRange(1_048_576, 4096), BadRange(900_000_256, 512)),
        zero_bytes=1_500_000_000,
        started="2026-11-20T09:12:04Z",
        finished="2026-11-20T09:15:41Z",
        protection=Protection(
            "read-only device", "the kernel's read-only flag was set and read back before the first read"
        ),
        device=Device("/dev/sdz", size, "SanDisk", "Cruzer Blade", "4C530001230519113374", "0781:5567"),
        verified=True,
        verified_by="second full reading of the image",
    )
    facts: dict[str, Any] = {
        "case": CaseSheet(
            "2026-0417",
            "Returned USB drive of a former employee",
            "Northgate Health Plan",
            ("health plan",),
            "Dana Examiner",
            (
                ("Data copied", "2016-08-15"),
                ("Employment ended", "2016-08-17"),
                ("Drive returned", "2016-08-22"),
                ("First known", "2016-08-18, by the privacy office"),
            ),
        ),
        "report_id": "DCR-2026-0417-01",
        "version": "1",
        "date": "2026-11-24T10:30:00Z",
        "tool_version": "0.1.0",
        "ledger_size": 14,
        "ledger_head": "a3f5c1d2e4b6978812345678900abcdef0fedcba98765432100123456789abcd",
        "exhibits": (
            ExhibitSheet(
                "E-001",
                "Former employee (by courier)",
                "Dana Examiner, Northgate Health Plan",
                "2026-11-20T08:58:00Z",
                "Black USB flash drive, 2 GB, marked “Work”",
                "Bag 0042117, intact on receipt",
                "Forensics room 2.14",
                "Internal examination",
                "Instruction of the privacy officer, 2026-11-19",
            ),
        ),
        "acquisitions": (
            AcquisitionSheet(
                acquisition,
                (Fact("E-001.E01", "image agrees with the acquisition", True, "SHA-256 equal on 2026-11-24"),),
            ),
        ),
        "volumes": (Volume("E-001", 2, 1_048_576, 2_012_217_344, "Win95 FAT32", "FAT32", "WORK", 4096, OK),),
        "contents": ContentsSheet(
            120,
            {EntryStatus.LIVE: 80, EntryStatus.DELETED: 20, EntryStatus.DELETED_UNCERTAIN: 5, EntryStatus.CHILD: 15},
            (
                TypeCount("text/csv", 40, 12_000_000),
                TypeCount("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 30, 9_000_000),
                TypeCount("application/pdf", 25, 40_000_000),
                TypeCount("application/zip", 10, 5_000_000),
                TypeCount("image/jpeg", 15, 30_000_000),
            ),
            {"ok": 115, "empty": 3, "not_examined": 2},
        ),
        "not_examined": (
            NotExaminedItem("E-001/vol2/backup/locked.zip!plan.xlsx", 4000, "encrypted"),
            NotExaminedItem("E-001/vol2/Work/" + "a%CC%81" * 30 + ".bin", 1000, "unsupported type"),
        ),
        "coverage": Coverage(
            size,
            (
                CoveragePart("Allocated to files, examined", 96_000_000, True),
                CoveragePart("Unallocated, scanned", 1_912_000_000, True),
                CoveragePart("File system structures", 5_256_312, False),
                CoveragePart("In items not examined", 5_000, False),
                CoveragePart("Unreadable", 4_608, False),
            ),
        ),
        "records": (
            RecordsSheet(
                "members_2016.csv",
                20000,
                "ef537f25c895bfa782526529a9b63d97aa631564d5d789c2b765448c8635fb6c",
                "2016-08-15",
                (("MEMBER_NO", "record_key"), ("FIRST", "given_name"), ("LAST", "family_name"), ("DOB", "birth_date")),
                ("212 rows hold a placeholder in place of a Social Security number",),
            ),
        ),
        "exposure": exposure_sheet(),
        "custody": tuple(
            CustodyRow(seq, f"2026-11-20T09:{seq:02d}:00Z", "3fa9c1…", event, "E-001", detail)
            for seq, (event, detail) in enumerate(
                (
                    ("receive", "seal intact"),
                    ("acquire started", "e01, fast"),
                    ("acquire finished", "ok, sha256 d7a8fbb3…"),
                    ("index started", ""),
                    ("index finished", "120 contents, 2 not examined"),
                    ("match finished", "1,250 persons"),
                ),
                start=1,
            )
        ),
        "method": MethodSheet(
            ("Only the image was examined; the exhibit stayed sealed after its acquisition.",),
            (("The Sleuth Kit", "4.12.1"), ("libewf", "20240506"), ("Python", "3.11.2")),
            {
                C: "an identifier and the name or birth date stand in one row, and nothing there disagrees",
                P: "the full name and the birth date stand in one row with another field",
                S: "anything less",
            },
            ("Fields count together within one table row, or within 200 bytes of text.",),
        ),
        "signer": SignerSheet(signer.name, signer.organisation, signer.fingerprint, "0" * 64) if signer else None,
    }
    facts.update(changes)
    return ReportFacts(**facts)
