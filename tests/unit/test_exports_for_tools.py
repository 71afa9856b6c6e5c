"""What other tools are given, judged by them: mactime, fiwalk, sha256sum and hashdeep; and sets of known files."""

from __future__ import annotations

import csv
import hashlib
import io
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from forensics.casefile import protection
from forensics.errors import Refused
from forensics.examination import known
from forensics.examination.export import export
from forensics.examination.open_case import OpenCase
from forensics.jobs.events import silent
from forensics.report.bodyfile import BodyEntry, bodyfile
from forensics.report.dfxml import DfxmlFile, DfxmlVolume, dfxml
from tests.unit.searched_drive import FILES, examined_case

NS = "{http://www.forensicswiki.org/wiki/Category:Digital_Forensics_XML}"

ORDER = (
    "filename", "partition", "id", "name_type", "filesize", "unalloc", "alloc", "inode", "mtime", "atime", "crtime",
    "byte_runs", "hashdigest",
)  # fmt: skip
"""The elements of a file in the order that the schema of DFXML 1.1.1 asks for, of those that are written here."""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenCase]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protection, "MEMORY_KIB", 64)
        patched.setattr(protection, "ITERATIONS", 1)
        with examined_case(tmp_path_factory.mktemp("exports")) as opened:
            yield opened


def exported(case: OpenCase, kind: str, folder: Path) -> Path:
    out = folder / kind
    export(case, silent(), kind=kind, out=out)
    return out


def image_of(case: OpenCase) -> Path:
    return next(
        path for path in case.folder.images("E-001").iterdir() if path.suffix in (".img", ".raw", ".dd", ".001")
    )


def test_mactime_reads_every_entry_with_its_times(case: OpenCase, tmp_path: Path) -> None:
    body = exported(case, "bodyfile", tmp_path)
    said = subprocess.run(
        ["mactime", "-b", body, "-d", "-y", "-z", "UTC"], capture_output=True, text=True, check=True
    ).stdout
    rows = list(csv.reader(io.StringIO(said)))[1:]
    theirs = subprocess.run(["fls", "-r", "-m", "/", image_of(case)], capture_output=True, text=True, check=True).stdout
    (tmp_path / "theirs").write_text(theirs)
    judged = subprocess.run(
        ["mactime", "-b", tmp_path / "theirs", "-d", "-y", "-z", "UTC"], capture_output=True, text=True, check=True
    ).stdout
    expected = {
        (row[0], row[2][0:4], row[1], int(row[6])) for row in csv.reader(io.StringIO(judged)) if row[3].startswith("r/")
    }
    assert {(row[0], row[2][0:4], row[1], int(row[6])) for row in rows} == expected
    assert any("(deleted)" in row[7] for row in rows)
    assert {row[7] for row in rows if "members" in row[7]} == {"E-001/vol0/HR/members.csv"}


def test_a_name_cannot_add_a_line_or_field_to_a_bodyfile() -> None:
    hostile = BodyEntry("E-001/vol1/a%0A0%7Cb", True, 5, 1, "", "", "2025-01-02T00:00:00Z", "", "")
    *_, line = bodyfile([hostile])
    told = subprocess.run(["mactime", "-d", "-y", "-z", "UTC"], input=line, capture_output=True, text=True, check=True)
    assert {row[7] for row in list(csv.reader(io.StringIO(told.stdout)))[1:]} == {"E-001/vol1/a%0A0%7Cb (deleted)"}


def test_dfxml_says_what_fiwalk_says_of_every_file(case: OpenCase, tmp_path: Path) -> None:
    ours = ElementTree.parse(exported(case, "dfxml", tmp_path)).getroot()
    told = subprocess.run(["fiwalk", "-f", "-x", image_of(case)], capture_output=True, check=True).stdout
    theirs = ElementTree.fromstring(told)

    told_of = ("filesize", "alloc", "unalloc", "inode", "mtime", "atime", "crtime")

    def files(root: ElementTree.Element) -> set[tuple[str | None, ...]]:
        found = set()
        for f in root.iter(NS + "fileobject"):
            said = {name: f.findtext(NS + name) for name in ("name_type", *told_of)}
            if said["name_type"] == "r" and said["filesize"] != "0" and said["inode"] is not None:
                run = f.find(f"{NS}byte_runs/{NS}byte_run")
                begin = None if run is None else run.get("img_offset")
                found.add((*(said[name] for name in told_of), f.findtext(f"{NS}hashdigest[@type='md5']"), begin))
        return found

    mine = files(ours)
    virtual = {f for f in files(theirs) if f[4] is None}
    assert mine == files(theirs) - virtual
    assert len(mine) == len(FILES)
    names = {f.findtext(NS + "filename") for f in ours.iter(NS + "fileobject")}
    assert names >= {"HR/members.csv", "Payroll/backup.zip!old.zip!inner.txt"}
    for f in ours.iter(NS + "fileobject"):
        found = [child.tag.removeprefix(NS) for child in f]
        assert found == sorted(found, key=ORDER.index), found


def test_a_name_cannot_add_an_element_to_dfxml() -> None:
    volume = DfxmlVolume(1, 0, 1 << 20, 512, 4096, "FAT32")
    hostile = DfxmlFile(
        "E-001/vol1/x", "</filename><alloc>1</alloc>&lt;", True, False, 1, 5, "", "", "", (), "", "", ""
    )
    root = ElementTree.fromstring("\n".join(dfxml("p", "1", "<i>", [(volume, [hostile])])))
    (found,) = root.iter(NS + "filename")
    assert found.text == hostile.path
    assert not list(root.iter(NS + "alloc"))


def test_sha256sum_and_hashdeep_check_the_files_by_our_lists(case: OpenCase, tmp_path: Path) -> None:
    for name, content in FILES.items():
        if name != "gone.txt":
            place = tmp_path / "E-001/vol0" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    sums = exported(case, "sha256sum", tmp_path)
    checked = subprocess.run(
        ["sha256sum", "-c", "--ignore-missing", "--strict", sums], cwd=tmp_path, capture_output=True, text=True
    )
    assert checked.returncode == 0
    assert checked.stdout.count(": OK") == len(FILES) - 1
    audit = subprocess.run(
        ["hashdeep", "-r", "-l", "-a", "-vv", "-k", exported(case, "hashdeep", tmp_path), "E-001"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert "Invalid" not in audit.stdout + audit.stderr
    said = " ".join(audit.stdout.split())
    assert f"Files matched: {len(FILES) - 1}" in said
    assert "New files found: 0" in said


def hashed(name: str, algorithm: str) -> str:
    return hashlib.new(algorithm, FILES[name]).hexdigest()


def nsrl(path: Path, *rows: tuple[str, str, str]) -> Path:
    """A database in the form of RDSv3: capital hex, a row a file."""
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE FILE (sha256 VARCHAR, sha1 VARCHAR, md5 VARCHAR, crc32 VARCHAR, file_name VARCHAR)")
        made.executemany("INSERT INTO FILE VALUES (upper(?), upper(?), upper(?), '0', 'x')", rows)
    made.close()
    return path


def marked(case: OpenCase, name: str) -> set[str]:
    with case.view() as view:
        return {f.locator.removeprefix("E-001/vol0/") for f in view.listing() if name in f.known.split("; ")}


def test_an_nsrl_database_marks_its_files_and_no_others(case: OpenCase, tmp_path: Path) -> None:
    member, other = "HR/members.csv", "f" * 64
    path = nsrl(
        tmp_path / "rds.db",
        (hashed(member, "sha256"), hashed(member, "sha1"), hashed(member, "md5")),
        (other, hashed("HR/letter.txt", "sha1"), hashed("HR/letter.txt", "md5")),
    )
    result = known.add(case, silent(), file=path, name="NSRL")
    assert (result["kind"], result["hashes"], result["files"]) == ("nsrl", 2, 1)
    assert marked(case, "NSRL") == {member}
    event = case.ledger.events()[-1]
    assert event.data["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_lists_of_every_kind_mark_by_the_strongest_digest_they_have(case: OpenCase, tmp_path: Path) -> None:
    letter, member = "HR/letter.txt", "HR/members.csv"
    lists = {
        "sums": f"{hashed(letter, 'sha256')}  some name.txt\n{'0' * 64} *{hashed(member, 'md5')}.txt\n",
        "bsd": f"SHA1 (a b) = {hashed(letter, 'sha1')}\n",
        "bare": f"# ours\n\n{hashed(letter, 'md5').upper()}\r\n",
        "rds2": f'"SHA-1","MD5","CRC32"\n"{hashed(letter, "sha1").upper()}","{hashed(letter, "md5").upper()}","00"\n',
        "deep": f"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## x\n9,{hashed(letter, 'md5')},"
                f"{hashed(letter, 'sha256')},/a,b\n7,{hashed(member, 'md5')},{'0' * 64},/c\n",
    }  # fmt: skip
    for name, content in lists.items():
        path = tmp_path / name
        path.write_text(content)
        assert known.add(case, silent(), file=path)["files"] == 1, name
        assert marked(case, name) == {letter}, name
    assert {one["name"] for one in known.listed(case)["sets"]} >= set(lists)
    known.add(case, silent(), file=tmp_path / "bsd", name="bare")
    assert [one["kind"] for one in known.listed(case)["sets"] if one["name"] == "bare"] == ["list"]
    known.remove(case, silent(), name="bare")
    assert marked(case, "bare") == set()
    with pytest.raises(Refused, match="no set"):
        known.remove(case, silent(), name="bare")


def test_our_own_list_of_hashes_is_a_set_of_known_files(case: OpenCase, tmp_path: Path) -> None:
    result = known.add(case, silent(), file=exported(case, "hashes", tmp_path), name="all")
    assert result["files"] == len(marked(case, "all")) >= len(FILES)
    rows = list(csv.DictReader(io.StringIO(exported(case, "files", tmp_path).read_text("utf-8"))))
    assert all("all" in row["known"].split("; ") for row in rows)


@pytest.mark.parametrize("content", [b"no hash here\n", b"", b"SQLite format 3\0 and then nothing", b"\xff" * 200_000])
def test_what_is_no_set_is_refused_with_what_would_be(case: OpenCase, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        known.add(case, silent(), file=path)
    assert refused.value.remedy
    assert "set" not in {one["name"] for one in known.listed(case)["sets"]}
