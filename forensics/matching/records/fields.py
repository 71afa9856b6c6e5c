"""The fields that a column of source records may be, what such columns are called, and what their cells look like."""

from __future__ import annotations

import re
from collections.abc import Callable

from forensics.matching import normal
from forensics.model import ELEMENTS

FIELDS = (
    "record_key", "given_name", "middle_name", "family_name", "full_name", "suffix", "birth_date", "sex", "ssn",
    "member_id", "address", "city", "state", "postal_code", "country", "phone", "email", "guardian_name", "deceased",
    "member_until", "language", "confidential_address", "personal_representative", "program", "ssa_verified",
    "sensitive", *(element for element in ELEMENTS if element not in ("name", "birth_date", "ssn", "member_id",
    "address", "phone", "email")),
)  # fmt: skip
"""What a column may be mapped to (cli.md)."""

MATCHED = (
    "record_key", "given_name", "middle_name", "family_name", "full_name", "suffix", "birth_date", "ssn", "member_id",
    "address", "city", "state", "postal_code", "phone", "email", "deceased",
)  # fmt: skip
"""The fields that matching and counting work with."""

KEPT = tuple(name for name in FIELDS if name not in MATCHED)
"""The fields that are kept beside a record, as they were given: duties, letters and review read them."""

DATE_ORDERS = ("mdy", "dmy", "excel")
"""How the numbers of a birth date column may be read: month first, day first, or as serial days of a spreadsheet
(day 1 is 1900-01-01, and day 60 the 29 February 1900 that never was: ECMA-376 part 1, 18.17.4.1)."""

NAMES: dict[str, tuple[str, ...]] = {
    "member_id": (
        "memberid", "memberno", "membernumber", "subscriberid", "patientid", "enrolleeid", "planid", "mid", "hicn",
        "mbi",
    ),
    "given_name": ("firstname", "givenname", "first", "fname", "forename", "given"),
    "middle_name": ("middlename", "middle", "middleinitial", "mname", "mi"),
    "family_name": ("lastname", "familyname", "last", "lname", "surname", "family"),
    "full_name": ("fullname", "name", "membername", "patientname", "subscribername"),
    "suffix": ("suffix", "namesuffix"),
    "birth_date": ("birthdate", "dateofbirth", "dob", "birth", "birthday", "born"),
    "sex": ("sex", "gender"),
    "ssn": ("ssn", "socialsecuritynumber", "socialsecurity", "ssno", "taxid"),
    "address": ("address", "address1", "addressline1", "street", "streetaddress", "mailingaddress", "addr1", "addr"),
    "city": ("city", "town"),
    "state": ("state", "stateprovince", "st", "region"),
    "postal_code": ("postalcode", "zip", "zipcode", "postcode"),
    "country": ("country",),
    "phone": ("phone", "phonenumber", "telephone", "homephone", "tel", "mobile", "cellphone"),
    "email": ("email", "emailaddress", "mail"),
    "guardian_name": ("guardianname", "guardian", "parentname", "parentguardian"),
    "deceased": ("deceased", "isdeceased", "deathdate", "dateofdeath"),
    "member_until": ("memberuntil", "termdate", "terminationdate", "enddate", "coverageend"),
    "language": ("language", "preferredlanguage", "spokenlanguage"),
    "confidential_address": ("confidentialaddress", "addressconfidential", "confidentialcommunication", "safeathome"),
    "personal_representative": ("personalrepresentative", "representative", "authorizedrepresentative"),
    "program": ("program", "programme", "plan", "lineofbusiness"),
    "ssa_verified": ("ssaverified", "ssnverified"),
    "sensitive": ("sensitive", "sensitivecategory", "sensitiveflag"),
    "drivers_license": ("driverslicense", "driverlicense", "licensenumber", "dlnumber"),
    "passport": ("passport", "passportnumber"),
    "financial_account": ("accountnumber", "bankaccount", "iban", "creditcard"),
    "mrn": ("mrn", "medicalrecordnumber", "chartnumber"),
    "health_insurance": ("policynumber", "groupnumber"),
    "record_key": ("recordkey", "rowid", "recordid", "key"),
}  # fmt: skip
"""Field → names of columns, letters and digits only, the likelier first."""

_MAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
_POSTAL = re.compile(r"\d{5}(?:-?\d{4})?|\d{3,4}|[A-Za-z]\d[A-Za-z] ?\d[A-Za-z]\d")
_SERIAL = re.compile(r"\d{1,5}")


def is_date(cell: str) -> bool:
    return bool(normal.dates(cell) or normal.dates(cell, True))


def is_serial_day(cell: str) -> bool:
    """Whether this could be a birth date as the day number of a spreadsheet: 1900-01-02 to 2064."""
    return bool(_SERIAL.fullmatch(cell)) and 1 < int(cell) < 60_000


def _is_name(cell: str) -> bool:
    return not any(c.isdigit() for c in cell) and bool(normal.words(cell))


LOOKS: dict[str, Callable[[str], bool]] = {
    "ssn": lambda cell: bool(normal.ssn(cell)),
    "birth_date": lambda cell: is_date(cell) or is_serial_day(cell),
    "phone": lambda cell: bool(normal.phone(cell)),
    "email": lambda cell: bool(_MAIL.fullmatch(cell)),
    "postal_code": lambda cell: bool(_POSTAL.fullmatch(cell)),
    "state": lambda cell: len(cell) == 2 and cell.isalpha(),
    "member_id": lambda cell: len(cell) <= 30 and any(c.isdigit() for c in cell) and not is_date(cell),
    "given_name": _is_name,
    "middle_name": _is_name,
    "family_name": _is_name,
    "full_name": _is_name,
    "guardian_name": _is_name,
    "member_until": is_date,
}
"""Whether a cell looks like a value of the field, where a value of the field looks like anything."""
