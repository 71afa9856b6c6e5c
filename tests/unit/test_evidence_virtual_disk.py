"""Virtual disks are read as the disk inside; made here by `qemu-img convert -O FORMAT` (Debian: qemu-utils)."""

import pickle
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from forensics.errors import DriveCustodyError, Refused
from forensics.evidence.image import open_image

pytestmark = pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed (qemu-utils)")


def content() -> bytes:
    some = random.Random(4)
    return some.randbytes(1 << 20) + bytes(6 << 20) + some.randbytes(1 << 20)


def qemu(*words: str | Path) -> None:
    subprocess.run(["qemu-img", *words], check=True, capture_output=True)


def made(folder: Path, name: str, format: str, *options: str) -> Path:
    raw, image = folder / "drive.raw", folder / name
    raw.write_bytes(content())
    qemu("convert", "-O", format, *(f"-o{option}" for option in options), raw, image)
    raw.unlink()
    return image


@pytest.mark.parametrize(
    ("name", "format", "option", "files"),
    [
        ("fixed.vhd", "vpc", "subformat=fixed,force_size=on", 1),
        ("dynamic.vhd", "vpc", "subformat=dynamic,force_size=on", 1),
        ("dynamic.vhdx", "vhdx", "subformat=dynamic", 1),
        ("sparse.vmdk", "vmdk", "subformat=monolithicSparse", 1),
        ("stream.vmdk", "vmdk", "subformat=streamOptimized", 1),
        ("flat.vmdk", "vmdk", "subformat=monolithicFlat", 2),
        ("parts.vmdk", "vmdk", "subformat=twoGbMaxExtentSparse", 2),
        ("disk.qcow2", "qcow2", "compat=1.1", 1),
        ("old.qcow2", "qcow2", "compat=0.10", 1),
    ],
)
def test_every_byte_of_the_disk_inside_is_read(tmp_path: Path, name: str, format: str, option: str, files: int) -> None:
    with open_image([made(tmp_path, name, format, option)]) as image:
        assert (image.size, len(image.segments)) == (8 << 20, files)
        assert image.read_at(0, image.size) == content()
        assert image.read_at((1 << 20) - 700, 1500) == content()[(1 << 20) - 700 :][:1500]
        with pickle.loads(pickle.dumps(image)) as again:
            assert again.read_at(image.size - 600, 9999) == content()[-600:]


def refusal(path: Path) -> DriveCustodyError:
    with pytest.raises(Refused) as caught:
        open_image([path])
    assert caught.value.remedy
    return caught.value


def test_a_renamed_sparse_vmdk_is_still_read(tmp_path: Path) -> None:
    image = made(tmp_path, "sparse.vmdk", "vmdk", "subformat=monolithicSparse").rename(tmp_path / "renamed.vmdk")
    with open_image([image]) as opened:
        assert opened.read_at(0, opened.size) == content()


def test_what_is_only_changes_against_another_image_is_refused(tmp_path: Path) -> None:
    for name, format in (("a.qcow2", "qcow2"), ("a.vmdk", "vmdk")):
        parent = made(tmp_path, name, format)
        child = tmp_path / f"child-{name}"
        qemu("create", "-f", format, "-b", parent, "-F", format, child)
        assert "only changes" in refusal(child).message


@pytest.mark.parametrize("method", ["luks", "aes"])
def test_an_encrypted_qcow2_is_refused_and_not_read_as_ciphertext(tmp_path: Path, method: str) -> None:
    image = tmp_path / "locked.qcow2"
    qemu(
        "create", "-f", "qcow2", "--object", "secret,id=s,data=abc",
        "-o", f"encrypt.format={method},encrypt.key-secret=s", image, "1M",
    )  # fmt: skip
    assert "encrypted" in refusal(image).message


def test_snapshots_and_foreign_features_are_refused(tmp_path: Path) -> None:
    image = made(tmp_path, "disk.qcow2", "qcow2")
    qemu("snapshot", "-c", "one", image)
    assert "snapshot" in refusal(image).message
    assert "features" in refusal(made(tmp_path, "wide.qcow2", "qcow2", "extended_l2=on")).message


def test_a_missing_or_foreign_extent_is_named(tmp_path: Path) -> None:
    image = made(tmp_path, "flat.vmdk", "vmdk", "subformat=monolithicFlat")
    text = image.read_bytes()
    image.write_bytes(text.replace(b"flat-flat.vmdk", b"/etc/hostname\x20"))
    assert "outside" in refusal(image).message
    image.write_bytes(text)
    (tmp_path / "flat-flat.vmdk").unlink()
    assert "flat-flat.vmdk" in refusal(image).message
