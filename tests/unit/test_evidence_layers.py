"""Encrypted volumes and their passwords; the volumes and their keys are cryptsetup's, the cipher is OpenSSL's."""

from __future__ import annotations

import hashlib
import lzma
from collections.abc import Iterator
from pathlib import Path

import pytest
from encrypted_volumes import (
    BITLOCKER_PASSWORD,
    BITLOCKER_PLAIN_SHA256,
    BITLOCKER_RECOVERY,
    BITLOCKER_SIZE,
    IMAGES,
    bitlocker,
    fat,
    luks,
)

from forensics.evidence.file_system import FileSystemUnreadable
from forensics.evidence.files import walk
from forensics.evidence.image import Image, open_image
from forensics.evidence.layers import Window, attach, by_libluksde, unlock
from forensics.evidence.luks import DAMAGED, CannotOpen
from forensics.evidence.volumes import layer_volume, volumes
from forensics.model import LAYER_BITS, OK, Layer

PASSWORD = "Türen 42"
FILES = {"list.csv": b"name,ssn\nA B,123-45-6789\n", "big.bin": bytes(range(256)) * 5000}
KINDS = {
    "luks1": ("--type", "luks1"),
    "luks1-cbc": ("--type", "luks1", "--cipher", "aes-cbc-essiv:sha256", "--key-size", "256"),
    "luks1-plain": ("--type", "luks1", "--cipher", "aes-cbc-plain64", "--key-size", "128"),
    "luks2-pbkdf2": ("--type", "luks2", "--pbkdf", "pbkdf2"),
    "luks2-argon2id": ("--type", "luks2", "--pbkdf", "argon2id", "--pbkdf-memory", "65536"),
    "luks2-argon2i": ("--type", "luks2", "--pbkdf", "argon2i", "--pbkdf-memory", "65536"),
    "luks2-4096": ("--type", "luks2", "--pbkdf", "pbkdf2", "--sector-size", "4096"),
    "luks2-aes128": ("--type", "luks2", "--pbkdf", "pbkdf2", "--key-size", "256", "--hash", "sha512"),
}


def made(tmp_path: Path, kind: str) -> tuple[Path, bytes, int]:
    inside = fat(tmp_path / "inside", 4 << 20, FILES)
    path = tmp_path / "drive.img"
    options = KINDS[kind]
    if "argon2i" in kind:
        options = (*options, "--pbkdf-force-iterations", "4")
    return path, inside, luks(path, inside, PASSWORD, *options)


def first(image: Image) -> tuple[Layer, Image]:
    (volume,) = volumes(image, "E-001")
    layer = unlock(image, volume, ("wrong", PASSWORD), 1)
    assert layer is not None
    return layer, image


@pytest.mark.parametrize("kind", KINDS)
def test_a_luks_volume_reads_as_what_was_put_into_it(tmp_path: Path, kind: str) -> None:
    path, inside, begins = made(tmp_path, kind)
    with open_image([path]) as image:
        (volume,) = volumes(image, "E-001")
        assert volume.outcome.reason == "encrypted (LUKS)"
        assert unlock(image, volume, ("", "wrong"), 1) is None
        layer = unlock(image, volume, ("wrong", PASSWORD), 1)
        assert layer is not None
        assert (layer.size, layer.data_offset, layer.on_device) == (len(inside), begins, begins)
        assert image.read_at(layer.base, layer.size) == inside
        for at, length in ((1, 3), (511, 2), (4095, 5000), (len(inside) - 3, 99)):
            assert image.read_at(layer.base + at, length) == inside[at : at + length]
        inner = layer_volume(image, volume, layer)
        assert (inner.name, inner.file_system, inner.outcome) == ("vol0/decrypted", "FAT12", OK)
        entries = {str(entry.locator): entry for entry in walk(image, inner, "E-001")}
        assert set(entries) == {"E-001/vol0/decrypted/list.csv", "E-001/vol0/decrypted/big.bin"}
        (run,) = entries["E-001/vol0/decrypted/list.csv"].runs
        assert run.device_offset >> LAYER_BITS == 1
        assert image.read_at(run.device_offset, run.length) == FILES["list.csv"]


def test_libluksde_to_which_other_ciphers_are_left_reads_the_same(tmp_path: Path) -> None:
    inside, path = fat(tmp_path / "inside", 4 << 20, FILES), tmp_path / "drive.img"
    begins = luks(path, inside, "plain letters", *KINDS["luks1"])
    with open_image([path]) as image:
        window = Window(image, 0, path.stat().st_size)
        assert by_libluksde(window, "wrong") is None
        opened = by_libluksde(window, "plain letters")
        assert opened is not None
        content, at = opened
        assert (content.size, at) == (len(inside), begins)
        assert content.read_at(0, len(inside)) == inside


def test_a_layer_is_attached_again_by_who_has_only_its_description(tmp_path: Path) -> None:
    path, inside, _ = made(tmp_path, "luks2-pbkdf2")
    with open_image([path]) as image:
        layer, _ = first(image)
    with open_image([path]) as image:
        with pytest.raises(OSError, match="not open"):
            image.read_at(layer.base, 16)
        attach(image, layer)
        assert image.read_at(layer.base, len(inside)) == inside
    assert PASSWORD not in repr(layer)


@pytest.mark.parametrize("where", [9, 448, 4096 + 40])
def test_a_damaged_header_is_a_reason_and_no_crash(tmp_path: Path, where: int) -> None:
    path, inside, _ = made(tmp_path, "luks2-pbkdf2")
    data = bytearray(path.read_bytes())
    data[where] ^= 255
    path.write_bytes(data)
    with open_image([path]) as image:
        (volume,) = volumes(image, "E-001")
        if where == 9:
            # Its size is wrong, so nobody knows where the second header stands.
            with pytest.raises(CannotOpen) as refused:
                unlock(image, volume, (PASSWORD,), 1)
            assert refused.value.reason == DAMAGED
            return
        layer = unlock(image, volume, (PASSWORD,), 1)
        assert layer is not None, "the second header stands in"
        assert image.read_at(layer.base, len(inside)) == inside


@pytest.fixture(scope="module")
def to_go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("bitlocker") / "togo.img"
    path.write_bytes(lzma.decompress((IMAGES / "bitlk-togo-aes-xts-128.img.xz").read_bytes()))
    yield path
    path.unlink()


@pytest.mark.parametrize(
    "password", [BITLOCKER_PASSWORD, BITLOCKER_RECOVERY, BITLOCKER_RECOVERY.replace("-", ""), f" {BITLOCKER_RECOVERY} "]
)
def test_a_real_bitlocker_volume_opens_with_its_password_or_recovery_password(to_go: Path, password: str) -> None:
    with open_image([to_go]) as image:
        (volume,) = volumes(image, "E-001")
        assert volume.outcome.reason == "encrypted (BitLocker To Go)"
        assert unlock(image, volume, ("", "wrong", BITLOCKER_RECOVERY.replace("243067", "243078")), 1) is None
        layer = unlock(image, volume, (password,), 1)
        assert layer is not None
        digest = hashlib.sha256()
        for at in range(0, layer.size, 1 << 20):
            digest.update(image.read_at(layer.base + at, 1 << 20))
        assert (layer.size, layer.kind) == (BITLOCKER_SIZE, "BitLocker")
        assert digest.hexdigest() == BITLOCKER_PLAIN_SHA256


def test_files_in_a_bitlocker_volume_are_listed_and_read(tmp_path: Path) -> None:
    path = tmp_path / "filled.img"
    bitlocker(path, FILES)
    with open_image([path]) as image:
        (volume,) = volumes(image, "E-001")
        layer = unlock(image, volume, (BITLOCKER_PASSWORD,), 1)
        assert layer is not None
        inner = layer_volume(image, volume, layer)
        found = {}
        for entry in walk(image, inner, "E-001"):
            data = b"".join(image.read_at(run.device_offset, run.length) for run in entry.runs)
            found[str(entry.locator)] = data
        assert found["E-001/vol0/decrypted/list.csv"] == FILES["list.csv"]
        assert found["E-001/vol0/decrypted/big.bin"] == FILES["big.bin"]


def test_no_file_system_is_opened_in_the_ciphertext(to_go: Path) -> None:
    from forensics.evidence.file_system import open_file_system

    with open_image([to_go]) as image, pytest.raises(FileSystemUnreadable):
        open_file_system(image, 0)
