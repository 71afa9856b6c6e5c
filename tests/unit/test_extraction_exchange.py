"""The fields of one person stand in one row, whatever segments or objects the file spreads them over."""

from __future__ import annotations

import json

from forensics.extraction.extract import BytesReadable, extract
from forensics.model import OK, Extraction, failed

ISA = "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *200101*1200*^*00501*000000001*0*P*:~"


def extracted(data: bytes, name: bytes = b"") -> Extraction:
    return extract(BytesReadable(data), name)


def rows(extraction: Extraction, step: str) -> list[dict[str, str]]:
    """The rows of the stream by the names of their columns."""
    text = b"".join(piece.data or b"" for piece in extraction.pieces if piece.steps == (step,)).decode()
    lines = [line.split("\t") for line in text.splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def interchange(*segments: str) -> bytes:
    return (
        ISA + "~".join(["GS*BE*S*R*20200101*1200*1*X*005010", *segments, "GE*1*1", "IEA*1*000000001"]) + "~"
    ).encode()


def test_an_enrollment_gives_a_row_a_member_with_all_its_fields() -> None:
    data = interchange(
        "ST*834*0001", "INS*Y*18*030*XN*A", "REF*0F*M000123", "NM1*IL*1*Gonzalez*Maria*L***34*123456789",
        "PER*IP**TE*5550100", "N3*12 Elm St*Apt 4", "N4*Springfield*IL*62701", "DMG*D8*19800203*F", "HD*030**HLT",
        "INS*N*01*030*XN*A", "REF*SY*987654321", "NM1*IL*1*Miller*Jo", "DMG*D8*20110917*M", "SE*10*0001",
    )  # fmt: skip
    extraction = extracted(data, b"enroll.txt")
    assert (extraction.type, extraction.outcome, extraction.notes) == ("x12", OK, ())
    maria, jo = [row for row in rows(extraction, "persons") if row["name"]]
    assert maria == {
        "segment": "4", "name": "Maria L Gonzalez", "id": "M000123", "ssn": "123456789", "birth date": "1980-02-03",
        "sex": "F", "address": "12 Elm St Apt 4", "city": "Springfield", "state": "IL", "postal code": "62701",
        "contact": "5550100", "other": "INS Y 18 030 XN A HD 030  HLT",
    }  # fmt: skip
    assert (jo["name"], jo["ssn"], jo["birth date"]) == ("Jo Miller", "987654321", "2011-09-17")


def test_the_patient_of_a_claim_is_not_mixed_with_its_subscriber_or_provider() -> None:
    data = interchange(
        "ST*837*0001", "HL*2*1*22*1", "NM1*IL*1*Gonzalez*Maria****MI*M000123", "DMG*D8*19800203*F",
        "NM1*PR*2*A PLAN*****PI*99", "N3*1 Insurance Way", "HL*3*2*23*0", "NM1*QC*1*Gonzalez*Ana",
        "DMG*D8*20110917*F", "CLM*A1*100", "NM1*82*1*Doctor*Dee****XX*1234567893", "SE*9*0001",
    )  # fmt: skip
    found = {row["name"]: row for row in rows(extracted(data), "persons") if row["name"]}
    assert set(found) == {"Maria Gonzalez", "Ana Gonzalez", "Dee Doctor"}
    assert found["Maria Gonzalez"]["id"] == "M000123"
    assert found["Maria Gonzalez"]["address"] == ""
    assert "1 Insurance Way" in found["Maria Gonzalez"]["other"]
    assert found["Ana Gonzalez"]["birth date"] == "2011-09-17"
    assert found["Dee Doctor"]["birth date"] == ""


def test_a_remittance_gives_a_row_a_claim_and_nothing_of_the_file_is_left_out() -> None:
    data = interchange(
        "ST*835*0001",
        "CLP*CLAIM9*1*100*80",
        "NM1*QC*1*Gonzalez*Maria****MI*M000123",
        "SVC*HC:99213*100*80",
        "SE*5*0001",
    )
    extraction = extracted(data)
    text = "".join((piece.data or b"").decode() for piece in extraction.pieces)
    for word in ("SENDER", "CLAIM9", "99213", "M000123", "000000001"):
        assert word in text
    (claim,) = [row for row in rows(extraction, "persons") if row["name"]]
    assert claim["id"] == "CLAIM9 M000123"


def test_an_interchange_cut_short_says_so_and_keeps_what_stood_before() -> None:
    whole = interchange("ST*834*0001", "INS*Y*18", "NM1*IL*1*Gonzalez*Maria", "SE*3*0001")
    extraction = extracted(whole[:-20])
    assert extraction.outcome == failed("the interchange ends without its last segment")
    assert any(row["name"] == "Maria Gonzalez" for row in rows(extraction, "persons"))


def test_a_message_of_hl7_gives_a_row_a_person() -> None:
    data = "\r".join(
        [
            "MSH|^~\\&|ADT|HOSP|X|Y|20200101||ADT^A01|1|P|2.5.1",
            "PID|1||MRN77^^^HOSP^MR||Gonzalez^Maria^L||198002031130|F|||12 Elm St^^Springfield^IL^62701||5550100"
            "||||||123456789",
            "NK1|1|Miller^Jo|SPO|9 Oak St^^Springfield",
            "IN1|1|PLAN||||||||||||||Gonzalez^Pat||19790101",
            "OBX|1|TX|NOTE||called smith \\T\\ sons",
            "MSH|^~\\&|ADT|HOSP|X|Y|20200101||ADT^A01|2|P|2.5.1",
            "PID|1||MRN78||Young^Kim||19600101|M",
        ]
    ).encode()
    extraction = extracted(data)
    assert (extraction.type, extraction.outcome) == ("hl7", OK)
    found = {row["name"]: row for row in rows(extraction, "persons")}
    assert set(found) == {"Maria L Gonzalez", "Jo Miller", "Pat Gonzalez", "Kim Young"}
    maria = found["Maria L Gonzalez"]
    assert (maria["id"], maria["ssn"], maria["birth date"]) == ("MRN77", "123456789", "1980-02-03")
    assert (maria["address"], maria["city"], maria["postal code"]) == ("12 Elm St", "Springfield", "62701")
    assert "smith & sons" in maria["other"]
    assert found["Jo Miller"]["address"] == "9 Oak St"
    assert found["Pat Gonzalez"]["birth date"] == "1979-01-01"
    assert found["Kim Young"]["id"] == "MRN78"


PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "http://hl7.org/fhir/sid/us-ssn", "value": "123-45-6789"}],
    "name": [{"family": "Gonz\u00e1lez", "given": ["Maria", "L"]}],
    "birthDate": "1980-02-03",
    "address": [{"city": "Springfield"}, {"city": "Shelbyville"}],
}
OTHER = {"resourceType": "Patient", "name": [{"family": "Young", "given": ["Kim"]}], "birthDate": "1960-01-01"}


def check_patients(found: list[dict[str, str]]) -> None:
    maria, kim = [row for row in found if "1980-02-03" in row.values() or "1960-01-01" in row.values()]
    said = "\t".join(maria.values())
    for word in ("Gonz\u00e1lez", "Maria L", "123-45-6789", "Springfield Shelbyville"):
        assert word in said
    assert "Young" not in said
    assert "Gonz" not in "\t".join(kim.values())


def test_each_resource_of_a_bundle_is_a_row_with_its_escapes_undone() -> None:
    bundle = {"resourceType": "Bundle", "total": 2, "entry": [{"resource": PATIENT}, {"resource": OTHER}]}
    extraction = extracted(json.dumps(bundle).encode())
    assert (extraction.type, extraction.outcome) == ("fhir", OK)
    check_patients(rows(extraction, "records"))


def test_a_bulk_export_of_one_resource_a_line_is_the_same() -> None:
    data = "\n".join(json.dumps(patient) for patient in (PATIENT, OTHER)).encode()
    check_patients(rows(extracted(data, b"Patient.ndjson"), "records"))


def test_objects_of_a_list_are_rows_and_the_children_of_a_member_are_not_the_member() -> None:
    members = [
        {"name": "Maria Gonzalez", "ssn": "123-45-6789", "phones": [{"kind": "home", "number": "555-0100"}],
         "dependents": [{"name": "Ana Gonzalez", "dob": "2011-09-17"}]},
        {"name": "Kim Young", "ssn": "987-65-4321"},
    ]  # fmt: skip
    found = rows(extracted(json.dumps({"count": 2, "members": members}).encode()), "records")
    by_name = {row["name"]: row for row in found if row.get("name")}
    assert set(by_name) == {"Maria Gonzalez", "Ana Gonzalez", "Kim Young"}
    assert by_name["Maria Gonzalez"]["phones.number"] == "555-0100"
    assert by_name["Maria Gonzalez"]["dob"] == ""


def test_what_only_looks_like_json_stays_text_where_it_stands() -> None:
    for data in (b'{"name": "Maria", ', b'["a", 1] and then prose\n', b"[1, 2, 3" + b"[" * 100_000):
        extraction = extracted(data)
        assert extraction.outcome == OK
        assert extraction.pieces[0].data is None


def test_fhir_as_xml_gives_a_row_a_resource() -> None:
    patient = (
        '<resource><Patient><identifier><value value="{}"/></identifier><name><family value="{}"/>'
        '<given value="{}"/></name><birthDate value="{}"/></Patient></resource>'
    )
    entries = [("123-45-6789", "Gonzalez", "Maria", "1980-02-03"), ("987-65-4321", "Young", "Kim", "1960-01-01")]
    body = "".join(f"<entry>{patient.format(*entry)}</entry>" for entry in entries)
    extraction = extracted(f'<Bundle xmlns="http://hl7.org/fhir">{body}</Bundle>'.encode())
    assert (extraction.type, extraction.outcome) == ("fhir xml", OK)
    found = rows(extraction, "records")
    assert [(row["name.given"], row["identifier.value"], row["birthDate"]) for row in found] == [
        ("Maria", "123-45-6789", "1980-02-03"), ("Kim", "987-65-4321", "1960-01-01"),
    ]  # fmt: skip


def test_a_clinical_document_gives_its_patient_and_its_narrative() -> None:
    data = (
        b'<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole>'
        b'<id extension="123-45-6789"/><addr><streetAddressLine>12 Elm St</streetAddressLine>'
        b"<city>Springfield</city></addr>"
        b"<patient><name><given>Maria</given> <family>Gonzalez</family></name>"
        b'<administrativeGenderCode code="F"/><birthTime value="19800203"/>'
        b"<guardian><guardianPerson><name><given>Pat</given></name></guardianPerson></guardian></patient></patientRole>"
        b"</recordTarget><component><section><title>Results</title><text><table><tbody><tr><td>HIV</td><td>negative</td>"
        b"</tr></tbody></table></text></section></component></ClinicalDocument>"
    )
    extraction = extracted(data, b"ccd.xml")
    assert (extraction.type, extraction.outcome, extraction.notes) == ("c-cda", OK, ())
    patient = rows(extraction, "persons")[0]
    assert (patient["id"], patient["birth date"], patient["sex"]) == ("123-45-6789", "1980-02-03", "F")
    assert patient["name"].split()[:2] == ["Maria", "Gonzalez"]
    assert "12 Elm St" in patient["address"]
    assert any(piece.data == b"Results\nHIV\tnegative\n" for piece in extraction.pieces)
