"""Mail: the headers and text of a message, its attachments, and the messages of a mailbox."""

from __future__ import annotations

import email
import email.header
import email.message
import email.policy
import re
from collections.abc import Iterator

from forensics.extraction.content import WHOLE_LIMIT, Content, one_line, pieces
from forensics.extraction.markup import html_lines
from forensics.model import Child, Piece, Unit, not_examined

_SHOWN = ("from", "to", "cc", "bcc", "reply-to", "subject", "date")


def extract_message(content: Content) -> Iterator[Piece | Child]:
    """One stream `text`, headers first; attachments and attached messages are children."""
    # The compat32 policy never raises on malformed headers, the newer ones do.
    message = email.message_from_bytes(content.whole(), policy=email.policy.compat32)
    children: list[Child] = []
    yield from pieces(_lines(message, children), ("text",), Unit.LINE)
    yield from children


def _lines(message: email.message.Message, children: list[Child]) -> Iterator[str]:
    for name in _SHOWN:
        for value in message.get_all(name, []):
            yield one_line(f"{name.title()}: {_decoded(str(value))}")
    waiting: list[email.message.Message] = [message]
    while waiting:
        part = waiting.pop(0)
        kind = part.get_content_type()
        payload = part.get_payload()
        if kind == "message/rfc822" and isinstance(payload, list):
            children += [Child(b"message.eml", inner.as_bytes()) for inner in payload if not isinstance(inner, str)]
        elif isinstance(payload, list):
            waiting = [inner for inner in payload if isinstance(inner, email.message.Message)] + waiting
        else:
            data = part.get_payload(decode=True)
            data = data if isinstance(data, bytes) else b""
            given_name = part.get_filename()
            if given_name or part.get_content_maintype() != "text":
                if data:
                    children.append(Child(_decoded(given_name or kind).encode("utf-8", "surrogateescape"), data))
            elif kind == "text/html":
                yield from html_lines(data) if data.strip() else ()
            else:
                yield from map(one_line, _text(data, part.get_content_charset()).splitlines())


def _text(data: bytes, charset: str | None) -> str:
    try:
        return data.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return data.decode("latin-1")


def _decoded(value: str) -> str:
    """A header value with its encoded words (RFC 2047) as text, or as it stands where they are broken."""
    try:
        return str(email.header.make_header(email.header.decode_header(value)))
    except (LookupError, ValueError):
        return value


def extract_mailbox(content: Content) -> Iterator[Piece | Child]:
    """Each message of an mbox file as a child `message n.eml` (RFC 4155), of a file of any size."""
    for number, message in enumerate(_messages(content), 1):
        name = f"message {number}.eml".encode()
        yield Child(name, message) if message is not None else Child(name, b"", not_examined(TOO_LARGE))


TOO_LARGE = f"a message larger than the limit of {WHOLE_LIMIT >> 20} MiB"
_FROM = re.compile(rb"\nFrom [^\n]*\n")
_BLOCK = 8 << 20


def _messages(content: Content) -> Iterator[bytes | None]:
    """The messages, without the lines that part them; None for one that is too large to be parsed."""
    with content.stream() as stream:
        # As if a line stood before the first: then every message begins behind the same pattern.
        held, searched = bytearray(b"\n"), 0
        begun = dropped = False
        while block := stream.read(_BLOCK):
            held += block
            at = 0
            while parting := _FROM.search(held, searched):
                if begun:
                    yield None if dropped else bytes(held[at : parting.start()])
                # The line feed at its end may be the one that stands before the next.
                at, searched = parting.end(), parting.end() - 1
                begun, dropped = True, False
            # What parts messages may be cut in two; a line of it is never that long.
            searched = max(searched, len(held) - (64 << 10))
            if len(held) - at > WHOLE_LIMIT:
                dropped, at = True, searched
            del held[:at]
            searched = max(0, searched - at)
        if begun:
            yield None if dropped else bytes(held)
