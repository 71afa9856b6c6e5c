"""The affected persons, as the case shows them: by the key of their record, without a name, a number or a date."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from PySide6.QtCore import QObject

from forensics.casefile.views import CaseView
from forensics.model import ELEMENTS, Exposure
from ui.models.paged import Column, PagedModel
from ui.session import Session

TIER = {"confirmed": ("Confirmed", "ok"), "probable": ("Probable", "warn"), "possible": ("Possible", "info")}

_NAMES = {
    "ssn": "SSN", "member_id": "Member ID", "birth_date": "Birth date", "drivers_license": "Driver’s licence",
    "tax_id": "Tax ID", "mrn": "Medical record no.", "ip": "IP address", "url": "URL", "other_id": "Other ID",
    "email": "E-mail",
}  # fmt: skip


def element_text(element: str) -> str:
    """The name of a data element for people."""
    return _NAMES.get(element) or element.replace("_", " ").capitalize()


class PersonModel(PagedModel[Exposure]):
    NAME = "persons"
    COLUMNS = (
        Column("record_key", "Record key", 158, mono=True),
        Column("tier", "Tier", 120),
        Column(None, "Elements found", 330),
        Column("places", "Places", 75, right=True),
        Column(None, "Live", 60, right=True),
        Column(None, "Deleted", 75, right=True),
        Column(None, "Unallocated", 100, right=True),
        Column(None, "In containers", 110, right=True),
        Column("state", "State", 65),
        Column(None, "Of note", 135),
        Column(None, "First place", 420),
    )

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(session, "tier", parent)

    def _ask_ids(self, view: CaseView, order_by: str, descending: bool, text: str) -> array[int]:
        return view.person_ids(order_by, descending, text=text)

    def _ask_rows(self, view: CaseView, ids: Sequence[int]) -> dict[int, Exposure]:
        return view.persons(ids)

    def _text_of(self, row: Exposure, column: int) -> str:
        match column:
            case 0:
                return row.record_key
            case 1:
                return TIER[row.tier][0]
            case 2:
                return ", ".join(element_text(name) for name in ELEMENTS if name in row.elements)
            case 3 | 4 | 5 | 6 | 7:
                count = (row.places, row.live, row.deleted, row.unallocated, row.archived)[column - 3]
                return f"{count:,}" if count else "–"
            case 8:
                return row.state or "–"
            case 9:
                return ", ".join(w for w, holds in (("Minor", row.minor), ("Deceased", row.deceased)) if holds) or "–"
            case _:
                return row.first_place

    def _chip_of(self, row: Exposure, column: int) -> str | None:
        return TIER[row.tier][1] if column == 1 else None
