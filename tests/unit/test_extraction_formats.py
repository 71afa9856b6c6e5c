"""Formats of tables, archives and mail beside the common ones: what they hold comes out, and what cannot is named."""

from __future__ import annotations

import csv
import io
import struct
import subprocess
from datetime import date
from pathlib import Path

import py7zr
import pytest
import pyzipper
import xlsxwriter
import zstandard
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from forensics.extraction import compound, outlook
from forensics.extraction.archives import EXPANDS
from forensics.extraction.extract import BytesReadable, extract
from forensics.extraction.locked import LOCKED, OPENED, OPENS_ALONE
from forensics.extraction.rar import PACKED
from forensics.model import OK, Child, Extraction, Outcome, not_examined

FILES = Path(__file__).parents[1] / "images" / "documents"


def extracted(data: bytes, name: bytes = b"", passwords: tuple[str, ...] = ()) -> Extraction:
    return extract(BytesReadable(data), name, passwords)


def outcome_of(child: Child) -> Outcome:
    return child.outcome


@pytest.mark.parametrize("extension", ["sas7bdat", "xpt", "sav", "zsav", "por", "dta"])
def test_files_of_statistics_programs_say_what_their_csv_says(extension: str) -> None:
    extraction = extracted((FILES / f"sample.{extension}").read_bytes())
    assert extraction.outcome == OK
    (piece,) = extraction.pieces
    got = [line.split("\t") for line in (piece.data or b"").decode().splitlines()]
    with (FILES / "sample.csv").open(encoding="utf-8-sig", newline="") as stream:
        expected = list(csv.reader(stream))
    assert [name.lower() for name in got[0]] == expected[0]
    for mine, theirs in zip(got[1:], expected[1:], strict=True):
        # The CSV writes midnight and microseconds out.
        said = [value.replace("T", " ").removesuffix(".000000").removesuffix(" 00:00:00") for value in theirs]
        said[-1] = said[-1].zfill(len("00:00:00")) if said[-1] else ""
        assert mine == said


def test_tables_of_an_access_database_come_out_with_their_names() -> None:
    extraction = extracted((FILES / "common1V2010.accdb").read_bytes())
    assert (extraction.type, extraction.outcome) == ("access", OK)
    (table,) = [piece for piece in extraction.pieces if piece.steps == ("Table1",)]
    assert "abcdefg\thijklmnop" in (table.data or b"").decode()


@pytest.mark.parametrize(("method", "kind"), [("-z", "MSZIP"), ("-n", "stored")])
def test_a_cabinet_of_another_program_gives_its_files(tmp_path: Path, method: str, kind: str) -> None:
    text = b"".join(b"Maria Gonzalez,123-45-%04d\n" % n for n in range(5000))
    (tmp_path / "members.csv").write_bytes(text)
    try:
        subprocess.run(["gcab", "-c", method, "a.cab", "members.csv"], cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("gcab is not installed")
    extraction = extracted((tmp_path / "a.cab").read_bytes())
    assert (extraction.type, extraction.outcome) == ("cab", OK), kind
    assert extraction.children == (Child(b"members.csv", text),)


def test_a_cabinet_with_lzx_lists_its_files_with_the_reason() -> None:
    name = b"folder\\a.txt\0"
    files_at, data_at = 44, 60 + len(name)
    head = struct.pack("<4s5I2B5H", b"MSCF", 0, data_at, 0, files_at, 0, 3, 1, 1, 1, 0, 0, 0)
    data = head + struct.pack("<IHH", data_at, 1, 0x1503) + struct.pack("<II4H", 5, 0, 0, 0, 0, 0) + name
    (child,) = extracted(data + bytes(8)).children
    assert child == Child(b"folder/a.txt", b"", not_examined("LZX compression: no reader in this version"))


def rar5(method: int, data: bytes, *, locked: bool = False) -> bytes:
    def vint(value: int) -> bytes:
        return bytes([value & 0x7F | 0x80]) + vint(value >> 7) if value > 0x7F else bytes([value])

    def header(body: bytes) -> bytes:
        return bytes(4) + vint(len(body)) + body

    extra = b"\x02\x01\x00" if locked else b""
    about = vint(0) + vint(len(data)) + vint(0) + vint(method << 7) + vint(0) + vint(5) + b"a.txt" + extra
    file = vint(2) + vint(3 if extra else 2) + (vint(len(extra)) if extra else b"") + vint(len(data)) + about
    return (
        b"Rar!\x1a\x07\x01\0"
        + header(vint(1) + vint(0) + vint(0))
        + header(file)
        + data
        + header(vint(5) + vint(0) * 2)
    )


def test_a_stored_member_of_a_rar_is_read_and_a_packed_or_locked_one_is_listed_with_the_reason() -> None:
    assert extracted(rar5(0, b"hello")).children == (Child(b"a.txt", b"hello"),)
    assert extracted(rar5(3, b"hello")).children == (Child(b"a.txt", b"", not_examined(PACKED)),)
    assert extracted(rar5(0, b"hello", locked=True)).children == (Child(b"a.txt", b"", not_examined(LOCKED)),)


def seven(members: dict[str, bytes], password: str | None = None, *, header: bool = False) -> bytes:
    out = io.BytesIO()
    with py7zr.SevenZipFile(out, "w", password=password, header_encryption=header) as archive:
        for name, data in members.items():
            archive.writestr(data, name)
    return out.getvalue()


@pytest.mark.parametrize("header", [False, True])
def test_a_locked_7z_opens_with_a_password_of_the_list_only(header: bool) -> None:
    data = seven({"a.txt": b"hello" * 100}, "s\u00e9cret", header=header)
    assert extracted(data).outcome == extracted(data, passwords=("no",)).outcome == not_examined(LOCKED)
    opened = extracted(data, passwords=("no", "s\u00e9cret"))
    assert (opened.outcome, opened.children) == (OK, (Child(b"a.txt", b"hello" * 100),))
    assert OPENED.phrase in opened.notes


def test_names_that_climb_out_and_names_that_come_twice_cost_a_7z_nothing() -> None:
    data = bytearray(seven({"xx/xx/a.txt": b"one", "b.txt": b"two"}))
    names = "xx/xx/a.txt".encode("utf-16-le")
    if names in data:
        data = data.replace(names, "../../a.txt".encode("utf-16-le"))
    assert [child.data for child in extracted(bytes(data)).children] in ([b"one", b"two"], [])
    assert not (Path.cwd().parent.parent / "a.txt").exists()


def test_bombs_of_7z_and_zstandard_stop_at_the_limit() -> None:
    assert extracted(seven({"bomb": bytes(100 << 20)})).outcome == not_examined(EXPANDS)
    assert extracted(zstandard.compress(bytes(100 << 20))).outcome == not_examined(EXPANDS)


def locked_zip(method: str, folder: Path) -> bytes:
    (folder / "a.txt").write_bytes(b"hello world " * 1000)
    if method == "AES":
        out = io.BytesIO()
        with pyzipper.AESZipFile(out, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
            archive.setpassword(b"secret")
            archive.writestr("a.txt", b"hello world " * 1000)
        return out.getvalue()
    try:
        subprocess.run(["zip", "-P", "secret", "a.zip", "a.txt"], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("zip is not installed")
    return (folder / "a.zip").read_bytes()


@pytest.mark.parametrize("method", ["AES", "old"])
def test_a_locked_zip_opens_with_the_right_password_of_six_hundred(method: str, tmp_path: Path) -> None:
    data = locked_zip(method, tmp_path)
    # Of PKZIP's cipher, one wrong password in 256 looks right until the checksum is compared.
    wrong = tuple(f"wrong{n}" for n in range(600 if method == "old" else 20))
    assert extracted(data, passwords=wrong).outcome == not_examined(LOCKED)
    opened = extracted(data, passwords=(*wrong, "secret"))
    assert (opened.outcome, opened.children) == (OK, (Child(b"a.txt", b"hello world " * 1000),))
    assert opened.notes == (OPENED.phrase,)


@pytest.mark.parametrize("name", ["example_password.docx", "rc4cryptoapi_password.doc", "rc4cryptoapi_password.ppt"])
def test_a_locked_office_file_opens_with_a_password_of_the_list(name: str) -> None:
    data = (FILES / name).read_bytes()
    assert extracted(data, passwords=("no",)).outcome == not_examined(LOCKED)
    opened = extracted(data, passwords=("no", "Password1234_"))
    assert (opened.outcome, opened.notes) == (OK, (OPENED.phrase,))
    (document,) = opened.children
    text = b"".join(piece.data or b"" for piece in extracted(document.data).pieces)
    assert b"lorem ipsum" in text.lower()


def test_a_message_of_outlook_gives_headers_body_recipients_attachments_and_a_birthday() -> None:
    def text(number: int, value: str) -> dict[str, bytes]:
        return {f"__substg1.0_{number:04X}001F": value.encode("utf-16-le")}

    birthday = struct.pack(
        "<HHIQ", 0x0040, 0x3A42, 6, int((date(1980, 2, 3) - date(1601, 1, 1)).total_seconds()) * 10_000_000
    )
    inner = {**text(0x0037, "forwarded"), **text(0x1000, "see above"), "__properties_version1.0": bytes(24)}
    data = compound.rebuilt(
        {
            "__properties_version1.0": bytes(32) + birthday,
            **text(0x0037, "Your file"), **text(0x1000, "Dear Maria\r\nregards"), **text(0x3A1C, "555-0100"),
            "__recip_version1.0_#00000000": {**text(0x3001, "Jo Miller"), **text(0x3003, "jo@example.org")},
            "__attach_version1.0_#00000000": {**text(0x3707, "a.csv"), "__substg1.0_37010102": b"x,y\n"},
            "__attach_version1.0_#00000001": {**text(0x3707, "mail.msg"), "__substg1.0_3701000D": inner},
        }
    )  # fmt: skip
    extraction = extracted(data, b"mail.msg")
    assert (extraction.type, extraction.outcome, extraction.notes) == ("msg", OK, ())
    message, person = (piece.data or b"" for piece in extraction.pieces)
    assert message.decode().splitlines() == [
        "Subject: Your file", "Recipient: Jo Miller jo@example.org", "Dear Maria", "regards"
    ]  # fmt: skip
    assert person == b"555-0100\t1980-02-03\n"
    table, forwarded = extraction.children
    assert (table.untrusted_name, table.data[:4]) == (b"a.csv", b"x,y\n")
    assert b"Subject: forwarded\nsee above" in (extracted(forwarded.data).pieces[0].data or b"")


def test_compressed_rtf_of_outlook_is_expanded() -> None:
    # [MS-OXRTFCP] 4.1.1
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert outlook.expanded_rtf(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@pytest.mark.parametrize(
    ("data", "name", "note"),
    [
        (b"PK\5\6" + bytes(18), b"holiday.jpg", ["its name says jpg, its bytes do not"]),
        (b"\xff\xd8\xff" + bytes(9), b"holiday.JPG", []),
        (b"plain words\n", b"notes.xlsx", ["its name says xlsx, its bytes do not"]),
        (b"a,b,c\n1,2,3\n", b"list.txt", []),
        (b"a,b,c\n1,2,3\n", b"list.of.nothing", []),
        (b"", b"empty.pdf", []),
    ],
)
def test_a_name_that_claims_another_type_is_noted(data: bytes, name: bytes, note: list[str]) -> None:
    assert list(extracted(data, name).notes) == note


def test_a_rebuilt_compound_file_reads_back_whatever_its_size() -> None:
    large = bytes(range(256)) * (40 << 10)
    tree = {"A": b"small" * 1000, "Tiny": b"t", "Empty": b"", "Folder": {"B": large, "Inner": {"C": b"c" * 5000}}}
    with compound.opened(compound.rebuilt(tree)) as opened:
        assert compound.stream(opened, "A") == b"small" * 1000
        assert compound.stream(opened, "Folder", "B") == large
        assert compound.stream(opened, "Folder", "Inner", "C") == b"c" * 5000
        assert compound.tree(opened) == tree


def test_fields_and_notes_of_a_pdf_form_are_read_with_their_names() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.drawString(72, 700, "An application")
    canvas.acroForm.textfield(name="applicant", value="Maria Gonzalez", x=72, y=600, width=200)
    canvas.textAnnotation("call 555-0100", Rect=(72, 400, 92, 420))
    canvas.save()
    extraction = extracted(out.getvalue())
    assert (extraction.type, extraction.outcome) == ("pdf", OK)
    fields = b"".join(piece.data or b"" for piece in extraction.pieces if piece.steps == ("page 1", "fields"))
    assert b"applicant\tMaria Gonzalez" in fields
    assert b"call 555-0100" in fields


def test_a_pdf_that_is_encrypted_but_opens_is_read_and_says_so_and_a_locked_one_opens_with_its_password() -> None:
    def locked(user: str) -> bytes:
        out = io.BytesIO()
        canvas = Canvas(out, encrypt=StandardEncryption(user, "owner", strength=128))
        canvas.drawString(72, 700, "Maria Gonzalez")
        canvas.save()
        return out.getvalue()

    alone = extracted(locked(""))
    assert (alone.outcome, alone.notes) == (OK, (OPENS_ALONE.phrase,))
    assert b"Maria Gonzalez" in (alone.pieces[0].data or b"")
    assert extracted(locked("secret"), passwords=("no",)).outcome == not_examined(LOCKED)
    opened = extracted(locked("secret"), passwords=("no", "secret"))
    assert (opened.outcome, opened.notes) == (OK, (OPENED.phrase,))
    assert b"Maria Gonzalez" in (opened.pieces[0].data or b"")


def test_properties_headers_and_hidden_sheets_of_a_workbook_are_read() -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    book.set_properties({"author": "Jo Miller", "company": "A Plan"})
    book.set_custom_property("Client", "Maria Gonzalez")
    book.add_worksheet("Shown").set_header("&LReport for Kim & Young")
    hidden = book.add_worksheet("Hidden")
    hidden.write(0, 0, "123-45-6789")
    hidden.hide()
    book.close()
    streams = {piece.steps: (piece.data or b"").decode() for piece in extracted(out.getvalue()).pieces}
    assert streams["Hidden",] == "123-45-6789\n"
    assert "Report for Kim & Young" in streams["notes",]
    for said in ("creator: Jo Miller", "Company: A Plan", "Client: Maria Gonzalez"):
        assert said in streams["properties",]
