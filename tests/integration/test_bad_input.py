"""What goes wrong at a real desk: each time a sentence with its remedy, the right status, and the verb runs again.

The drive is a 16 MiB FAT image made by mkfs.vfat with an eight-member extract on it.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from worked_example import COMMAND

IMAGES = Path(__file__).parents[1] / "images"
MEMBERS = [
    ("M100001", "Ada", "Marlowe", "1961-02-03", "219099991"),
    ("M100017", "Ben", "Okonski", "1972-11-30", "219099992"),
    ("M100023", "Cleo", "Farquhar", "1955-07-19", "219099993"),
]
HEADER = "member_id,first_name,last_name,dob,ssn\n"


@dataclass(frozen=True)
class Desk:
    """A folder with a drive and records, and the command with a passphrase in its environment."""

    folder: Path
    image: Path
    records: Path

    def run(
        self, *arguments: object, passphrase: str = "a passphrase", **options: object
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "DRIVECUSTODY_PASSPHRASE": passphrase, "DRIVECUSTODY_IDENTITIES": str(self.folder / "ids")}
        return subprocess.run(
            [COMMAND, *map(str, arguments)], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            timeout=300, **options,
        )  # fmt: skip

    def case(self, name: str) -> Path:
        path = self.folder / f"{name}.dcase"
        made = self.run(
            "new", path, "--number", "C-1", "--title", "t", "--organisation", "O", "--entity-type", "business",
            "--examiner", "X",
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        assert self.run("receive", path, "--exhibit", "E-001", "--from", "A", "--to", "B").returncode == 0
        return path


def fat_image(path: Path, size: int, *files: Path) -> Path:
    with path.open("wb") as stream:
        stream.truncate(size)
    subprocess.run(["mkfs.vfat", "-n", "STICK", path], check=True, capture_output=True)
    for file in files:
        subprocess.run(["mcopy", "-i", path, file, f"::/{file.name}"], check=True)
    return path


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    extract, records = tmp_path / "extract.csv", tmp_path / "members.csv"
    lines = [",".join(member) + "\n" for member in MEMBERS]
    extract.write_text(HEADER + "".join(lines))
    records.write_text(HEADER + "".join(lines))
    return Desk(tmp_path, fat_image(tmp_path / "drive.dd", 16 << 20, extract), records)


def test_a_virtual_disk_is_refused_by_name_and_not_read_as_a_drive(desk: Desk) -> None:
    disk = desk.folder / "disk.vdi"
    disk.write_bytes(b"<<< Oracle VM VirtualBox Disk Image >>>\n".ljust(64, b"\x00") + b"\x7f\x10\xda\xbe".ljust(4096))
    done = desk.run("run", desk.folder / "v.dcase", disk, "--records", desk.records)
    assert done.returncode == 3
    assert "VDI" in done.stderr
    assert "qemu-img convert" in done.stderr
    assert not (desk.folder / "v.dcase").exists()


def test_a_missing_segment_is_named(desk: Desk) -> None:
    whole = desk.folder / "whole"
    subprocess.run(
        ["ewfacquire", "-u", "-q", "-t", whole, "-S", "1048576", "-c", "none", desk.image],
        check=True,
        capture_output=True,
    )
    (desk.folder / "whole.E03").unlink()
    case = desk.case("segments")
    done = desk.run("import-image", case, "--exhibit", "E-001", desk.folder / "whole.E01")
    assert done.returncode == 3
    assert "whole.E03" in done.stderr


def test_an_image_whose_stored_hash_is_wrong_is_kept_and_the_difference_recorded(desk: Desk) -> None:
    subprocess.run(
        ["ewfacquire", "-u", "-q", "-t", desk.folder / "odd", "-c", "none", desk.image], check=True, capture_output=True
    )
    image = desk.folder / "odd.E01"
    data = bytearray(image.read_bytes())
    at = data.rfind(b"hash\0")
    # The digest, with the checksum of its section made right again: only the hash itself is wrong.
    data[at + 76] ^= 1
    data[at + 76 + 32 : at + 76 + 36] = zlib.adler32(data[at + 76 : at + 76 + 32]).to_bytes(4, "little")
    digest = data.rfind(b"digest\0")
    if digest > 0:
        data[digest + 76] ^= 1
        data[digest + 76 + 76 : digest + 76 + 80] = zlib.adler32(data[digest + 76 : digest + 76 + 76]).to_bytes(
            4, "little"
        )
    image.write_bytes(data)
    case = desk.case("wrong-hash")
    done = desk.run("import-image", case, "--exhibit", "E-001", image)
    assert done.returncode == 1, done.stderr
    assert "MD5" in done.stderr
    assert (case / "images" / "E-001" / "odd.E01").read_bytes() == bytes(data)
    ledger = case / "custody" / "ledger.jsonl"
    assert any("stored_hashes" in line for line in ledger.read_text().splitlines())
    recorded = ledger.read_text().count("image-differs")
    again = desk.run("verify-image", case)
    assert again.returncode == 1, again.stderr
    assert "stored in it" in again.stderr
    assert ledger.read_text().count("image-differs") > recorded >= 1


def test_an_encrypted_volume_is_not_examined_and_counted(desk: Desk) -> None:
    luks = desk.folder / "luks.dd"
    luks.write_bytes(b"LUKS\xba\xbe\x00\x02" + bytes(4 << 20))
    done = desk.run("run", desk.folder / "luks.dcase", luks, "--records", desk.records, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])["result"]["assessment"]
    assert result["not_examined"]["items"] == 1
    assert result["not_examined"]["bytes"] == luks.stat().st_size
    assert any("encrypted" in reason.lower() for reason in result["not_examined"]["reasons"])
    assert sum(result["tiers"].values()) == 0


def test_an_empty_drive_has_no_persons_and_is_no_failure(desk: Desk) -> None:
    blank = fat_image(desk.folder / "blank.dd", 16 << 20)
    done = desk.run("run", desk.folder / "blank.dcase", blank, "--records", desk.records, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])["result"]["assessment"]
    assert result["tiers"] == {"confirmed": 0, "probable": 0, "possible": 0}
    assert result["not_examined"]["items"] == 0


def test_damaged_and_locked_contents_are_listed_each_with_its_reason(desk: Desk) -> None:
    broken = desk.folder / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04" + bytes(range(256)) * 20)
    locked = next((IMAGES / "documents").rglob("*.xlsx"))
    drive = fat_image(desk.folder / "mixed.dd", 16 << 20, desk.folder / "extract.csv", broken, locked)
    done = desk.run("run", desk.folder / "mixed.dcase", drive, "--records", desk.records, "--json")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines() if '"noted"' in line]
    noted = [event for event in events if event["outcome"] in ("not_examined", "failed")]
    assert {event["locator"].split("/")[-1].lower() for event in noted} == {"broken.xlsx", locked.name.lower()}
    assert all(event["reason"] for event in noted)
    assert json.loads(done.stdout.splitlines()[-1])["result"]["assessment"]["tiers"]["confirmed"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("member_id,plan\nM1,x\n", "--map"),
        (HEADER + "M1,Ada,Marlowe,1961-02-03,\nM1,Ben,Okonski,1972-11-30,\n", "Rows 2 and 3"),
        (HEADER + ",Ada,Marlowe,1961-02-03,\n", "--key"),
        ("nothing but a line\n", "table"),
    ],
    ids=["missing columns", "duplicate keys", "empty key", "no table"],
)
def test_records_that_cannot_be_used_are_refused_with_the_remedy(text: str, said: str, desk: Desk) -> None:
    bad = desk.folder / "bad.csv"
    bad.write_text(text)
    case = desk.case("records")
    done = desk.run("records", "add", case, bad)
    assert done.returncode == 3
    assert said in done.stderr
    assert "Marlowe" not in done.stderr
    assert desk.run("records", "add", case, desk.records).returncode == 0


def test_a_run_with_unusable_records_does_not_begin(desk: Desk) -> None:
    (desk.folder / "bad.csv").write_text("a,b\n1,2\n")
    done = desk.run("run", desk.folder / "r.dcase", desk.image, "--records", desk.folder / "bad.csv")
    assert done.returncode == 3
    assert not (desk.folder / "r.dcase").exists()


def test_verbs_out_of_order_say_what_comes_first(desk: Desk) -> None:
    case = desk.case("order")
    for arguments, first in (
        (["index", case], "acquire"),
        (["match", case], "records add"),
        (["assess", case], "match"),
        (["export", case, "persons", "--out", desk.folder / "p.csv"], "assess"),
        (["package", case, "--out", desk.folder / "p"], "report"),
        (["acquire", case, "--exhibit", "E-009", desk.image], "receive"),
    ):
        done = desk.run(*arguments)
        assert done.returncode == 3, arguments
        assert first in done.stderr, done.stderr


def test_a_device_that_is_not_there_is_the_environments_fault(desk: Desk) -> None:
    case = desk.case("gone")
    assert desk.run("acquire", case, "--exhibit", "E-001", "/dev/no-such-drive").returncode == 4
    assert desk.run("run", desk.folder / "n.dcase", "/dev/no-such-drive", "--records", desk.records).returncode == 4


def test_two_jobs_on_one_case_exclude_each_other(desk: Desk) -> None:
    case = desk.case("two")
    with (case / "case.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = desk.run("acquire", case, "--exhibit", "E-001", desk.image)
    assert done.returncode == 3
    assert "Another job" in done.stderr
    assert desk.run("acquire", case, "--exhibit", "E-001", desk.image).returncode == 0


def test_a_drive_of_odd_size_is_kept_raw(desk: Desk) -> None:
    odd = desk.folder / "odd.dd"
    shutil.copyfile(desk.image, odd)
    with odd.open("ab") as stream:
        stream.write(b"tail")
    done = desk.run("run", desk.folder / "odd.dcase", odd, "--records", desk.records)
    assert done.returncode == 0, done.stderr
    assert (desk.folder / "odd.dcase" / "images" / "E-001" / "E-001.raw").read_bytes() == odd.read_bytes()


@pytest.mark.needs_root
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_stops_with_a_remedy_and_the_run_goes_on_when_there_is_room(desk: Desk) -> None:
    mount = desk.folder / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", mount], check=True)
    try:
        case = mount / "full.dcase"
        first = desk.run("run", case, desk.image, "--records", desk.records)
        assert first.returncode == 4, first.stderr
        assert "room" in first.stderr.lower() or "space" in first.stderr.lower()
        subprocess.run(["mount", "-o", "remount,size=120m", mount], check=True)
        second = desk.run("run", case, desk.image, "--records", desk.records)
        assert second.returncode == 0, second.stderr
        assert desk.run("verify", case).returncode == 0
    finally:
        subprocess.run(["umount", mount], check=True)


@pytest.mark.needs_root
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="loop devices need root")
def test_a_read_only_loop_device_is_run_and_its_protection_said_as_measured(desk: Desk) -> None:
    device = subprocess.run(
        ["losetup", "--read-only", "--find", "--show", desk.image], check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        done = desk.run("run", desk.folder / "loop.dcase", device, "--records", desk.records, "--json")
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])["result"]
    assert result["assessment"]["tiers"]["confirmed"] == 3
    manifest = json.loads((desk.folder / "loop.dcase" / "images" / "E-001" / "acquisition.json").read_text())
    assert manifest["acquisition"]["protection"]["method"] == "read-only device"
    judged = subprocess.run(["md5sum", desk.image], capture_output=True, text=True, check=True).stdout.split()[0]
    assert manifest["acquisition"]["hashes"]["md5"] == judged


def test_an_existing_e01_is_run_as_what_it_is(desk: Desk) -> None:
    subprocess.run(
        ["ewfacquire", "-u", "-q", "-t", desk.folder / "theirs", desk.image], check=True, capture_output=True
    )
    done = desk.run("run", desk.folder / "e01.dcase", desk.folder / "theirs.E01", "--records", desk.records, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["result"]["assessment"]["tiers"]["confirmed"] == 3
    manifest = json.loads((desk.folder / "e01.dcase" / "images" / "E-001" / "acquisition.json").read_text())
    assert manifest["acquisition"]["imported"] is True
    assert manifest["acquisition"]["verified"] is True
