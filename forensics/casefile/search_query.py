"""What a person types into the search, as a tree of words and phrases.

| written | finds |
|---|---|
| `anna smith` | files that hold both words, in any order and place |
| `"anna smith"` | the words beside each other; in a table also in two neighbouring cells |
| `smit*` | words that begin so; `"anna smi*"` works too |
| `a OR b`, `a NOT b`, `( … )` | either; without; groups. `AND` may be written |
| `899-77-0123`, `a.lee@example.com` | a word with signs in it is a phrase of its parts |
| `name:payroll` | only names of files and folders |

Case and accents do not count. Numbers of nine digits are also looked for as 3-2-4 digits, and the other way round; ä, ö
and ü also as ae, oe, ue, and the other way round. `Search.read_as` says all that is looked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from forensics.errors import Refused

LONGEST = 1_000
"""Characters of a query, and far more than its words need."""

MOST_WORDS = 50
DEEPEST = 20

_UMLAUT = {"ä": "ae", "ö": "oe", "ü": "ue"}
_WRITTEN_OUT = re.compile(r"(?<![aeoq])(?:ae|oe|ue)")
_TOKEN = re.compile(
    r'\s+|(?P<open>\()|(?P<close>\))|(?P<name>name:)?(?:"(?P<phrase>[^"]*)(?P<end>"?)|(?P<word>[^\s()"]+))'
)


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand beside each other, in every form that is looked for; `prefix` leaves the last one open."""

    forms: tuple[tuple[str, ...], ...]
    prefix: bool = False
    only_names: bool = False

    @property
    def expression(self) -> str:
        """The term for FTS5's MATCH. Every word is quoted, so nothing in it is an operator."""
        star = " *" if self.prefix else ""
        return " OR ".join('"' + " ".join(words) + '"' + star for words in self.forms)


@dataclass(frozen=True, slots=True)
class Both:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Either:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Without:
    wanted: Node
    unwanted: Node


Node = Term | Both | Either | Without


@dataclass(frozen=True, slots=True)
class Search:
    """A query that was understood."""

    root: Node

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms whose places are shown: all but those behind NOT."""
        return tuple(_shown(self.root))

    @property
    def read_as(self) -> str:
        """The query as it is carried out, with every form that is looked for."""
        return _said(self.root)


def parse(query: str) -> Search:
    """The query as a tree. Raises `Refused`, with what to write instead, where it is not one."""
    if len(query) > LONGEST:
        raise Refused(f"The search is longer than {LONGEST:,} characters.", "Search for its most telling words.")
    if not query.strip():
        raise Refused("There is nothing to search for.", 'Type a word, or several in quotes: "anna smith".')
    reader = _Reader(list(_tokens(query)))
    root = reader.either(0)
    if reader.left:
        raise Refused("A parenthesis is closed that was not opened.", "Take it away, or open one before it.")
    return Search(root)


@dataclass(frozen=True, slots=True)
class _Sign:
    """An operator or a parenthesis."""

    text: str


def _tokens(query: str) -> Iterator[_Sign | Term]:
    words = 0
    for found in _TOKEN.finditer(query):
        if found["open"] or found["close"]:
            yield _Sign(found[0])
        elif found["word"] in ("AND", "OR", "NOT") and not found["name"]:
            yield _Sign(found["word"])
        elif found["word"] is not None or found["phrase"] is not None:
            if found["phrase"] is not None and not found["end"]:
                raise Refused("A quote is not closed.", 'Put a " at the end of the phrase, or leave the first one out.')
            made = _term(found["word"] if found["phrase"] is None else found["phrase"], bool(found["name"]))
            words += max(map(len, made.forms))
            if words > MOST_WORDS:
                raise Refused(f"The search has more than {MOST_WORDS} words.", "Search for its most telling words.")
            yield made


class _Reader:
    """Recursive descent: OR binds weakest, then AND and NOT from left to right, then parentheses."""

    def __init__(self, tokens: list[_Sign | Term]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def left(self) -> bool:
        return self._at < len(self._tokens)

    def _sign(self) -> str:
        token = self._tokens[self._at] if self.left else None
        return token.text if isinstance(token, _Sign) else ""

    def either(self, depth: int) -> Node:
        if depth > DEEPEST:
            raise Refused(f"More than {DEEPEST} parentheses stand in each other.", "Search in several steps.")
        parts = [self._both(depth)]
        while self._sign() == "OR":
            self._at += 1
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self, depth: int) -> Node:
        found = self._one(depth)
        while self.left and self._sign() not in ("OR", ")"):
            sign = self._sign()
            if sign in ("AND", "NOT"):
                self._at += 1
            if sign == "AND" and self._sign() == "NOT":
                sign, self._at = "NOT", self._at + 1
            more = self._one(depth)
            if sign == "NOT":
                found = Without(found, more)
            else:
                found = Both((*found.parts, more) if isinstance(found, Both) else (found, more))
        return found

    def _one(self, depth: int) -> Node:
        if not self.left:
            raise Refused("The search ends where a word is missing.", "Write a word behind the last AND, OR, NOT or (.")
        token = self._tokens[self._at]
        self._at += 1
        if isinstance(token, Term):
            return token
        if token.text == "(":
            inner = self.either(depth + 1)
            if self._sign() != ")":
                raise Refused("A parenthesis is not closed.", "Put a ) at its end, or leave the first one out.")
            self._at += 1
            return inner
        if token.text == "NOT":
            raise Refused(
                "NOT only takes away from what is found.", "Put what is looked for before it: smith NOT invoice."
            )
        raise Refused(
            f"A word is missing before {token.text}.",
            'Put words on both sides of AND and OR; to look for the word itself, put it into quotes: "or".',
        )


def _term(text: str, only_names: bool) -> Term:
    prefix = text.endswith("*")
    words = tuple(_words(text))
    if not words:
        raise Refused(
            "A word or phrase has no letter or digit in it.",
            "Only letters and digits are searched; leave the rest out.",
        )
    return Term(tuple(dict.fromkeys(_forms(words))), prefix, only_names)


def _words(text: str) -> Iterator[str]:
    """The words as the index has them: runs of letters and digits, in small letters; accents are left to it.

    Marks are part of a word: what is written with combining accents is one word and not two.
    """
    word = ""
    for character in unicodedata.normalize("NFC", text):
        kind = unicodedata.category(character)
        if kind[0] in "LN" or kind == "Co" or (word and kind[0] == "M"):
            word += character
        elif word:
            yield word.lower()
            word = ""
    if word:
        yield word.lower()


def _forms(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield words
    if [len(word) for word in words] == [3, 2, 4] and all(map(str.isdecimal, words)):
        yield ("".join(words),)
    if len(words) == 1 and len(words[0]) == 9 and words[0].isdecimal():
        yield words[0][:3], words[0][3:5], words[0][5:]
    written_out = tuple("".join(_UMLAUT.get(character, character) for character in word) for word in words)
    if written_out != words:
        yield written_out
    else:
        # The index has ü as u.
        yield tuple(_WRITTEN_OUT.sub(lambda pair: pair[0][0], word) if len(word) > 3 else word for word in words)


def _shown(node: Node) -> Iterator[Term]:
    if isinstance(node, Term):
        yield node
    elif isinstance(node, Without):
        yield from _shown(node.wanted)
    else:
        for part in node.parts:
            yield from _shown(part)


def _said(node: Node, inside: bool = False) -> str:
    if isinstance(node, Term):
        star = "*" if node.prefix else ""
        forms = [" ".join(words) + star for words in node.forms]
        quoted = [f'"{form}"' if " " in form else form for form in forms]
        name = "name:" if node.only_names else ""
        return name + (quoted[0] if len(quoted) == 1 else f"({' OR '.join(quoted)})")
    if isinstance(node, Without):
        said = f"{_said(node.wanted, True)} NOT {_said(node.unwanted, True)}"
    else:
        said = f" {'AND' if isinstance(node, Both) else 'OR'} ".join(_said(part, True) for part in node.parts)
    return f"({said})" if inside else said
