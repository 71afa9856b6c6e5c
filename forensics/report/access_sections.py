"""Section 9: what the drive may say about being opened or copied elsewhere, and what it cannot."""

from __future__ import annotations

from datetime import date, timedelta

from reportlab.platypus import Flowable

from forensics.report.blocks import bullets, h2, p
from forensics.report.charts import DayBars
from forensics.report.facts import ReportFacts
from forensics.report.figures import Column, Grid
from forensics.report.sheets import Times
from forensics.report.typography import count

NOT_EXAMINED = (
    "Whether the drive was opened on, or copied to, another computer was NOT EXAMINED in this version: no registry, "
    "log or other trace of a computer was read, on the drive or beside it. What follows is only what the file table "
    "itself says about time."
)

SETTLES = (
    "The registry and logs of the computers that the drive may have been plugged into, by its serial number.",
    "Records of data loss prevention, of print servers, of mail gateways and of cloud storage for those days.",
    "Directory and VPN logs of the person’s account, and the statement of the person who returned the drive.",
)

MARGIN_DAYS, MOST_DAYS = 10, 62


def access(facts: ReportFacts) -> list[Flowable]:
    """Section 9."""
    story: list[Flowable] = [p(NOT_EXAMINED)]
    if facts.times is None:
        story.append(p("The contents have not been listed, so no times are known."))
    else:
        story += _times(facts.times)
    cannot = Grid(
        (Column("For", 0.28), Column("Against", 0.28), Column("Cannot tell", 0.44)),
        [("not examined", "not examined", "whether anything was opened or copied: a copy leaves no trace that must "
          "stay on the source")],
    )  # fmt: skip
    return [
        *story, h2("For, against, cannot tell"), cannot, h2("What would settle it, and was not given to the examiner"),
        *bullets(SETTLES),
    ]  # fmt: skip


def _times(times: Times) -> list[Flowable]:
    story: list[Flowable] = [h2("Times of the file table: an indicator, by the clocks that wrote them")]
    shown = window(times)
    if shown:
        marks = [(name, date.fromisoformat(day[:10])) for name, day in times.marks]
        story.append(DayBars(shown, marks))
    dated = sum(created + modified for created, modified in times.by_day.values())
    inside = sum(created + modified for created, modified in shown.values())
    returned = next((day[:10] for name, day in times.marks if name == "returned"), "")
    late = sum(sum(pair) for day, pair in times.by_day.items() if returned and day > returned)
    if late:
        story.append(
            p(
                f"ALERT: {late:,} of these times are later than the day of return, {returned}. A clock that was wrong, "
                "a time zone, or a use of the drive after its return may be the cause; it proves none of them.",
                "warning",
            )
        )
    columns = (Column("Clock of the times", 0.7), Column("Entries", 0.3, "right"))
    rows = [(clock or "not stated", count(n)) for clock, n in sorted(times.clocks.items())]
    return [
        *story,
        p(
            f"{inside:,} of {dated:,} times of creation and modification lie in the days drawn; {times.undated:,} "
            "entries have neither. A time of creation is when a file came to this drive; one later than the time of "
            "modification means that the file was copied here. Who set the clock is not known.",
            "small",
        ),
        Grid(columns, rows, part=0.62),
    ]


def window(times: Times) -> dict[date, tuple[int, int]]:
    """The days to draw: around the days that the organisation named, else around the day with most times; at most two
    months. Empty where nothing is dated."""
    days = {date.fromisoformat(day): pair for day, pair in times.by_day.items() if _is_day(day)}
    if not days:
        return {}
    named = [date.fromisoformat(day[:10]) for _, day in times.marks if _is_day(day[:10])]
    busiest = max(days, key=lambda day: (sum(days[day]), day))
    first, last = (min(named), max(named)) if named else (busiest, busiest)
    first -= timedelta(days=MARGIN_DAYS)
    last = min(last + timedelta(days=MARGIN_DAYS), first + timedelta(days=MOST_DAYS))
    inside = {day: pair for day, pair in days.items() if first <= day <= last}
    if not inside:
        return {}
    return {first: (0, 0), last: (0, 0), **inside}


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
