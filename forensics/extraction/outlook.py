"""Outlook: messages saved as files (MSG, [MS-OXMSG]), and whole stores (PST, OST) by libpff."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTPUTF8
from typing import Any

from forensics.extraction import compound
from forensics.extraction.content import CHILDREN_LIMIT, Content, Damaged, Found, NotExamined, one_line, pieces
from forensics.extraction.markup import html_lines, rtf_lines
from forensics.model import Child, Unit, failed

# [MS-OXPROPS]: numbers of properties.
_CLASS, _SUBJECT, _HEADERS = 0x001A, 0x0037, 0x007D
_SENDER, _SENDER_MAIL, _SENDER_SMTP = 0x0C1A, 0x0C1F, 0x5D01
_TO, _CC, _BCC = 0x0E04, 0x0E03, 0x0E02
_BODY, _RTF, _HTML = 0x1000, 0x1009, 0x1013
_NAME, _MAIL, _SMTP = 0x3001, 0x3003, 0x39FE
_DATA, _LONG_NAME, _SHORT_NAME = 0x3701, 0x3707, 0x3704
_BIRTHDAY = 0x3A42
_SHOWN = frozenset((_CLASS, _SUBJECT, _HEADERS, _SENDER, _SENDER_MAIL, _SENDER_SMTP, _TO, _CC, _BCC, _BODY, _HTML))

_STREAM = "__substg1.0_"
_ATTACHMENT, _RECIPIENT = "__attach_version1.0_", "__recip_version1.0_"
_WIDE, _NARROW, _BINARY, _STORAGE, _TIME = 0x001F, 0x001E, 0x0102, 0x000D, 0x0040
_ATTACHMENT_DEPTH = 8


# --------------------------------------------------------------------------------------------------------------- MSG


def extract_msg(content: Content) -> Iterator[Found]:
    """One stream `text`, headers first; what else it says of a person in one line; attachments are children."""
    with compound.opened(content.whole()) as opened:
        tree = compound.tree(opened)
    held = _properties(tree)
    yield from pieces(_message_lines(tree, held), ("text",), Unit.LINE)
    yield from pieces([_of_the_person(held)], ("properties",), Unit.LINE)
    for name in sorted(tree):
        if name.startswith(_ATTACHMENT) and isinstance(tree[name], dict):
            yield from _attachment(tree[name])


def _properties(storage: dict[str, Any]) -> dict[int, Any]:
    """Property number → text, bytes or date. Texts of eight bits a character are taken for Windows' Western ones."""
    held: dict[int, Any] = {}
    for name, data in storage.items():
        if not name.startswith(_STREAM) or not isinstance(data, bytes):
            continue
        try:
            number, kind = int(name[12:16], 16), int(name[16:20], 16)
        except ValueError:
            continue
        if kind == _WIDE:
            held[number] = data.decode("utf-16-le", "replace").rstrip("\0")
        elif kind == _NARROW:
            held[number] = data.decode("cp1252", "replace").rstrip("\0")
        elif kind == _BINARY:
            held[number] = data
    fixed = storage.get("__properties_version1.0", b"")
    # [MS-OXMSG] 2.4: entries of 16 bytes behind a header of 8, 24 or 32; their tags tell where they begin.
    for at in range(len(fixed) % 16, len(fixed) - 15, 16) if isinstance(fixed, bytes) else ():
        kind, number, _, value = struct.unpack_from("<HHIQ", fixed, at)
        if kind == _TIME and number == _BIRTHDAY:
            held[number] = _day(value)
    return held


def _day(file_time: int) -> str:
    try:
        return (datetime.datetime(1601, 1, 1) + datetime.timedelta(microseconds=file_time // 10)).date().isoformat()
    except OverflowError:
        return ""


def _message_lines(tree: dict[str, Any], held: dict[int, Any]) -> Iterator[str]:
    sender = " ".join(str(held[n]) for n in (_SENDER, _SENDER_SMTP, _SENDER_MAIL) if held.get(n))
    for label, value in (
        ("From", sender), ("To", held.get(_TO)), ("Cc", held.get(_CC)), ("Bcc", held.get(_BCC)),
        ("Subject", held.get(_SUBJECT)),
    ):  # fmt: skip
        if value:
            yield one_line(f"{label}: {value}")
    for name in sorted(tree):
        if name.startswith(_RECIPIENT) and isinstance(tree[name], dict):
            of_them = _properties(tree[name])
            yield one_line("Recipient: " + " ".join(str(of_them[n]) for n in (_NAME, _SMTP, _MAIL) if of_them.get(n)))
    if isinstance(held.get(_HEADERS), str):
        yield from map(one_line, held[_HEADERS].splitlines())
    yield from _body_lines(held.get(_BODY), held.get(_HTML), held.get(_RTF))


def _body_lines(text: Any, html: Any, rtf: Any) -> Iterator[str]:
    if isinstance(text, str) and text.strip():
        yield from map(one_line, text.splitlines())
    elif html:
        yield from html_lines(html.encode() if isinstance(html, str) else html)
    elif isinstance(rtf, bytes) and rtf:
        yield from rtf_lines(expanded_rtf(rtf))


def _of_the_person(held: dict[int, Any]) -> str:
    """What a contact or an appointment says beside its text, in one line: names, addresses, numbers, a birthday."""
    return "\t".join(
        one_line(value) for number, value in sorted(held.items()) if isinstance(value, str) and number not in _SHOWN
    )


def _attachment(storage: dict[str, Any]) -> Iterator[Child]:
    held = _properties(storage)
    name = str(held.get(_LONG_NAME) or held.get(_SHORT_NAME) or held.get(_NAME) or "attachment")
    encoded = name.encode("utf-8", "surrogateescape")
    message = storage.get(f"{_STREAM}{_DATA:04X}{_STORAGE:04X}")
    if isinstance(message, dict):
        yield Child(encoded, compound.rebuilt(message))
    elif isinstance(held.get(_DATA), bytes):
        yield Child(encoded, held[_DATA])


# [MS-OXRTFCP] 3.1.2: the dictionary every compressed RTF begins with.
_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def expanded_rtf(data: bytes) -> bytes:
    """RTF without the compression that Outlook puts over it. Raises `Damaged` where it is none."""
    if len(data) < 16:
        raise Damaged("the compressed text is cut short")
    _, size, kind, _ = struct.unpack_from("<2I4sI", data)
    if kind == b"MELA":
        return data[16 : 16 + size]
    if kind != b"LZFu":
        raise Damaged("the compressed text is damaged")
    window = bytearray(4096)
    window[: len(_RTF_START)] = _RTF_START
    at, write = 16, len(_RTF_START)
    out = bytearray()
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if at >= len(data):
                break
            if not control >> bit & 1:
                run = data[at : at + 1]
                at += 1
            else:
                if at + 2 > len(data):
                    return bytes(out)
                reference = data[at] << 8 | data[at + 1]
                at += 2
                start, length = reference >> 4, (reference & 0x0F) + 2
                if start == write:
                    return bytes(out)
                run = b""
                for n in range(length):
                    byte = window[(start + n) % 4096]
                    window[write] = byte
                    write = (write + 1) % 4096
                    run += bytes([byte])
                out += run
                continue
            out += run
            window[write] = run[0]
            write = (write + 1) % 4096
    return bytes(out[:size])


# ---------------------------------------------------------------------------------------------------------- PST, OST


def extract_store(content: Content) -> Iterator[Found]:
    """Each item of a PST or OST as a child: a mail with its attachments, also those that lost their folder."""
    import pypff

    store = pypff.file()
    with content.stream() as stream:
        store.open_file_object(stream)
        try:
            left = CHILDREN_LIMIT
            waiting: list[tuple[Any, str, int]] = [(store.get_root_folder(), "", 0)]
            while waiting:
                folder, path, depth = waiting.pop()
                if depth > 64:
                    raise NotExamined("folders nested deeper than the limit")
                for number in range(folder.get_number_of_sub_folders()):
                    inner = folder.get_sub_folder(number)
                    waiting.append((inner, f"{path}{_said(inner, 'name') or number}/", depth + 1))
                for number in range(folder.get_number_of_sub_messages()):
                    child = _item(lambda f=folder, n=number: f.get_sub_message(n), f"{path}item {number + 1}.eml")
                    left -= len(child.data)
                    if left < 0:
                        raise NotExamined("more packed content than the limit")
                    yield child
            for number in range(store.get_number_of_orphan_items()):
                yield _item(lambda n=number: store.get_orphan_item(n), f"orphan item {number + 1}.eml")
        finally:
            store.close()


def _item(read: Any, name: str) -> Child:
    encoded = name.encode("utf-8", "replace")
    try:
        return Child(encoded, _as_mail(read(), 0).as_bytes())
    except (OSError, ValueError, LookupError, TypeError) as error:
        return Child(encoded, b"", failed(f"the item could not be read ({type(error).__name__})"))


def _said(item: Any, attribute: str) -> Any:
    """A property that libpff may not have, or not be able to read."""
    try:
        return getattr(item, attribute, None)
    except (OSError, ValueError):
        return None


def _as_mail(item: Any, depth: int) -> EmailMessage:
    """An item of the store as a mail of its own: headers, text, and attachments as they were."""
    held = _entries(item)
    mail = EmailMessage(policy=SMTPUTF8)
    for label, value in (
        ("From", " ".join(str(held[n]) for n in (_SENDER, _SENDER_SMTP, _SENDER_MAIL) if held.get(n))),
        ("To", held.get(_TO)), ("Cc", held.get(_CC)), ("Bcc", held.get(_BCC)), ("Subject", held.get(_SUBJECT)),
        ("Date", _said(item, "delivery_time")), ("X-Item-Class", held.get(_CLASS)),
    ):  # fmt: skip
        # Addresses as the store spells them are seldom addresses by the standard of mail.
        mail._headers.append((label, one_line(str(value or "")).encode("ascii", "xmlcharrefreplace").decode()))  # type: ignore[attr-defined]
    lines = [_of_the_person(held), *str(_said(item, "transport_headers") or "").splitlines()]
    html, rtf = _said(item, "html_body"), _said(item, "rtf_body")
    text = _said(item, "plain_text_body")
    plain = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if isinstance(plain, str) and plain.strip():
        lines += plain.splitlines()
    elif html:
        lines += html_lines(html.encode() if isinstance(html, str) else bytes(html))
    elif rtf:
        lines += rtf_lines(bytes(rtf))
    mail.set_content("\n".join(map(one_line, lines)) + "\n", cte="base64")
    for number in range(_said(item, "number_of_attachments") or 0):
        attachment = item.get_attachment(number)
        name = one_line(str(_said(attachment, "long_filename") or f"attachment {number + 1}"))
        if _said(attachment, "number_of_sub_items") and depth < _ATTACHMENT_DEPTH:
            data = _as_mail(attachment.get_sub_item(0), depth + 1).as_bytes()
        else:
            size = _said(attachment, "size") or 0
            if size > CHILDREN_LIMIT:
                raise ValueError("an attachment larger than the limit")
            data = attachment.read_buffer(size) if size else b""
        mail.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return mail


def _entries(item: Any) -> dict[int, Any]:
    held: dict[int, Any] = {}
    for number in range(_said(item, "number_of_record_sets") or 0):
        records = item.get_record_set(number)
        for place in range(_said(records, "number_of_entries") or 0):
            entry = records.get_entry(place)
            kind, property_number = _said(entry, "value_type"), _said(entry, "entry_type")
            if property_number is None:
                continue
            if kind in (_WIDE, _NARROW):
                held.setdefault(property_number, _said(entry, "data_as_string") or "")
            elif kind == _TIME and property_number == _BIRTHDAY and (moment := _said(entry, "data_as_datetime")):
                held[property_number] = moment.date().isoformat()
    return held
