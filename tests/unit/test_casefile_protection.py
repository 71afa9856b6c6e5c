"""Who can open a case: one passphrase, which can change, and the holders of certificates; nobody by a changed file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forensics.casefile import protection
from forensics.custody import key_files
from forensics.custody.identities import Identities
from forensics.errors import EnvironmentFailed, Refused

Pair = tuple[rsa.RSAPrivateKey, x509.Certificate]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protection, "MEMORY_KIB", 64)
    monkeypatch.setattr(protection, "ITERATIONS", 1)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    """The encryption keys of two persons, as `Identities` makes them."""
    folder = Identities(tmp_path_factory.mktemp("identities"))
    folder.create_authority("Plan", "pw")
    found = {}
    for name in ("Dana Keeper", "Mal Lory"):
        folder.create(name, "pw")
        path = folder.folder / "people" / name.lower().replace(" ", "-") / "encryption.p12"
        key, certificate, _ = key_files.unlock(path, "pw", "it")
        assert isinstance(key, rsa.RSAPrivateKey)
        found[name] = key, certificate
    return found


@pytest.fixture
def case(tmp_path: Path) -> tuple[Path, bytes]:
    path = tmp_path / "key.json"
    return path, protection.create_key(path, "case-1", "old words")


def test_a_changed_passphrase_opens_the_same_key_and_the_old_one_no_more(case: tuple[Path, bytes]) -> None:
    path, key = case
    protection.change_passphrase(path, key, "new words")
    assert protection.unlock(path, "new words") == key
    with pytest.raises(Refused, match="does not open"):
        protection.unlock(path, "old words")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["key.json"]
    with pytest.raises(Refused):
        protection.change_passphrase(path, key, "")
    assert protection.unlock(path, "new words") == key


def test_a_change_that_fails_on_the_disk_leaves_the_old_file_whole(
    case: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, key = case

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(protection.os, "fsync", full)
    with pytest.raises(EnvironmentFailed, match="old one stands"):
        protection.change_passphrase(path, key, "new words")
    monkeypatch.undo()
    assert protection.unlock(path, "old words") == key


def test_the_holder_of_a_certificate_opens_the_case_and_nobody_else_does(
    case: tuple[Path, bytes], people: dict[str, Pair]
) -> None:
    path, key = case
    private, certificate = people["Dana Keeper"]
    with pytest.raises(Refused, match="not opened to"):
        protection.unlock_by_key(path, certificate, private)
    recipient = protection.wrap_to_certificate(path, key, certificate)
    assert protection.recipients(path) == [recipient]
    assert protection.unlock_by_key(path, certificate, private) == key
    assert protection.unlock(path, "old words") == key
    other, theirs = people["Mal Lory"]
    with pytest.raises(Refused):
        protection.unlock_by_key(path, theirs, other)
    with pytest.raises(Refused):
        protection.unlock_by_key(path, certificate, other)
    with pytest.raises(Refused, match="already"):
        protection.wrap_to_certificate(path, key, certificate)
    protection.change_passphrase(path, key, "new words")
    assert protection.unlock_by_key(path, certificate, private) == key


def test_openssl_opens_the_wrap_with_the_private_key(
    case: tuple[Path, bytes], people: dict[str, Pair], tmp_path: Path
) -> None:
    import base64

    path, key = case
    private, certificate = people["Dana Keeper"]
    protection.wrap_to_certificate(path, key, certificate)
    sealed = base64.b64decode(json.loads(path.read_text())["wraps"][1]["wrapped"])
    assert key not in sealed
    (tmp_path / "wrap").write_bytes(sealed)
    (tmp_path / "key").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    opened = subprocess.run(
        ["openssl", "cms", "-decrypt", "-inform", "DER", "-in", tmp_path / "wrap", "-inkey", tmp_path / "key"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert opened == key + b"case-1"


def test_a_wrap_of_another_case_does_not_open_as_this_ones(
    case: tuple[Path, bytes], people: dict[str, Pair], tmp_path: Path
) -> None:
    path, key = case
    private, certificate = people["Dana Keeper"]
    other = tmp_path / "other.json"
    theirs = protection.create_key(other, "case-2", "x")
    protection.wrap_to_certificate(other, theirs, certificate)
    document = json.loads(path.read_text())
    document["wraps"] += json.loads(other.read_text())["wraps"]
    path.write_text(json.dumps(document))
    with pytest.raises(Refused, match="damaged"):
        protection.unlock_by_key(path, certificate, private)
    assert protection.unlock(path, "old words") == key


@pytest.mark.parametrize(
    "wraps", [[1], [{"recipient": 5}], [{}], "x", [{"kdf": "argon2id", "memory_kib": 1 << 40}], None]
)
def test_a_key_file_that_was_tampered_with_is_damaged_and_no_crash(case: tuple[Path, bytes], wraps: object) -> None:
    path, _ = case
    path.write_text(json.dumps({"version": 1, "case_id": "case-1", "wraps": wraps}))
    with pytest.raises(Refused):
        protection.unlock(path, "old words")
