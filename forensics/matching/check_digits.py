"""Check digits of identifiers: which scheme a set of numbers follows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

FEWEST = 1_000
"""Numbers below which a scheme is not claimed."""

SHARE = 0.999
"""Share of numbers that must fit. A tenth of arbitrary numbers fits any scheme of one decimal check digit."""

DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

MULTIPLY = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
PERMUTE = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip
"""Verhoeff, "Error Detecting Decimal Codes", 1969: the dihedral group of order ten and the permutation of places."""

DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip
"""Damm, "Totally anti-symmetric quasigroups for all orders n≠2,6", 2004: the quasigroup of order ten."""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    total = sum(int(d) for d in digits[-1::-2]) + sum(DOUBLED[int(d)] for d in digits[-2::-2])
    return total % 10 == 0


def npi(digits: str) -> bool:
    """Luhn behind the prefix 80840, as the National Provider Identifier has it (45 CFR 162.406)."""
    return len(digits) == 10 and luhn("80840" + digits)


def verhoeff(digits: str) -> bool:
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(MULTIPLY[check][int(PERMUTE[place % 8][int(digit)])])
    return check == 0


def damm(digits: str) -> bool:
    check = 0
    for digit in digits:
        check = int(DAMM[check][int(digit)])
    return check == 0


def mod_11(digits: str) -> bool:
    """Weights 1, 2, 3 … from the right, a multiple of eleven (as ISBN-10, ISO 2108:1992, has it)."""
    return sum(place * int(digit) for place, digit in enumerate(reversed(digits), 1)) % 11 == 0


def mod_97(digits: str) -> bool:
    """ISO/IEC 7064, MOD 97-10."""
    return int(digits) % 97 == 1


SCHEMES: dict[str, Callable[[str], bool]] = {
    "luhn": luhn, "npi": npi, "verhoeff": verhoeff, "damm": damm, "mod 11": mod_11, "mod 97": mod_97,
}  # fmt: skip
"""Name → whether a run of decimal digits, the check digit last, is valid."""


def recognised(numbers: Iterable[str]) -> str:
    """The scheme that all but one in a thousand of these digit runs follow; empty for none, or for too few numbers."""
    distinct = {number for number in numbers if number}
    if len(distinct) < FEWEST:
        return ""
    allowed = int(len(distinct) * (1 - SHARE))
    for name, valid in SCHEMES.items():
        wrong = 0
        for number in distinct:
            wrong += not valid(number)
            if wrong > allowed:
                break
        else:
            return name
    return ""
