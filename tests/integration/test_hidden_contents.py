"""A drive on which things hide: under a wrong name, in a document, behind a lock, in a partition without a header."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import zipfile
from pathlib import Path

from PIL import Image
from worked_example import drivecustody

from forensics.casefile.views import CaseView
from forensics.cli.sentences import of_index
from forensics.evidence.file_system import RANDOM
from forensics.extraction.closed import RANDOM as RANDOM_BYTES
from forensics.extraction.closed import SOUND

PASSPHRASE = "a passphrase"
NOISE = random.Random(20261129).randbytes(300_000)
MIB = 1 << 20


def picture() -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").save(out, "JPEG")
    return out.getvalue()


def letter() -> bytes:
    word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f"<w:document {word}><w:body><w:p/></w:body></w:document>")
        archive.writestr("word/media/image1.jpeg", picture())
        archive.writestr("customXml/item1.xml", "<form><name>Ada Marlowe</name><ssn>219-09-9991</ssn></form>")
    return out.getvalue()


def drive(folder: Path) -> Path:
    """A FAT16 partition of files, and one of random bytes."""
    path, volume = folder / "drive.dd", folder / "volume"
    with volume.open("wb") as stream:
        stream.truncate(20 * MIB)
    subprocess.run(["mkfs.vfat", "-F", "16", volume], check=True, capture_output=True)
    files = {
        "invoice.pdf": picture(), "letter.docx": letter(), "holiday.hc": NOISE[:200_000],
        "call.mp3": b"ID3\3\0\0\0\0\0\x0f" + NOISE[:5000],
    }  # fmt: skip
    for name, data in files.items():
        (folder / name).write_bytes(data)
        subprocess.run(["mcopy", "-i", volume, folder / name, f"::/{name}"], check=True)
    subprocess.run(["zip", "-q", "-j", "-P", "secret", folder / "locked.zip", folder / "call.mp3"], check=True)
    subprocess.run(["mcopy", "-i", volume, folder / "locked.zip", "::/locked.zip"], check=True)
    with path.open("wb") as stream:
        stream.truncate(32 * MIB)
        stream.seek(MIB)
        stream.write(volume.read_bytes())
        stream.seek(22 * MIB)
        stream.write(NOISE)
    table = "label: dos\nstart=2048,size=40960,type=6\nstart=45056,size=16384,type=83\n"
    subprocess.run(["sfdisk", "-q", path], input=table.encode(), check=True)
    return path


def test_what_hides_is_found_or_listed_from_the_command_to_the_report(tmp_path: Path) -> None:
    case = tmp_path / "hidden.dcase"
    env = {"DRIVECUSTODY_PASSPHRASE": PASSPHRASE, "DRIVECUSTODY_IDENTITIES": str(tmp_path / "ids")}
    drivecustody(
        "new", case, "--number", "1", "--title", "T", "--organisation", "O", "--entity-type", "business",
        "--examiner", "E", env=env,
    )  # fmt: skip
    drivecustody("receive", case, "--exhibit", "E-001", "--from", "A", "--to", "B", env=env)
    drivecustody("import-image", case, "--exhibit", "E-001", drive(tmp_path), env=env)
    said = json.loads(drivecustody("index", case, "--json", env=env).splitlines()[-1])["result"]
    assert (said["misnamed"], said["locked"]) == (1, 1)

    out = tmp_path / "files.csv"
    drivecustody("export", case, "files", "--out", out, env=env)
    rows = {
        row["locator"].rpartition("/")[2]: row
        for row in csv.DictReader(io.StringIO(out.read_text("utf-8"), newline=""))
    }
    assert rows["invoice.pdf"]["notes"].startswith("its name says pdf, its bytes do not")
    assert rows["invoice.pdf"]["clock"] == "local, zone unknown"
    assert rows["invoice.pdf"]["created"]
    assert rows["letter.docx!word%2Fmedia%2Fimage1.jpeg"]["sha256"] == rows["invoice.pdf"]["sha256"]
    assert (rows["holiday.hc"]["outcome"], rows["holiday.hc"]["reason"]) == ("not_examined", RANDOM_BYTES)

    with CaseView.open(case, PASSPHRASE) as view:
        reasons = {item.locator: item.reason for item in view.not_examined()}
        assert reasons["E-001/vol4"] == RANDOM
        assert reasons["E-001/vol2/call.mp3"] == SOUND
        assert view.misnamed() == [("E-001/vol2/invoice.pdf", "its name says pdf, its bytes do not")]
        shares = view.coverage()
        assert sum(share.bytes for share in shares) == 32 * MIB
        assert sum(share.bytes for share in shares if str(share.fate) == "unopened") >= 205_000
        assert view.search_counts('"219-09-9991"').files == 1

    report = tmp_path / "report.pdf"
    drivecustody("report", case, "--out", report, env=env)
    text = subprocess.run(["pdftotext", "-layout", report, "-"], check=True, capture_output=True, text=True).stdout
    assert "Names that say another type than the bytes" in text
    assert "invoice.pdf" in text


def test_index_says_what_to_do_with_what_is_locked_and_misnamed() -> None:
    told = {"program": "", "not_read": 0, "wanted": True}
    result = {
        "entries": 5, "by_status": {"live": 5}, "not_examined": 3, "locked": 2, "misnamed": 1, "implausible": 0,
        "recognition": told,
    }  # fmt: skip
    assert of_index(result) == [
        "5 entries: 5 live.",
        "3 could not be examined; each is listed with its reason.",
        "2 of them are locked: index --passwords-file FILE tries passwords on them.",
        "1 have a name that says another type than their bytes; `export files` says which.",
    ]
    assert len(of_index({**result, "locked": 0, "misnamed": 0})) == 2
