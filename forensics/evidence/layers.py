"""What an encrypted volume is without its encryption: opened with a password, read by its library, never written out.
Shadow copies are attached here as well, and found by `shadow`.

BitLocker   libbde: password, recovery password of 48 digits, or no protector at all ("suspended")
LUKS        `luks`; libluksde for what is older than AES-XTS
APFS        `apfs_keys`: password of a volume
"""

from __future__ import annotations

import re
from typing import Any

from forensics.evidence.apfs import Unreadable
from forensics.evidence.apfs_files import opens
from forensics.evidence.image import Image
from forensics.evidence.luks import MAGIC, OTHER_CIPHER, CannotOpen, Luks, data_offset, version
from forensics.evidence.shadow import is_shadow, open_shadow
from forensics.evidence.window import Window, WindowFile
from forensics.model import APFS, DECRYPTED, LAYER_BITS, Layer, Readable, Volume

BITLOCKER, LUKS1, LUKS2 = "BitLocker", "LUKS1", "LUKS2"
_RECOVERY = re.compile(r"(?:[0-9]{6}[- ]?){7}[0-9]{6}")
"""How a recovery password is printed and typed: eight groups of six digits."""


class _Decrypted:
    """A volume that libbde or libluksde has open."""

    def __init__(self, handle: Any, window: Window) -> None:
        self.size = int(handle.get_size())
        self._handle = handle
        # The library keeps no reference to what it reads from.
        self._window = window

    def read_at(self, offset: int, length: int) -> bytes:
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        data: bytes = self._handle.read_buffer_at_offset(length, offset)
        if len(data) != length:
            raise OSError("the decrypted volume is shorter than its size")
        return data


def unlock(image: Image, volume: Volume, passwords: tuple[str, ...], number: int) -> Layer | None:
    """The layer that the first fitting password opens, attached to the image as layer `number`; None where none fits.

    Raises `CannotOpen` where no password would help, or the library cannot read what there is.
    """
    if volume.file_system == APFS:
        return _apfs(image, volume, passwords, number)
    if volume.layer is not None:
        attach(image, volume.layer)
    window = Window(image, volume.offset, volume.length)
    kind = _kind(window)
    for password in passwords:
        opened = _opened(kind, window, password)
        if opened is not None:
            content, begins = opened
            image.layers[number] = content
            return Layer(
                number << LAYER_BITS, content.size, DECRYPTED, kind, volume.offset, volume.length, begins,
                password, volume.layer,
            )  # fmt: skip
    return None


def attach(image: Image, layer: Layer) -> None:
    """Let the image read the addresses of this layer. Costs as much as trying its password once.

    Raises `OSError` where it does not open any more.
    """
    if layer.base >> LAYER_BITS in image.layers or layer.kind == APFS:
        return
    if layer.below is not None:
        attach(image, layer.below)
    if is_shadow(layer):
        image.layers[layer.base >> LAYER_BITS] = open_shadow(Window(image, layer.offset, layer.length), layer)
        return
    try:
        opened = _opened(layer.kind, Window(image, layer.offset, layer.length), layer.key)
    except CannotOpen as error:
        raise OSError("the encrypted volume could be opened before and now cannot") from error
    if opened is None:
        raise OSError("the encrypted volume could be opened before and now cannot")
    image.layers[layer.base >> LAYER_BITS] = opened[0]


def _apfs(image: Image, volume: Volume, passwords: tuple[str, ...], number: int) -> Layer | None:
    """Of no length: what is encrypted are the trees and contents of the volume, each by itself."""
    try:
        for password in passwords:
            if password and opens(image, volume, password):
                return Layer(number << LAYER_BITS, 0, DECRYPTED, APFS, volume.offset, 0, None, password)
    except Unreadable as error:
        raise CannotOpen(str(error)) from error
    return None


def _kind(window: Window) -> str:
    if window.read_at(0, 6) != MAGIC:
        return BITLOCKER
    return LUKS2 if version(window) == 2 else LUKS1


def _opened(kind: str, window: Window, password: str) -> tuple[Readable, int] | None:
    """The content and where it begins in the volume, or None where the password does not fit."""
    if kind == BITLOCKER:
        return _bitlocker(window, password)
    try:
        made = Luks(window, password)
    except ValueError:
        return None
    except CannotOpen as refused:
        if refused.reason != OTHER_CIPHER:
            raise
        return by_libluksde(window, password)
    return made, made.offset


def by_libluksde(window: Window, password: str) -> tuple[Readable, int] | None:
    import pyluksde

    handle = pyluksde.volume()
    handle.set_password(password)
    try:
        handle.open_file_object(WindowFile(window))
        if handle.is_locked():
            return None
    except OSError as error:
        raise CannotOpen(OTHER_CIPHER) from error
    return _Decrypted(handle, window), data_offset(window)


def _bitlocker(window: Window, password: str) -> tuple[Readable, int] | None:
    import pybde

    handle = pybde.volume()
    recovery = _RECOVERY.fullmatch(password.strip())
    if recovery:
        digits = re.sub(r"\D", "", password)
        try:
            handle.set_recovery_password("-".join(digits[at : at + 6] for at in range(0, 48, 6)))
        except OSError:
            # Each group of a true one is divisible by 11.
            return None
    elif password:
        handle.set_password(password)
    try:
        handle.open_file_object(WindowFile(window))
        if handle.is_locked():
            return None
    except OSError as error:
        raise CannotOpen("encrypted (BitLocker of a kind that is not read here; `dislocker` opens it)") from error
    return _Decrypted(handle, window), 0
