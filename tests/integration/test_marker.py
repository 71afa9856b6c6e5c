"""Two planted people go through every verb; afterwards nothing tells of them that was not asked to.

A list that is meant to hold values (letters in clear, a revealed passport) must hold them, which also shows that the
search sees what there is.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import signal
import subprocess
import threading
import time
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import marker
import psutil
import pytest
from marker import FAMILY, GIVEN, SSN, found_in, needles, opened, places
from reportlab.pdfgen.canvas import Canvas
from worked_example import COMMAND

from forensics.demonstration.fat32 import Fat32Image, Stamps
from tests.unit.local_authority import time_authority

CASE_SECRET, SIGNING_SECRET = "lantern orchard saddle 71", "copper violet harness 34"
WHEN = datetime(2016, 8, 17, 9, 30)
KEY, CHILD = "K-00901", "K-00902"

ROWS = [
    (f"K-{n:05d}", f"Given{chr(65 + n % 26)}", f"Family{chr(65 + n // 26)}{chr(65 + n % 26)}",
     f"19{50 + n}-05-{1 + n % 28:02d}",
     f"51{n % 10}-4{n % 10}-{3000 + n}", f"{n} Elm Street", "Fresno", "CA", f"p{n}@example.org")
    for n in range(1, 45)
] + [
    (KEY, GIVEN, FAMILY, marker.BORN, SSN, marker.STREET, "Fresno", "CA", f"{marker.MAILBOX}@example.org"),
    (CHILD, "Ida", marker.FAMILY_OF_A_CHILD, "2012-02-29", marker.CHILD_SSN, "12 Oak Avenue", "Fresno", "CA", ""),
]  # fmt: skip
NOT_ON_THE_DRIVE = [
    (f"K-{n:05d}", f"Absent{chr(65 + n % 26)}", f"Elsewhere{chr(65 + n % 26)}", f"19{n - 460}-11-{1 + n % 28:02d}",
     f"52{n % 10}-5{n % 10}-{6000 + n}", f"{n} Ash Road", "Reno", "NV", f"q{n}@example.org")
    for n in range(501, 550)
]  # fmt: skip
HEADER = ("record_key", "given_name", "family_name", "birth_date", "ssn", "address", "city", "state", "email")


def table(rows: list[tuple[str, ...]]) -> bytes:
    return "".join(",".join(row) + "\r\n" for row in [HEADER, *rows]).encode()


def make_drive(path: Path) -> None:
    """They stand in a live table, a deleted text, an archive, UTF-16, free clusters and the name of a column."""
    packed = path.with_name("packed.zip")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("backup.csv", table(ROWS[30:]))
    line = f"{GIVEN} {FAMILY}, born 03/14/1961, {marker.SSN.replace('-', '')}, {marker.STREET}\r\n"
    with Fat32Image(path, size=40 << 20, cluster_size=512, label="STICK", serial=7, formatted=WHEN) as drive:
        at = Stamps.at(WHEN)
        drive.directory("Work", at)
        drive.file("Work/list.csv", table(ROWS), at)
        drive.file("Work/note.txt", line.encode("utf-16"), at)
        drive.file("Work/backup.zip", packed.read_bytes(), at)
        drive.delete(drive.file("gone.txt", f"Re: {line}".encode() * 3, at))
        drive.stray(f"left over: {FAMILY}; {SSN}\r\n".encode())
    packed.unlink()


def cores_wanted() -> None:
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


@dataclass
class World:
    """The folders of a person who works on a case, and what was seen while the verbs ran."""

    inputs: Path
    work: Path
    home: Path
    temporary: Path
    wanted: list[marker.Needle]
    said: dict[str, bytes] = field(default_factory=dict)
    leaked: set[str] = field(default_factory=set)
    sampled: int = 0

    @property
    def case(self) -> Path:
        return self.work / "marker.dcase"

    def run(self, *arguments: object, name: str = "", typed: str = "", status: int = 0) -> bytes:
        """One verb in a session of its own, watched; what it said is kept under its name."""
        words = [str(each) for each in arguments]
        if words[0] not in ("verify", "identity", "selftest"):
            words += ["--passphrase-file", str(self.inputs / "case")]
        if "--sign" in words or words[0] == "identity":
            words += ["--identity-passphrase-file", str(self.inputs / "signing")]
        environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.temporary),
            "DRIVECUSTODY_STATE": str(self.home / "state"), "DRIVECUSTODY_IDENTITIES": str(self.home / "identities"),
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""), "LANG": "C.UTF-8",
        }  # fmt: skip
        child = subprocess.Popen(
            [COMMAND, *words], cwd=self.work, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=cores_wanted,
        )  # fmt: skip
        watcher = threading.Thread(target=self._watch, args=(child,))
        watcher.start()
        out, err = child.communicate(typed.encode(), timeout=300)
        watcher.join()
        assert child.returncode == status, (words, err.decode()[-1500:])
        self.said[name or " ".join(words[:1] + words[2:3])] = out + b"\0" + err
        return out

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        while child.poll() is None:
            for process in [child.pid, *_children(child.pid)]:
                for part in ("cmdline", "environ"):
                    try:
                        seen = found_in(Path(f"/proc/{process}/{part}").read_bytes(), self.wanted)
                    except OSError:
                        continue
                    self.sampled += 1
                    self.leaked.update(f"{part}: {each}" for each in seen)
            for folder, _, names in os.walk(self.temporary):
                for name in names:
                    try:
                        data = Path(folder, name).read_bytes()
                    except OSError:
                        continue
                    self.leaked.update(f"{name}: {each}" for each in found_in(data, self.wanted))
            time.sleep(0.05)


def _children(pid: int) -> list[int]:
    try:
        return [each.pid for each in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def openssl(*arguments: object) -> bytes:
    return subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Everything that the command can write about the planted people, written once."""
    folder = tmp_path_factory.mktemp("marker")
    inputs, work, home, temporary = (folder / name for name in ("inputs", "work", "home", "temporary"))
    for path in (inputs, work, home, temporary):
        path.mkdir()
    made = World(inputs, work, home, temporary, needles(CASE_SECRET, SIGNING_SECRET))
    (inputs / "case").write_text(f"{CASE_SECRET}\n")
    (inputs / "signing").write_text(f"{SIGNING_SECRET}\n")
    (inputs / "records.csv").write_bytes(table(ROWS + NOT_ON_THE_DRIVE))
    make_drive(inputs / "drive.img")
    (inputs / "words.txt").write_text("Twelve years at the bench.\n")
    pixel = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", bytes.fromhex("00000001000000010802000000"))
    (inputs / "seal.png").write_bytes(pixel + _chunk(b"IDAT", zlib.compress(b"\0\xff\0\0")) + _chunk(b"IEND", b""))
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", inputs / "key.pem", "-out", inputs / "cert.pem",
        "-subj", "/CN=Counsel",
    )  # fmt: skip
    with time_authority(folder / "authority") as authority:
        _everything(made, authority.url)
    return made


def _chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def _everything(world: World, authority: str) -> None:
    case, inputs, work, run = world.case, world.inputs, world.work, world.run
    run("identity", "create-authority", "--organisation", "Plan")
    run("identity", "create", "Kim Okafor")
    run("identity", "create", "Lee Ferris")
    run("new", case, "--number", "1", "--title", "Stick", "--organisation", "Plan", "--entity-type",
        "hipaa_covered_entity", "--examiner", "Kim Okafor", "--first-known", "2016-08-17", "--json")  # fmt: skip
    run("receive", case, "--exhibit", "E-001", "--from", "Courier", "--to", "Kim Okafor", "--photo",
        inputs / "seal.png", "--json")  # fmt: skip
    run("acquire", case, "--exhibit", "E-001", inputs / "drive.img", "--json")
    run("index", case, "--json")
    run("records", "add", case, inputs / "records.csv", "--json", name="records add")
    run("records", "list", case, name="records list")
    run("match", case, "--fuzzy", "--json")
    run("assess", case, "--json")
    run("review", case, "list", "--json")
    run("review", case, "decide", KEY, "--include", "--reason", "seen")
    run("review", case, "decide", *(row[0] for row in ROWS if row[0] != KEY), "--include", "--reason", "the rest",
        name="review decide all")  # fmt: skip
    run("review", case, "sample", "draw", "--size", "30", "--json", name="sample draw")
    run("review", case, "sample", "list", "--json", name="sample list")
    for kind, query in (("number", SSN), ("name", f"{GIVEN} {FAMILY}")):
        run("search", case, "-", "--json", typed=query + "\n", name=f"search {kind}")
        run("search", case, "-", typed=query + "\n", name=f"search {kind} for people")
    run("search", case, "-", "--reveal", "--reason", "to see", "--json", typed=FAMILY + "\n", name="search revealed")
    run("passport", case, KEY, "--json")
    run("passport", case, KEY, "--out", work / "passport.pdf", name="passport written")
    run("passport", case, KEY, "--reveal", "--reason", "to see", "--json", name="passport revealed")
    run("duties", case, "--json")
    run("report", case, "--out", work / "draft.pdf", "--counsel", work / "counsel.pdf", "--json", name="report draft")
    run("report", case, "--statement", "all", "--employer", "Plan", "--qualifications", inputs / "words.txt",
        name="statements")  # fmt: skip
    run("report", case, "--out", work / "report.pdf", "--sign", "Kim Okafor", "--timestamp", authority, "--json",
        name="report signed")  # fmt: skip
    for kind in ("persons", "findings", "files", "hashes", "bodyfile", "dfxml", "case-uco", "hashdeep", "sha256sum"):
        run("export", case, kind, "--out", work / f"export.{kind}", "--json", name=f"export {kind}")
    run("export", case, "notification", "--plain", "--out", work / "letters.csv", name="letters in clear")
    for kind in ("notification", "duties", "differences"):
        run("export", case, kind, "--to-certificate", inputs / "cert.pem", "--out", work / f"{kind}.p7m", "--json",
            name=f"export {kind} sealed")  # fmt: skip
        run("export", case, kind, "--zip", "--out", work / f"{kind}.zip", name=f"export {kind} zipped")
    run("custody", case, "transfer", "--exhibit", "E-001", "--from", "Kim Okafor", "--to", "Lee Ferris", "--sign",
        "Kim Okafor", "--countersign", "Lee Ferris", "--countersign-passphrase-file", inputs / "signing")  # fmt: skip
    run("custody", case, "receipt", "--out", work / "receipt", name="receipt")
    run("custody", case, "form", "--exhibit", "E-001", "--out", work / "form.pdf", name="form")
    run("package", case, "--out", work / "package.zip", "--sign", "Kim Okafor", "--timestamp", authority,
        "--to-certificate", inputs / "cert.pem", "--json")  # fmt: skip
    run("package", case, "--out", work / "bag", "--zip", name="package under a passphrase")
    run("verify", case, "--json")
    run("verify", work / "package.zip", "--json", name="verify package")
    run("custody", case, "list", "--json", name="custody list")


IN_CLEAR = ("letters.csv",)
SHOWN = ("search revealed", "passport revealed")
"""What was revealed, for a reason that the ledger has."""

TYPED = {"search number": ("417",), "search name": (FAMILY,)}
"""Of a masked search, what was typed is shown where it was found, and nothing beside it."""


def test_the_work_folder_holds_no_value_but_in_the_list_that_was_asked_for_in_clear(world: World) -> None:
    """Case folder, ledger, database, PDFs and their streams, packages and their members, exports; not the image."""
    assert places(world.work, world.wanted, (*IN_CLEAR, "marker.dcase/images/E-001/E-001.E01")) == []
    assert list((world.case / "scratch").iterdir()) == []
    assert [seen for _, seen in places(world.work, world.wanted) if any(FAMILY in each for each in seen)]


def test_the_list_in_clear_holds_names_and_no_number(world: World) -> None:
    rows = list(csv.DictReader((world.work / "letters.csv").read_text("utf-8").splitlines()))
    assert {row["family_name"] for row in rows} >= {FAMILY, marker.FAMILY_OF_A_CHILD}
    data = (world.work / "letters.csv").read_bytes()
    assert [name for name in found_in(data, world.wanted) if re.search(r"\d{3}.?\d{2}.?\d{4}|1961", name)] == []


def test_home_and_temporary_folders_hold_no_value_and_no_secret(world: World) -> None:
    assert places(world.home, world.wanted) == []
    assert places(world.temporary, world.wanted) == []
    assert list(world.temporary.iterdir()) == []


def test_no_verb_says_a_value_but_where_it_was_to_be_revealed(world: World) -> None:
    assert len(world.said) > 45
    for name, said in world.said.items():
        typed = TYPED.get(name.removesuffix(" for people"), ())
        seen = (
            [each for each in found_in(said, world.wanted) if not each.startswith(typed)]
            if typed
            else found_in(said, world.wanted)
        )
        assert bool(seen) == (name in SHOWN), (name, seen)


def test_no_process_was_given_a_value_or_a_secret(world: World) -> None:
    assert world.sampled > 1_000
    assert world.leaked == set()


def test_nobody_left_a_core(world: World) -> None:
    assert [path for path in world.work.iterdir() if path.name.startswith("core")] == []


def test_the_image_holds_them_and_they_were_found(world: World) -> None:
    assert found_in((world.inputs / "drive.img").read_bytes(), needles())
    persons = {
        row["record_key"]: row
        for row in csv.DictReader((world.work / "export.persons").read_text("utf-8").splitlines())
    }
    assert persons[KEY]["tier"] == "confirmed"
    assert int(persons[KEY]["deleted"]) + int(persons[KEY]["unallocated"]) > 0
    result = json.loads(world.said["search name"].partition(b"\0")[0].splitlines()[-1])
    assert result["result"]["hits"]


def test_encrypted_lists_open_with_key_and_passphrase_alone_and_hold_them(world: World, tmp_path: Path) -> None:
    work = world.work
    for sealed in (work / "notification.p7m", _member(work / "package.zip", "persons.csv.p7m", tmp_path)):
        opened_list = openssl("cms", "-decrypt", "-inform", "DER", "-in", sealed, "-inkey", world.inputs / "key.pem")
        assert KEY.encode() in opened_list
    passphrase = (work / "notification.zip.passphrase").read_text().strip()
    assert (work / "notification.zip.passphrase").stat().st_mode & 0o77 == 0
    told = extracted(work / "notification.zip", passphrase)
    assert FAMILY.encode() in told
    assert SSN.encode() not in told
    passphrase = (work / "bag.passphrase").read_text().strip()
    bag = work / "bag" / "data" / "exposure" / "persons.csv.zip"
    assert KEY.encode() in extracted(bag, passphrase)
    assert extracted(bag, "another") == b""
    listed = subprocess.run(["7z", "l", "-slt", bag], capture_output=True, text=True, check=True).stdout
    assert "Method = AES-256 Deflate" in listed


def _member(bag: Path, name: str, folder: Path) -> Path:
    with zipfile.ZipFile(bag) as packed:
        inside = next(each for each in packed.namelist() if each.endswith(name))
        (folder / name).write_bytes(packed.read(inside))
    return folder / name


def extracted(archive: Path, passphrase: str) -> bytes:
    """What 7-Zip takes out of it with this passphrase; nothing where it does not open."""
    done = subprocess.run(["7z", "x", "-so", f"-p{passphrase}", archive], capture_output=True)
    return done.stdout if done.returncode == 0 else b""


# ---------------------------------------------------------------------------------------------- the search itself


@pytest.mark.parametrize("form", [SSN, SSN.replace("-", ""), f"{GIVEN} {FAMILY}", FAMILY.upper(), marker.BORN])
@pytest.mark.parametrize("encoding", ["ascii", "utf-16-le", "utf-16-be"])
def test_a_planted_value_is_found_in_a_file_an_archive_and_a_pdf(form: str, encoding: str, tmp_path: Path) -> None:
    data = b"left " + form.encode(encoding) + b" here"
    (tmp_path / "plain").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "bag.zip", "w", zipfile.ZIP_DEFLATED) as outer:
        outer.writestr("inner", data)
    stream = zlib.compress(data)
    pdf = b"\n1 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\n" % (len(stream), stream)
    assert [place for place, part in opened("x.pdf", _pdf(pdf)) if found_in(part, needles())]
    found = {place for place, _ in places(tmp_path, needles())}
    assert found == {"plain", "bag.zip!inner"}


def _pdf(more: bytes) -> bytes:
    """So much of a PDF that pdftotext reads it: one page without a word on it, and more behind it."""
    stream = io.BytesIO()
    canvas = Canvas(stream)
    canvas.showPage()
    canvas.save()
    return stream.getvalue() + more


def test_a_value_in_the_environment_or_on_a_command_line_is_seen(tmp_path: Path) -> None:
    world = World(tmp_path, tmp_path, tmp_path, tmp_path / "t", needles(CASE_SECRET))
    child = subprocess.Popen(["sleep", "5"], env={"LEAK": f"x {SSN}", "PATH": os.environ["PATH"]})
    spoken = subprocess.Popen(["sh", "-c", f"sleep 5; : {CASE_SECRET}"])
    for one in (child, spoken):
        watcher = threading.Thread(target=world._watch, args=(one,))
        watcher.start()
        time.sleep(0.3)
        one.send_signal(signal.SIGKILL)
        one.wait()
        watcher.join()
    assert {each.partition(":")[0] for each in world.leaked} == {"environ", "cmdline"}
