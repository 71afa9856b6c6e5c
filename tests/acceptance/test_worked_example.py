"""The worked example against its truth: who was found, how sure, which elements, and that the report adds up."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from worked_example import Example, drivecustody, text_of

from forensics.model import Exposure, Tier


@pytest.fixture(scope="module")
def persons(example: Example) -> dict[str, Exposure]:
    with example.view() as view:
        return {person.record_key: person for person in view.all_persons(tuple(Tier))}


def test_nearly_all_identifiable_persons_are_found_and_most_are_confirmed(
    example: Example, persons: dict[str, Exposure]
) -> None:
    wanted = set(example.truth.identifiable)
    sure = {key for key, person in persons.items() if person.tier is not Tier.POSSIBLE}
    confirmed = {key for key, person in persons.items() if person.tier is Tier.CONFIRMED}
    assert len(wanted) == 1400
    assert len(sure & wanted) >= 0.98 * len(wanted)
    assert len(confirmed & wanted) >= 0.8 * len(wanted)


def test_nobody_is_confirmed_who_is_not_on_the_drive(example: Example, persons: dict[str, Exposure]) -> None:
    exposed = set(example.truth.elements)
    confirmed = {key for key, person in persons.items() if person.tier is Tier.CONFIRMED}
    probable = {key for key, person in persons.items() if person.tier is Tier.PROBABLE}
    assert confirmed - exposed == set()
    assert len(probable - exposed) <= 0.05 * len(probable)
    assert not example.truth.namesakes & confirmed
    assert not example.truth.only_in["names_only"] & (confirmed | probable)


@pytest.mark.parametrize(
    "layout", ["csv", "xlsx", "zip", "nested_zip", "report", "letter", "pdf", "deleted", "unallocated", "slack"]
)
def test_each_layout_gives_up_its_persons(layout: str, example: Example, persons: dict[str, Exposure]) -> None:
    wanted = example.truth.layouts[layout] & example.truth.identifiable
    found = {key for key in wanted if key in persons and persons[key].tier is not Tier.POSSIBLE}
    assert wanted
    assert len(found) >= 0.95 * len(wanted)


def test_the_elements_of_a_person_are_those_that_stand_on_the_drive(
    example: Example, persons: dict[str, Exposure]
) -> None:
    sure = [key for key in example.truth.identifiable if key in persons and persons[key].tier is not Tier.POSSIBLE]
    same = set().union(*example.truth.same_person)
    right = sum(frozenset(persons[key].elements) == example.truth.elements[key] for key in sure if key not in same)
    assert right >= 0.99 * sum(key not in same for key in sure)


def test_where_somebody_stands_is_said_as_it_is(example: Example, persons: dict[str, Exposure]) -> None:
    only = example.truth.only_in
    for layout, region in (("deleted", "deleted"), ("unallocated", "unallocated"), ("slack", "unallocated")):
        for key in only[layout] & persons.keys():
            person = persons[key]
            assert getattr(person, region) == person.places, (layout, person.first_place)
    for key in only["nested_zip"] & persons.keys():
        assert persons[key].archived == persons[key].places


def test_only_the_locked_archive_is_not_examined(example: Example) -> None:
    """Beside photographs, and those only where nothing reads them."""
    with example.view() as view:
        left = view.not_examined()
    unread = [item.locator for item in left if item.reason == "image, no text examined"]
    assert [(item.locator.split("/")[-1], item.reason) for item in left if item.locator not in unread] == [
        ("members_full_extract.zip", "password protected")
    ]
    assert all(locator.endswith(".JPG") for locator in unread)
    assert bool(unread) is (shutil.which("tesseract") is None)


def test_every_file_has_the_hash_that_sha256sum_gives_it(example: Example, tmp_path: Path) -> None:
    example.run("export", example.case, "hashes", "--out", tmp_path / "hashes.csv")
    with (tmp_path / "hashes.csv").open(newline="") as stream:
        rows = {row["locator"]: row for row in csv.DictReader(stream)}
    offset = 2048 * 512
    for name in ("Work/Enrollment/members_export.csv", "Work/Finance/claims_2016.csv", "Photos/IMG_0001.JPG"):
        content = subprocess.run(
            ["mtype", "-i", f"{example.image}@@{offset}", f"::/{name}"], capture_output=True, check=True
        ).stdout
        judged = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True).stdout.split()[0]
        assert rows[f"E-001/vol2/{name}"]["sha256"] == judged.decode()


def test_ewfverify_accepts_the_image_and_it_is_the_drive(example: Example) -> None:
    image = next((example.case / "images" / "E-001").glob("*.E01"))
    said = subprocess.run(["ewfverify", "-q", image], capture_output=True, text=True)
    assert "ewfverify: SUCCESS" in said.stdout
    source = subprocess.run(["md5sum", example.image], capture_output=True, text=True, check=True).stdout.split()[0]
    info = subprocess.run(["ewfinfo", image], capture_output=True, text=True, check=True).stdout
    assert re.search(r"MD5:\s+(\w+)", info)[1] == source  # type: ignore[index]
    with example.view() as view:
        assert view.acquisitions()[0].hashes["md5"] == source


# ------------------------------------------------------------------------------------------------------------ report


def _number(text: str, label: str) -> int:
    found = re.search(rf"^\s*{re.escape(label)}\s+([\d,]+)\s*$", text, re.MULTILINE)
    assert found, f"the report has no line {label!r} with one number"
    return int(found[1].replace(",", ""))


def _row(text: str, label: str) -> list[int]:
    """The numbers of the first table row that starts with the label and has at least three of them."""
    for line in text.splitlines():
        if line.strip().startswith(label):
            numbers = [int(n.replace(",", "")) for n in re.findall(r"(?<![\w.])\d[\d,]*(?![\w.%])", line)]
            if len(numbers) >= 3:
                return numbers
    raise AssertionError(f"the report has no row {label!r}")


def test_the_sums_in_the_report_add_up_and_are_those_of_the_case(
    example: Example, persons: dict[str, Exposure]
) -> None:
    text = text_of(example.report)
    tiers = Counter(person.tier for person in persons.values())
    by_tier = [_number(text, label) for label in ("Confirmed", "Probable", "Possible")]
    assert by_tier == [tiers[Tier.CONFIRMED], tiers[Tier.PROBABLE], tiers[Tier.POSSIBLE]]
    assert _number(text, "All tiers") == sum(by_tier) == len(persons)
    assert _number(text, "Source records supplied") == 20_000
    for label, element in (("Name", "name"), ("Social Security number", "ssn"), ("Member id", "member_id")):
        row = _row(text, label)
        real = [sum(element in p.elements for p in persons.values() if p.tier is tier) for tier in Tier]
        assert row[:4] == [*real, sum(real)]
    assert _number(text, "Minors") == sum(p.minor for p in persons.values() if p.tier is not Tier.POSSIBLE)
    with example.view() as view:
        told = view.assessment()
    assert told is not None
    ends = [_number(text, label) for label in ("Floor", "Interval, low", "Estimate", "Interval, high", "Ceiling")]
    assert ends == sorted(ends) == [told[name] for name in ("floor", "low", "estimate", "high", "ceiling")]


def test_the_interval_holds_the_truth(example: Example, persons: dict[str, Exposure]) -> None:
    with example.view() as view:
        told = view.assessment()
    assert told is not None
    really = sum(key in example.truth.elements for key in persons)
    assert told["low"] <= really <= told["high"]
    assert "measured by decoys" in told["estimate_status"]


def test_no_value_of_anybody_stands_in_the_report(example: Example) -> None:
    text = text_of(example.report).replace("\n", " ")
    with example.records.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["MEMBER_ID"] in example.truth.identifiable]
    for row in rows:
        for value in (row["MEMBER_ID"], row["SSN"], f"{row['FIRST_NAME']} {row['LAST_NAME']}", row["EMAIL"]):
            assert not value or value not in text


def test_pdfsig_and_openssl_accept_the_signature(example: Example, tmp_path: Path) -> None:
    said = subprocess.run(["pdfsig", example.report], capture_output=True, text=True).stdout
    assert "Signature is Valid." in said
    assert "Total document signed" in said
    pdf = example.report.read_bytes()
    a, b, c, d = map(int, re.search(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", pdf).groups())  # type: ignore[union-attr]
    (tmp_path / "content").write_bytes(pdf[a : a + b] + pdf[c : c + d])
    container = bytes.fromhex(pdf[a + b : c].strip(b"<>").decode())
    (tmp_path / "cms").write_bytes(container)
    with zipfile.ZipFile(example.package) as bag:
        name = next(name for name in bag.namelist() if name.endswith("package-issuers.pem"))
        (tmp_path / "root.pem").write_bytes(bag.read(name))
    done = subprocess.run(
        ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", tmp_path / "cms", "-content",
         tmp_path / "content", "-CAfile", tmp_path / "root.pem", "-purpose", "any", "-out", "/dev/null"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_pages_are_whole_and_fonts_are_embedded(example: Example) -> None:
    assert subprocess.run(["qpdf", "--check", example.report], capture_output=True).returncode in (0, 3)
    fonts = subprocess.run(["pdffonts", example.report], capture_output=True, text=True, check=True).stdout
    assert [line for line in fonts.splitlines()[2:] if " yes " not in line] == []


def test_running_the_example_again_changes_nothing_in_it(example: Example, tmp_path: Path) -> None:
    before = sorted(path.name for path in example.case.rglob("*") if path.is_file() and "db-" not in path.name)
    drivecustody("demo", example.folder, "--no-window")
    after = sorted(path.name for path in example.case.rglob("*") if path.is_file() and "db-" not in path.name)
    assert after == before
