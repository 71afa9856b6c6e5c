"""The pieces that every section is built from: headings, sentences, lists."""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.platypus import Flowable, Paragraph

from forensics.report.typography import markup, styles


class Heading(Paragraph):  # type: ignore[misc]
    """A section's title; `document` makes a bookmark and a line of the table of contents of it."""

    def __init__(self, text: str, key: str) -> None:
        super().__init__(markup(text), styles()["h1"])
        self.title, self.key = text, key


def h2(text: str) -> Flowable:
    return Paragraph(markup(text), styles()["h2"])


def p(text: str, style: str = "body") -> Flowable:
    return Paragraph(markup(text), styles()[style])


def bullets(texts: Sequence[str]) -> list[Flowable]:
    return [Paragraph(markup(text), styles()["bullet"], bulletText="•") for text in texts]
