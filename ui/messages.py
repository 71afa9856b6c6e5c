"""How the end of a verb is told: in one sentence, with what to do next."""

from __future__ import annotations

from dataclasses import dataclass

from forensics.errors import ExitStatus
from ui.bridge import Ending
from ui.widgets.job_strip import VERBS


@dataclass(frozen=True, slots=True)
class Message:
    """`kind` is that of a banner: info, ok, warn or bad."""

    kind: str
    sentence: str
    remedy: str = ""


def intact(ending: Ending) -> bool | None:
    """Whether a `verify` found everything intact; None where this was no `verify`, or it did not come to an end."""
    if ending.verb != "verify" or ending.status not in (ExitStatus.OK, ExitStatus.VERIFICATION_FAILED):
        return None
    return ending.done and ending.status == ExitStatus.OK


def message(ending: Ending) -> Message:
    """What to say when a verb has ended."""
    name = VERBS.get(ending.verb, ending.verb)
    if intact(ending):
        return Message("ok", "The case is intact.", "Every link, hash and signature was recomputed.")
    if ending.verb == "verify" and ending.status == ExitStatus.VERIFICATION_FAILED:
        broken = [fact for fact in ending.result.get("facts", ()) if fact.get("holds") is False]
        first = f"{broken[0].get('subject')}: {broken[0].get('check')}. " if broken else ""
        return Message("bad", "Something in the case is not as it was sealed.", first + "Keep the case as it is.")
    if ending.verb == "selftest" and ending.status == ExitStatus.VERIFICATION_FAILED:
        broken = [fact for fact in ending.result.get("facts", ()) if fact.get("holds") is not True]
        first = f"{broken[0].get('subject')}: {broken[0].get('check')}. " if broken else ""
        return Message("bad", "This workstation does not find what is there.", first + "Install DriveCustody again.")
    if ending.verb == "selftest" and ending.done:
        return Message("ok", "The self-test passed.", f"Result {ending.result.get('result_id')}; reports print it.")
    if ending.done:
        missing = ending.result.get("not_examined")
        return Message("ok", f"{name}: done.", "What could not be examined is listed in Contents." if missing else "")
    if ending.cancelled:
        return Message("info", f"{name}: stopped.", "What was finished is kept. Run it again to go on.")
    return Message("warn" if ending.outcome == "refused" else "bad", ending.sentence, ending.remedy)
