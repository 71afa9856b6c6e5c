"""What a finished verb says to people: short sentences from its result."""

from __future__ import annotations

from shlex import quote
from typing import Any

Result = dict[str, Any]


def of_acquisition(result: Result) -> list[str]:
    acquisition = result["acquisition"]
    lines = [f"{acquisition['exhibit']}: {acquisition['size']:,} bytes, {len(acquisition['segments'])} segment(s)."]
    lines += [f"  {name.upper():<7} {value}" for name, value in sorted(acquisition["hashes"].items())]
    bad = sum(item["length"] for item in acquisition["bad"])
    if bad:
        lines.append(f"  {bad:,} bytes could not be read; they stand as zeros in the image and in acquisition.map.")
    if len(acquisition["begun"]) > 1:
        lines.append(f"  It was interrupted and gone on with; started {', '.join(acquisition['begun'])}.")
    if acquisition["slow_reads"]:
        lines.append(f"  {acquisition['slow_reads']:,} reads took longer than a sound drive needs.")
    if acquisition["second_copy"]:
        lines.append("  The second copy was read back: it has the same hashes.")
    elif acquisition["second_copy_failure"]:
        lines.append(f"  There is no second copy: {acquisition['second_copy_failure']}")
    if acquisition["second_read"]:
        lines.append("  The source was read a second time and gave the same bytes.")
    lines.append(f"  Write protection: {acquisition['protection']['method']}. {acquisition['protection']['detail']}")
    if acquisition["verified"]:
        lines.append("  The image was read back: it is what was read from the source.")
    elif acquisition["imported"]:
        lines.append("  The image carries no hash to compare with.")
    else:
        lines.append("  The image has not been read back. Do that with: drivecustody verify-image")
    return lines


def of_index(result: Result) -> list[str]:
    statuses = ", ".join(f"{count:,} {status}" for status, count in result["by_status"].items())
    lines = [f"{result['entries']:,} entries: {statuses or 'none'}."]
    if result["not_examined"]:
        lines.append(f"{result['not_examined']:,} could not be examined; each is listed with its reason.")
    if result["locked"]:
        lines.append(f"{result['locked']:,} of them are locked: index --passwords-file FILE tries passwords on them.")
    lines += _of_recognition(result["recognition"])
    if result["implausible"]:
        lines.append(f"{result['implausible']:,} hold bytes that are not to be believed: unreadable, or silent zeros.")
    if result["misnamed"]:
        lines.append(
            f"{result['misnamed']:,} have a name that says another type than their bytes; `export files` says which."
        )
    return lines


def _of_recognition(told: Result) -> list[str]:
    if told["program"]:
        read = told["with_text"] + told["without_text"]
        by = f"{told['program']} ({', '.join(told['languages'])})"
        return [f"{read:,} pictures and scans were read by {by}; {told['with_text']:,} had text."] if read else []
    if told["not_read"]:
        left = f"{told['not_read']:,} pictures and scans were not read for text"
        if not told["wanted"]:
            return [f"{left}; index without --no-recognition does, where tesseract is installed."]
        return [f"{left}; tesseract would: apt-get install tesseract-ocr, then index again."]
    return []


def of_records(result: Result) -> list[str]:
    of_what = "of its rows " if result["hash_of"] == "rows" else ""
    lines = [f"{result['records']:,} records from {result['file']} (SHA-256 {of_what}{result['sha256']})."]
    lines += _understood(result)
    quality = result["quality"]
    lines.append(f"  {quality['persons']:,} distinct persons; {quality['without_ssn']:,} records without an SSN.")
    for name, words in _NOTICED.items():
        counted = quality[name]
        if isinstance(counted, dict) and counted:
            lines.append(f"  {words}: " + ", ".join(f"{what} {count:,}" for what, count in counted.items()))
        elif counted and not isinstance(counted, dict):
            lines.append(f"  {words}: {counted if isinstance(counted, str) else format(counted, ',')}")
    lines.append("A column that was guessed wrong is corrected with --map COLUMN=FIELD in a new case.")
    return lines


_NOTICED = {
    "repeated_rows": "rows that are there twice, read once",
    "unreadable_dates": "birth dates that cannot be read",
    "unreadable_ssns": "SSNs that cannot be read",
    "ambiguous_dates": "birth dates that could be day first (say which: --map COLUMN=birth_date:dmy or :mdy)",
    "dates_against_order": "birth dates written in the other order than the column's",
    "implausible_dates": "implausible birth dates",
    "placeholders": "placeholders, not used",
    "shared": "records that share a value with too many",
    "duplicate_ssns": "records whose SSN another record has too",
    "member_id_check_digit": "check digit of the member ids",
}


def of_record_sets(result: Result) -> list[str]:
    lines = [f"{s['records']:>10,}  {s['name']}  {s['as_of']}  {s['sha256']}" for s in result["sets"]]
    for extract in result["known_extracts"]:
        day = f" of {extract['as_of']}" if extract["as_of"] else ""
        lines.append(
            f"{extract['locator']} is the extract {extract['name']}{day} byte for byte: all its {extract['records']:,}"
            " records."
        )
    return lines


def of_preview(result: Result) -> list[str]:
    if prints := result.get("fingerprints"):
        dated = f" as of {prints['as_of']}" if prints["as_of"] else ""
        lines = [f"{result['file']}: fingerprints of {prints['records']:,} records{dated}; no value is in it."]
        lines.append("  made of: " + ", ".join(result["mapping"]))
        remedy = "Give the organisation's key by --key-file."
    else:
        key = f"the key is {result['key']}" if result["key"] else "without a key"
        lines = [f"{result['file']}: {result['read_as'] or 'read'}; {key}.", *_understood(result)]
        remedy = "Choose columns with --map, or --key."
    if result["missing"]:
        lines.append(f"It cannot be read yet: {result['missing']} {remedy}")
    if quality := result.get("quality"):
        lines.append(f"  {quality['rows']:,} rows, {quality['records']:,} records, {quality['persons']:,} persons")
        for name, words in _NOTICED.items():
            counted = quality[name]
            if isinstance(counted, dict) and counted:
                lines.append(f"  {words}: " + ", ".join(f"{what} {count:,}" for what, count in counted.items()))
            elif counted and not isinstance(counted, dict):
                lines.append(f"  {words}: {counted if isinstance(counted, str) else format(counted, ',')}")
    return lines + ["  " + " | ".join(row) for row in result["rows"]]


def _understood(result: Result) -> list[str]:
    lines = []
    for column in result["columns"]:
        looks = "" if column["looks"] is None else f", {column['looks']:.0%} of {column['filled']:,} cells look so"
        if column["field"]:
            lines.append(f"  {column['field']:<16} ← {column['column']} ({column['why'] or 'the key'}{looks})")
    unused = [column["column"] for column in result["columns"] if not column["field"]]
    if unused:
        lines.append("  not used: " + ", ".join(unused))
    if result["dates"]["why"]:
        lines.append(f"  birth dates are read {result['dates']['order']}: {result['dates']['why']}")
    if result["not_read"]:
        lines.append("  not read: " + ", ".join(result["not_read"]))
    return lines


def of_match(result: Result) -> list[str]:
    lines = [f"{result['evidence']:,} places with a record's values, of {result['records_found']:,} records."]
    if result["rows_alike"] is not None:
        lines.append(f"{result['rows_alike']:,} rows that show nobody exactly are much like one record; none is sure.")
    if result["planted"] is not None:
        lines.append(
            f"{result['planted']:,} invented persons were planted in copies; `assess` says how many were found."
        )
    return lines


def of_assessment(result: Result) -> list[str]:
    tiers = result["tiers"]
    persons = tiers["confirmed"] + tiers["probable"]
    share = 100 * persons / result["source_records"] if result["source_records"] else 0.0
    lines = [
        f"{persons:,} persons confirmed or probable, {share:.1f} % of {result['source_records']:,} records.",
        f"  confirmed {tiers['confirmed']:,} · probable {tiers['probable']:,} · possible {tiers['possible']:,}",
        "  " + " · ".join(f"{name} {count['n']:,}" for name, count in result["elements"].items()),
        f"  minors {_told(result['minors'])} · deceased {_told(result['deceased'])}",
        f"  on the drive, in tables that show records, but in no record: {_told(result['not_in_records'])}",
        f"The error of these counts was {result['estimate_status']}.",
        f"Result SHA-256 {result['result_sha256']}",
    ]
    left = result["not_examined"]
    if left["items"]:
        lines.append(f"{left['items']:,} item(s) with {left['bytes']:,} bytes were not examined.")
    return lines


def _told(count: int | None) -> str:
    return "not measured" if count is None else f"{count:,}"


def of_run(result: Result) -> list[str]:
    lines = of_assessment(result["assessment"])
    lines += [f"Case     {result['case']}", f"Report   {result['report']}", f"Package  {result['package']}"]
    if not result["signed"]:
        lines.append("The report is a draft. Sign one with: drivecustody report CASE --out FILE --sign NAME")
    if "passphrase_file" in result:
        lines.append(f"The passphrase of the case is in {result['passphrase_file']}")
    return lines


def of_facts(result: Result) -> list[str]:
    mark = {True: "holds", False: "DOES NOT HOLD", None: "not checked"}
    lines = [
        f"{mark[fact['holds']]:<14} {fact['subject']}: {fact['check']}"
        + (f" ({fact['detail']})" if fact["detail"] else "")
        for fact in result["facts"]
    ]
    lines.append("Everything that was checked is intact." if result["intact"] else "NOT INTACT.")
    return lines


def of_self_test(result: Result) -> list[str]:
    lines = of_facts(result)[:-1]
    lines.append(f"Passed {result['passed']} of {len(result['facts'])} checks. Result id {result['result_id']}.")
    if not result["intact"]:
        lines.append("DO NOT EXAMINE A DRIVE HERE until DriveCustody was installed again and the self-test passes.")
    if not result["kept"]:
        lines.append("The user's data folder cannot be written to: reports will say that it was not run.")
    return lines


def of_events(result: Result) -> list[str]:
    lines = [
        f"{e['seq']:>5}  {e['utc']}  {e['exhibit']:<6} {e['event']:<20} "
        + ", ".join(f"{name}={value}" for name, value in e["data"].items() if not isinstance(value, (dict, list)))
        for e in result["events"]
    ]
    return [*lines, f"{result['size']} entries, head {result['head']}"]


LOG_LINES = 8
"""Lines of the log on a card, from its beginning and from its end."""


def of_devices(result: Result) -> list[str]:
    """A card for each device: who it is, what protects it, who uses it, what is on it, what the log says."""
    if not result["devices"]:
        return ["No drive is plugged in."]
    lines: list[str] = []
    for device in result["devices"]:
        lines += _card(device)
    return lines[:-1]


def _unmount(at: str) -> str:
    return "this computer runs from it" if at == "/" else f"before acquiring: umount {quote(at)}"


def _card(d: Result) -> list[str]:
    name = " ".join(part for part in (d["vendor"], d["model"]) if part) or "unnamed"
    sectors = f"sectors of {d['sector_size']}"
    if d["physical_sector_size"] not in (0, d["sector_size"]):
        sectors += f" ({d['physical_sector_size']} inside)"
    version = ", ".join(
        part
        for part in (
            d["usb_id"] and f"USB {d['usb_id']}",
            d["usb_release"] and f"release {d['usb_release']}",
            d["firmware"] and f"firmware {d['firmware']}",
        )
        if part
    )
    bus = d["bus"].upper() or "unknown"
    if d["usb_port"]:
        bus += f" port {d['usb_port']}"
    if d["lun"] is not None and d["usb_id"]:
        bus += f", logical unit {d['lun']} of {len(d['luns'])}"
    kind = ["optical"] if d["optical"] else []
    kind += ["removable"] if d["removable"] else []
    state = "read-only flag set" if d["read_only"] else "WRITABLE: the kernel's read-only flag is not set"
    rows = [
        ("size", f"{d['size']:,} bytes, {sectors}"),
        ("serial", d["serial"] or "none given"),
        ("known as", version),
        ("attached", ", ".join([bus, *kind])),
        ("state", state),
    ]
    for mount in d["mounts"]:
        how = "MOUNTED FOR WRITING" if mount["writable"] else "mounted read-only"
        rows.append(("in use", f"{mount['path']} {how} at {mount['at']}; " + _unmount(mount["at"])))
    rows += [("in use", what) for what in d["in_use"]]
    if d["table"] or d["partitions"]:
        rows.append(("table", d["table"] or "kind not told"))
    for part in d["partitions"]:
        told = ", ".join(
            text for text in (part["kind"], part["file_system"], part["label"] and repr(part["label"])) if text
        )
        rows.append(("", f"{part['path']:<12} {part['size']:>16,} bytes  {told}"))
    rows.append(("hidden", d["hidden_areas"]))
    rows += [("note", note) for note in d["notes"]]
    log = d.get("history")
    if log:
        rows.append(("log", log["detail"]))
        said = [f"{row['time']}  {row['text']}" for row in log["rows"]]
        if len(said) > 2 * LOG_LINES:
            left_out = f"… {len(said) - 2 * LOG_LINES:,} lines left out; --json has them"
            said = [*said[:LOG_LINES], left_out, *said[-LOG_LINES:]]
        rows += [("", line) for line in said]
    lines = [f"{d['path']}   {name}", *(f"  {label:<9} {text}" for label, text in rows if text)]
    return [*map(_shown, lines), ""]


def _shown(untrusted: str) -> str:
    """Names, labels and log lines come from the drive: what could steer a terminal is shown as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in untrusted)


def of_out(result: Result) -> list[str]:
    lines = [f"Written: {result['out']}"]
    for name in ("sha256", "tagmanifest_sha256"):
        if result.get(name):
            lines.append(f"  {name.replace('_', ' ').upper()} {result[name]}")
    if "signed" in result and not result["signed"]:
        lines.append("  It is a draft: not signed.")
    return lines
