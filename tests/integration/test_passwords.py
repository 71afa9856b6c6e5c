"""A list of passwords opens what is locked on a drive, and stands nowhere but in the encrypted case."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pytest
import pyzipper
from worked_example import COMMAND, drivecustody

from forensics.casefile.passwords import remembered
from forensics.examination.open_case import OpenCase

DOCUMENTS = Path(__file__).parents[1] / "images" / "documents"
SECRET = {"DRIVECUSTODY_PASSPHRASE": "passwords"}
OFFICE, ZIPPED = "Password1234_", "rosebud 42"


def locked_zip() -> bytes:
    out = io.BytesIO()
    with pyzipper.AESZipFile(out, "w") as archive:
        archive.writestr("plain.txt", "nothing to hide")
        archive.setencryption(pyzipper.WZ_AES)
        archive.setpassword(ZIPPED.encode())
        archive.writestr("members.csv", "name,ssn\nMaria Gonzalez,123-45-6789\n")
    return out.getvalue()


@pytest.fixture
def case(tmp_path: Path) -> Path:
    image, archive = tmp_path / "drive.img", tmp_path / "members.zip"
    archive.write_bytes(locked_zip())
    image.write_bytes(bytes(8 << 20))
    subprocess.run(["mkfs.vfat", image], check=True, capture_output=True)
    subprocess.run(["mcopy", "-i", image, archive, DOCUMENTS / "example_password.xlsx", "::"], check=True)
    path = tmp_path / "c.dcase"
    drivecustody(
        "new", path, "--number", "1", "--title", "t", "--organisation", "O", "--entity-type", "business",
        "--examiner", "X", env=SECRET,
    )  # fmt: skip
    drivecustody("receive", path, "--exhibit", "E-001", "--from", "A", "--to", "B", env=SECRET)
    drivecustody("acquire", path, "--exhibit", "E-001", image, "--format", "raw", env=SECRET)
    drivecustody("index", path, env=SECRET)
    return path


def outcomes(case: Path) -> dict[str, tuple[str, str, str]]:
    with OpenCase.unlock(case, SECRET["DRIVECUSTODY_PASSPHRASE"]) as opened, opened.view() as view:
        return {row.locator.partition("vol")[2]: (row.type, row.outcome, row.reason) for row in view.all_files()}


def test_a_list_given_later_opens_what_was_locked_and_no_word_of_it_leaves_the_case(case: Path, tmp_path: Path) -> None:
    before = outcomes(case)
    assert ("not_examined", "password protected") in {(kind, why) for _, kind, why in before.values()}
    words = tmp_path / "words.txt"
    words.write_text(f"wrong\n{OFFICE}\n{ZIPPED}\n")
    said = drivecustody("index", case, "--passwords-file", words, "--json", env=SECRET)
    after = outcomes(case)
    (member,) = [name for name in after if name.endswith("members.zip!members.csv")]
    assert after[member][:2] == ("csv", "ok")
    (workbook,) = [name for name in after if name.endswith("example_password.xlsx!decrypted")]
    assert after[workbook][:2] == ("xlsx", "ok")
    assert "password protected" not in {why for _, _, why in after.values()}
    with OpenCase.unlock(case, SECRET["DRIVECUSTODY_PASSPHRASE"]) as opened:
        assert remembered(opened.store) == ("wrong", OFFICE, ZIPPED)
    for secret in (OFFICE, ZIPPED):
        assert secret not in said
        for path in (path for path in case.rglob("*") if path.is_file()):
            assert secret.encode() not in path.read_bytes()
    words.unlink()
    again = drivecustody("index", case, "--json", env=SECRET)
    assert outcomes(case) == after
    assert '"passwords_tried": 3' in again


def test_an_empty_list_is_refused_with_its_remedy(case: Path, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("\n")
    drivecustody("index", case, "--passwords-file", tmp_path / "words.txt", env=SECRET, status=3)


def test_a_list_on_standard_input_is_taken_up_to_an_empty_line_and_the_end_behind_it_stops(case: Path) -> None:
    passphrase = SECRET["DRIVECUSTODY_PASSPHRASE"]
    command = [COMMAND, "index", str(case), "--passwords-file", "-", "--json", "--control", "stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin
        assert child.stdout
        child.stdin.write(f"{passphrase}\nwrong\n{OFFICE}\n{ZIPPED}\n\n")
        child.stdin.flush()
        said = child.stdout.read()
    assert child.returncode == 0
    assert '"passwords_tried": 3' in said
    assert not [why for _, _, why in outcomes(case).values() if why == "password protected"]
