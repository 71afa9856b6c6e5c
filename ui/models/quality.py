"""The quality report of source records in words: counts only, as reading gives them."""

from __future__ import annotations

from typing import Any

from ui.models.persons import element_text

_COUNTED = (
    ("repeated_rows", "Rows given twice"), ("without_name", "Without a name"),
    ("without_birth_date", "Without a birth date"), ("without_ssn", "Without an SSN"),
    ("unreadable_dates", "Dates that cannot be read"), ("unreadable_ssns", "SSNs that cannot be read"),
    ("ambiguous_dates", "Dates that could be read both ways"), ("dates_against_order", "Dates in the other order"),
    ("duplicate_ssns", "Records that share an SSN"),
)  # fmt: skip


def quality_facts(quality: dict[str, Any]) -> list[tuple[str, str]]:
    """The report on a set, in counts: what is empty, placeholders, shared, double, and how dates were read."""
    facts = [
        ("Rows", f"{quality.get('rows', 0):,}, {quality.get('records', 0):,} records"),
        ("Distinct persons", f"{quality.get('persons', 0):,}"),
    ]
    if against := quality.get("against_earlier"):
        facts.append(
            (
                "Beside earlier sets",
                f"{against['same']:,} with the same values, {against['changed']:,} changed, {against['new']:,} new",
            )
        )
    facts += [(words, f"{quality[name]:,}") for name, words in _COUNTED if quality.get(name)]
    for name, words in (
        ("placeholders", "Placeholders, not used"), ("shared", "Shared by too many"),
        ("implausible_dates", "Implausible dates"),
    ):  # fmt: skip
        said = ", ".join(f"{element_text(field)} {count:,}" for field, count in (quality.get(name) or {}).items())
        facts.append((words, said or "none"))
    rows = quality.get("records") or 0
    empty = [
        f"{element_text(field)} {count / rows:.0%}".replace("%", "\u00a0%")
        for field, count in (quality.get("empty") or {}).items()
        if rows and count
    ]
    facts.append(("Empty", ", ".join(empty) or "no column has gaps"))
    if shapes := quality.get("member_id_shapes"):
        facts.append(("Member id shapes", ", ".join(f"{shape} {count:,}" for shape, count in shapes.items())))
    if "date_order" not in quality:
        return facts
    order = {"mdy": "month first", "dmy": "day first", "excel": "serial days"}.get(str(quality.get("date_order")), "–")
    facts.append(("Dates are read", order + ("" if quality.get("date_order_certain", True) else "; nothing shows it")))
    return facts
