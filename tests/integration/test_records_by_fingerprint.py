"""An organisation that keeps its records: fingerprints of them find the same persons, and hold nothing of anybody."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from labelled.drive import make_drive
from worked_example import drivecustody, text_of

ENV = {"DRIVECUSTODY_PASSPHRASE": "fingerprints"}


def told(*arguments: object, status: int = 0) -> dict[str, object]:
    lines = drivecustody(*arguments, "--json", env=ENV, status=status).splitlines()
    return dict(json.loads(lines[-1])["result"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A labelled drive, its records, their fingerprints, and a case for either way of comparing."""
    here = tmp_path_factory.mktemp("prints")
    make_drive(here, 21, "raw", each=20)
    drivecustody("records", "fingerprint", here / "records.csv", here / "o.fingerprints", "--as-of", "2019-06-30")
    case = here / "plain.dcase"
    details = ["--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "business", "--examiner", "E"]
    drivecustody("new", case, *details, env=ENV)
    drivecustody("receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B", env=ENV)
    drivecustody("acquire", case, "--exhibit", "E-001", here / "drive.img", "--no-verify", env=ENV)
    drivecustody("index", case, env=ENV)
    shutil.copytree(case, here / "prints.dcase")
    return here


def persons(folder: Path, case: str) -> dict[str, dict[str, str]]:
    out = folder / f"{case}.csv"
    drivecustody("export", folder / f"{case}.dcase", "persons", "--all-tiers", "--out", out, env=ENV)
    with out.open(newline="") as stream:
        return {row["record_key"]: row for row in csv.DictReader(stream)}


def test_the_same_persons_in_the_same_tiers_by_the_same_elements(folder: Path) -> None:
    from forensics.matching.fingerprints import FingerprintKey

    drivecustody("records", "add", folder / "plain.dcase", folder / "records.csv", env=ENV)
    drivecustody("match", folder / "plain.dcase", env=ENV)
    whole = told("assess", folder / "plain.dcase")
    case, key_file = folder / "prints.dcase", folder / "o.fingerprints.key"
    drivecustody("records", "add", case, folder / "o.fingerprints", "--key-file", key_file, env=ENV)
    drivecustody("match", case, env=ENV)
    result = told("assess", case)
    key = FingerprintKey.read(key_file)
    known = {key.token(name): row for name, row in persons(folder, "plain").items()}
    found = persons(folder, "prints")
    assert len(known) > 300
    assert found.keys() == known.keys()
    for column in ("tier", "elements", "places", "first_place", "review"):
        assert {k: row[column] for k, row in found.items()} == {k: row[column] for k, row in known.items()}, column
    assert {row["minor"] for row in known.values()} == {"true", "false"}
    assert {row["minor"] for row in found.values()} == {row["deceased"] for row in found.values()} == {""}
    for name in ("source_records", "persons_after_merge", "tiers", "floor", "low", "estimate", "high", "strata"):
        assert result[name] == whole[name], name
    assert whole["minors"]
    assert result["minors"] is None
    assert result["deceased"] is None
    drivecustody("assess", case, env=ENV)
    drivecustody("report", case, "--out", folder / "report.pdf", env=ENV)
    said = " ".join(text_of(folder / "report.pdf").split())
    assert "keyed fingerprints: the values themselves were not supplied" in said
    assert "minors: not measured" in said
    assert "keyed fingerprints of: " in said
    assert "fingerprint →" not in said
    # The ledger says which records, and not whose key.
    assert key.secret.hex() not in (case / "custody" / "ledger.jsonl").read_text()


def test_no_value_of_the_table_is_in_the_file(folder: Path) -> None:
    held = (folder / "o.fingerprints").read_bytes()
    header, _, body = held.split(b"\n", 2)
    with (folder / "records.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) > 1000
    values = {value for row in rows for value in row.values()}
    values |= {"".join(c for c in value if c.isalnum()) for value in values}
    values = {value.lower().encode() for value in values if len(value) > 3}
    # Behind the header stands nothing but words of hexadecimal digits, and no value is one of these words.
    assert re.fullmatch(rb"[0-9a-f \t\n]*", body)
    assert not values & set(body.split())
    assert not values & set(re.findall(rb"[^\s\",:\[\]{}]+", header.lower()))
    for value in sorted(values)[:: len(values) // 300]:
        if len(value) > 6:
            assert value.hex().encode() not in body
    # Nor is the order of the table: the tokens ascend.
    tokens = [line.split(b"\t")[0] for line in body.splitlines()]
    assert tokens == sorted(tokens)
    assert len(tokens) == len(rows)


def test_the_key_is_needed_and_has_to_be_the_right_one(folder: Path) -> None:
    case = folder / "empty.dcase"
    details = ["--number", "2", "--title", "T", "--organisation", "O", "--entity-type", "business", "--examiner", "E"]
    drivecustody("new", case, *details, env=ENV)
    drivecustody("records", "add", case, folder / "o.fingerprints", env=ENV, status=3)
    drivecustody("records", "fingerprint", folder / "records.csv", folder / "other.fingerprints")
    add = "records", "add", case, folder / "o.fingerprints", "--key-file"
    drivecustody(*add, folder / "other.fingerprints.key", env=ENV, status=3)
    drivecustody(*add, folder / "o.fingerprints.key", env=ENV)
    # One way of comparing a case, and one key: everything else would count a person twice.
    drivecustody("records", "add", case, folder / "records.csv", env=ENV, status=3)
    other = folder / "other.fingerprints", "--key-file", folder / "other.fingerprints.key"
    drivecustody("records", "add", case, *other, env=ENV, status=3)


def test_a_second_snapshot_has_the_same_tokens_and_its_own_values(folder: Path) -> None:
    with (folder / "records.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    phone = next(name for name in rows[0] if "phone" in name.lower())
    for row in rows[:7]:
        row[phone] = "860-555-9" + row[phone][-3:].rjust(3, "0")
    with (folder / "later.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows[:-3])
    key = "--key-file", folder / "o.fingerprints.key"
    drivecustody(
        "records", "fingerprint", folder / "later.csv", folder / "later.fingerprints", *key, "--as-of", "2019-09-30"
    )
    case = folder / "two.dcase"
    details = ["--number", "3", "--title", "T", "--organisation", "O", "--entity-type", "business", "--examiner", "E"]
    drivecustody("new", case, *details, env=ENV)
    drivecustody("records", "add", case, folder / "o.fingerprints", *key, env=ENV)
    later = told("records", "add", case, folder / "later.fingerprints", *key)
    assert later["quality"]["against_earlier"] == {"same": len(rows) - 10, "changed": 7, "new": 0}  # type: ignore[index]
