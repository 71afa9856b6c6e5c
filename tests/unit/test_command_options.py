"""Values that people type, and what the commands make of them."""

from __future__ import annotations

import pytest
import typer

from forensics.cli.options import hardware_blocker
from forensics.model import HardwareBlocker


@pytest.mark.parametrize(
    ("typed", "declared"),
    [
        ("Tableau T8u 000ECC13", HardwareBlocker("Tableau", "T8u", "000ECC13")),
        ("WiebeTech Forensic UltraDock 12-34-", HardwareBlocker("WiebeTech", "Forensic UltraDock", "12-34-")),
        ("Tableau T8u -", HardwareBlocker("Tableau", "T8u", "")),
        ("", None),
    ],
)
def test_a_write_blocker_is_declared_as_it_is_written_on_it(typed: str, declared: HardwareBlocker | None) -> None:
    assert hardware_blocker(typed) == declared


def test_a_write_blocker_without_its_serial_is_asked_for_it() -> None:
    with pytest.raises(typer.BadParameter, match="serial number"):
        hardware_blocker("Tableau T8u")
