"""The keys by which rows and records come together before they are compared: each forgives another kind of error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from forensics import keys
from forensics.matching.likeness import sound

Part = tuple[str, Callable[[str], str]]


def _whole(value: str) -> str:
    return value


def _sounds(name: str) -> str:
    return sound(name.split(" ")[0]) if name else ""


def _initial(name: str) -> str:
    return name[:1]


def _head(name: str) -> str:
    return name[:4] if len(name) > 2 else ""


def _tail(name: str) -> str:
    return name[-4:] if len(name) > 3 else ""


def _year(digits: str) -> str:
    return digits[:4]


def _day_of_year(digits: str) -> str:
    """Month and day in either order."""
    return "".join(sorted((digits[4:6], digits[6:8])))


def _house(address: str) -> str:
    """The first two words, mostly number and street."""
    words = address.split(" ")
    return " ".join((words[0], words[1][:4])) if len(words) > 1 and words[0].isdigit() else ""


KEYS: tuple[tuple[Part, ...], ...] = (
    (("ssn", _whole),),
    (("member_id", _whole),),
    (("phone", _whole),),
    (("email", _whole),),
    (("birth_date", _whole),),
    (("birth_date", _whole), ("given_name", _initial)),
    (("birth_date", _whole), ("family_name", _initial)),
    (("birth_date", _day_of_year), ("birth_date", _year), ("family_name", _initial)),
    (("given_name", _sounds), ("family_name", _sounds)),
    (("given_name", _head), ("family_name", _head)),
    (("given_name", _tail), ("family_name", _tail)),
    (("family_name", _sounds), ("birth_date", _year)),
    (("family_name", _sounds), ("birth_date", _day_of_year)),
    (("given_name", _sounds), ("birth_date", _day_of_year)),
    (("given_name", _sounds), ("birth_date", _year), ("postal_code", _whole)),
    (("family_name", _sounds), ("postal_code", _whole)),
    (("given_name", _sounds), ("postal_code", _whole)),
    (("family_name", _sounds), ("address", _house)),
    (("given_name", _sounds), ("address", _house)),
    (("address", _house), ("postal_code", _whole)),
    (("address", _house), ("city", _head)),
    (("address", _house), ("birth_date", _year)),
)
"""Of each key all parts must be there. Given and family name meet in either order, because people exchange them."""

_NAMES = ("given_name", "family_name")


def keys_of(
    distinct: Mapping[str, list[str]], codes: Mapping[str, NDArray[np.int32]]
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.bool_]]]:
    """For each of `KEYS`: the key of every row, and whether the row has it."""
    count = len(codes["given_name"])
    known: dict[Part, NDArray[np.uint64]] = {}
    for number, parts in enumerate(KEYS):
        made = np.full(count, number, np.uint64)
        present = np.ones(count, bool)
        for part in parts:
            if part not in known:
                known[part] = _hashes(part, distinct[part[0]])
            hashed = known[part]
            made += hashed[codes[part[0]]]
            present &= (hashed != 0)[codes[part[0]]]
        yield keys.mix(made), present


def _hashes(part: Part, values: list[str]) -> NDArray[np.uint64]:
    """A number for each value's part, 0 where it has none. A name's says nothing of which of the two names it is: their
    sum is the same when they changed places."""
    name, cut = part
    salt = crc32(b"name" if name in _NAMES else name.encode())
    cuts = [cut(value).encode() for value in values]
    return keys.mix(np.array([(crc32(c, salt) << 32 | crc32(c)) if c else 0 for c in cuts], np.uint64))
