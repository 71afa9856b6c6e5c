"""Source records: read from the organisation's own file or database, columns guessed and shown, values brought to one
spelling."""

from forensics.matching.records.columns import Column, DateOrder, SourceFile, understand
from forensics.matching.records.fields import FIELDS
from forensics.matching.records.origin import Origin
from forensics.matching.records.quality import DistinctPersons, Quality, namesakes, one_person_by
from forensics.matching.records.reading import Reader, read

__all__ = [
    "FIELDS", "Column", "DateOrder", "DistinctPersons", "Origin", "Quality", "Reader", "SourceFile", "namesakes",
    "one_person_by", "read", "understand",
]  # fmt: skip
