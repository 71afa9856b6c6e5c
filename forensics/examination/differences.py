"""The persons of the newest report beside those of an earlier one."""

from __future__ import annotations

from forensics.casefile.report_versions import ReportVersion
from forensics.casefile.views import CaseView
from forensics.errors import Refused
from forensics.exposure.differences import Difference, Why, differences

COLUMNS = (
    "record_key", "change", "why", "tier_before", "tier_after", "elements_gained", "elements_lost", "reason",
)  # fmt: skip


def between(view: CaseView, since: int | None = None) -> tuple[ReportVersion, ReportVersion | None, list[Difference]]:
    """The earlier report, the later one (None: the case as it stands now), and who differs.

    `since` None compares the last report but one with the newest, or the only one with the case as it stands. Raises
    `Refused` where there is no such report.
    """
    made = view.report_versions()
    if since is None and len(made) >= 2:
        return made[-2], made[-1], differences(view.persons_of_report(made[-2].number),
                                               view.persons_of_report(made[-1].number))  # fmt: skip
    number = made[-1].number if since is None and made else since
    earlier = next((one for one in made if one.number == number), None)
    if earlier is None:
        raise Refused(
            f"There is no report number {since} to compare with." if since else "There is no report to compare with.",
            "Its number is the last part of its report id.",
        )
    return earlier, None, differences(view.persons_of_report(earlier.number), view.persons_now())


def rows(view: CaseView, since: int | None) -> list[tuple[str, ...]]:
    """One row a person added, removed or changed, by record key, with the reason that a reviewer gave."""
    _, _, found = between(view, since)
    reasons = view.newest_reasons()
    decided = (Why.INCLUDED, Why.EXCLUDED, Why.DECISION_TAKEN_BACK)
    return [
        (
            one.record_key, str(one.change), str(one.why), one.tier_before, one.tier_after,
            " ".join(one.elements_gained), " ".join(one.elements_lost),
            reasons.get(one.record_key, "") if one.why in decided else "",
        )
        for one in found
    ]  # fmt: skip
