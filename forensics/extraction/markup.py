"""HTML and RTF as lines of text."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from lxml import etree

from forensics.extraction import compound
from forensics.extraction.content import CHILDREN_COUNT, Content, NotExamined, one_line, pieces
from forensics.extraction.tables import encoding_of
from forensics.model import Child, Piece, Unit, failed

_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "br", "caption", "dd", "div", "dl", "dt", "fieldset",
    "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "li", "main", "nav",
    "ol", "option", "p", "pre", "section", "select", "table", "tbody", "textarea", "tfoot", "thead", "title", "tr",
    "ul",
))  # fmt: skip
_CELLS = frozenset(("td", "th"))
_SILENT = frozenset(("script", "style"))


def extract_html(content: Content) -> Iterator[Piece | Child]:
    """One stream `text`: a line a block, cells of a table row by TAB. Scripts stay to the scan of all bytes.

    What the page carries inside itself as `data:` is a child (RFC 2397).
    """
    data = content.whole()
    yield from pieces(html_lines(data), ("text",), Unit.LINE)
    for number, match in enumerate(_CARRIED.finditer(data), 1):
        if number > CHILDREN_COUNT:
            raise NotExamined(f"more than {CHILDREN_COUNT:,} members")
        carried = re.sub(rb"%[0-9A-Fa-f]{2}|\s", _unescaped, match[1])
        name = f"data {number}".encode()
        try:
            yield Child(name, binascii.a2b_base64(carried))
        except binascii.Error:
            yield Child(name, b"", failed("the data inside the page is damaged or cut short"))


_CARRIED = re.compile(
    rb"data:[\w.+-]{1,64}/[\w.+-]{1,128}(?:;[\w=.+-]{1,64}){0,4};base64,((?:[A-Za-z0-9+/=\s]|%[0-9A-Fa-f]{2})+)"
)


def _unescaped(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    return bytes([int(escape[1:], 16)]) if escape.startswith(b"%") else b""


def html_lines(data: bytes) -> Iterator[str]:
    found = encoding_of(data[: 64 << 10], len(data))
    known = found and found[0].startswith("utf-16")
    # Otherwise the page says it itself (`meta charset`), or it is what the parser assumes.
    parser = etree.HTMLParser(no_network=True, huge_tree=False, encoding=found[0] if found and known else None)
    parser.feed(data)
    root = parser.close()
    line: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in _BLOCKS and line:
            yield _flush(line)
        if event == "start":
            silent += tag in _SILENT
            if tag and not silent:
                line.append(one_line(element.text or ""))
        else:
            silent -= tag in _SILENT
            if tag in _CELLS:
                line.append("\t")
            if not silent:
                line.append(one_line(element.tail or ""))
    if line:
        yield _flush(line)


def _flush(line: list[str]) -> str:
    text = "\t".join(" ".join(cell.split()) for cell in "".join(line).split("\t")).rstrip("\t")
    line.clear()
    return text


# RTF 1.9.1. Groups of these destinations hold no text of the document.
_RTF_SILENT = frozenset((
    "fonttbl", "colortbl", "stylesheet", "listtable", "listoverridetable", "rsidtbl", "generator", "pict",
    "themedata", "colorschememapping", "datastore", "latentstyles", "xmlnstbl", "objdata", "blipuid",
))  # fmt: skip
_RTF_TOKEN = re.compile(
    rb"\\([a-z]+)(-?\d+)? ?|\\'([0-9a-fA-F]{2})|\\([^a-z])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.DOTALL
)
_RTF_CHARACTERS = {
    "tab": " ",
    "cell": "\t",
    "nestcell": "\t",
    "emdash": "-",
    "endash": "-",
    "lquote": "'",
    "rquote": "'",
}


def extract_rtf(content: Content) -> Iterator[Piece | Child]:
    """One stream `text`, a line a paragraph; cells of a row by TAB. Pictures and embedded objects are children."""
    data = content.whole()
    yield from pieces(rtf_lines(data), ("text",), Unit.LINE)
    for number, match in enumerate(_RTF_HELD.finditer(data), 1):
        if number > CHILDREN_COUNT:
            raise NotExamined(f"more than {CHILDREN_COUNT:,} members")
        held = _rtf_bytes(data, match.end())
        if held and match[1] == b"objdata":
            yield from compound.embedded_object(held, f"object {number}".encode())
        elif held:
            yield Child(f"picture {number}".encode(), held)


_RTF_HELD = re.compile(rb"\\(pngblip|jpegblip|emfblip|objdata)(?![a-z])")
_RTF_DIGITS = re.compile(rb"[0-9a-fA-F][0-9a-fA-F\s]{63,}")
_RTF_BETWEEN = re.compile(rb"\s+|\\\*?[a-z]*-?\d{0,10}|\{[^{}]{0,512}\}")
_RTF_WORDS = 64
"""Control words, and groups like the 32 digits of an identifier, that may stand before the digits of a picture."""


def _rtf_bytes(data: bytes, at: int) -> bytes:
    """The bytes that stand in hexadecimal digits behind a control word; none where something else follows."""
    for _ in range(_RTF_WORDS):
        if digits := _RTF_DIGITS.match(data, at):
            plain = re.sub(rb"\s", b"", digits[0])
            return binascii.unhexlify(plain[: len(plain) // 2 * 2])
        between = _RTF_BETWEEN.match(data, at)
        if not between or between.end() == at:
            return b""
        at = between.end()
    return b""


def rtf_lines(data: bytes) -> Iterator[str]:
    line: list[str] = []
    groups: list[tuple[bool, int]] = []
    silent, skip_after_unicode, to_skip = False, 1, 0
    for token in _RTF_TOKEN.finditer(data):
        word, number, code, symbol, brace, text = token.groups()
        if brace == b"{":
            groups.append((silent, skip_after_unicode))
        elif brace == b"}":
            silent, skip_after_unicode = groups.pop() if groups else (False, 1)
        elif symbol == b"*":
            silent = True
        elif word:
            name = word.decode("ascii")
            if name in _RTF_SILENT:
                silent = True
            elif name in ("par", "row", "line", "sect", "page", "nestrow"):
                yield "".join(line).rstrip("\t")
                line.clear()
            elif name == "uc":
                skip_after_unicode = int(number or 1)
            elif name == "u" and number and not silent:
                line.append(chr(int(number) & 0xFFFF))
                to_skip = skip_after_unicode
            elif name in _RTF_CHARACTERS and not silent:
                line.append(_RTF_CHARACTERS[name])
        elif silent:
            continue
        elif code:
            if to_skip:
                to_skip -= 1
            else:
                line.append(bytes([int(code, 16)]).decode("cp1252", "replace"))
        elif symbol:
            line.append({b"~": " ", b"_": "-"}.get(symbol, symbol.decode("latin-1") if symbol in b"\\{}" else ""))
        elif text:
            line.append(one_line(text[to_skip:].decode("cp1252", "replace")))
            to_skip = max(0, to_skip - len(text))
    if line:
        yield "".join(line).rstrip("\t")
