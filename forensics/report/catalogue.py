"""The fixed lists that stand in annexes: the catalogue of elements, and the words of the report."""

from __future__ import annotations

ELEMENTS = {
    "name": "Given and family name of the person, in either order",
    "birth_date": "Date of birth, in any of the spellings that were searched for",
    "ssn": "Social Security number, all nine digits; the last four alone never count",
    "member_id": "The organisation’s own number of the person as a member",
    "address": "Street address",
    "phone": "Telephone number, ten digits",
    "email": "E-mail address",
    "drivers_license": "Number of a driver’s licence or state identification card",
    "passport": "Number of a passport or other federal identity document",
    "tax_id": "Taxpayer number other than a Social Security number",
    "financial_account": "Account or card number, with or without its code",
    "medical": "Diagnosis, treatment, or another statement about health",
    "health_insurance": "Policy or subscriber number, or claims history",
    "mrn": "Medical record number of a provider",
    "login": "User name or e-mail address together with a password or its answer",
    "biometric": "Measurements of the body that identify",
    "genetic": "Genetic data",
    "vehicle": "Vehicle identification or plate number",
    "device_serial": "Serial number of a device of the person",
    "ip": "Network address",
    "url": "Address of a page of the person",
    "photo": "Photograph of the face",
    "certificate": "Number of a certificate or licence",
    "other_id": "Another number that is unique to the person",
}

GLOSSARY = {
    "Acquisition": "The copying of every byte of an exhibit that can be read into an image.",
    "Ceiling": "Everybody for whom there is any evidence in the bytes examined.",
    "Chance agreement": "A value on the exhibit that equals one in the records although it is not about that person.",
    "Confirmed, probable, possible": "How sure it is that a person’s data is on the exhibit; section 8 has the rule.",
    "Coverage": "How many bytes of the device were examined, and why the others were not.",
    "Custody ledger": "The list of everything done with an exhibit and its image; each entry names the digest of the "
    "one before it.",
    "Decoy": "A record with one value replaced, so that it cannot be on the exhibit for cause; its hits are chance.",
    "Deleted": "A file whose directory entry says that it is no longer in use; its bytes may still be there.",
    "Digest": "A number computed from bytes (SHA-256 here) that changes if any of them does.",
    "Element": "A kind of personal data, such as a birth date; annex E lists them.",
    "Exhibit": "The thing that was received, with its label.",
    "Floor": "Persons confirmed, less the most that chance explains of them.",
    "Image": "The file or files that hold the copy of an exhibit.",
    "Interval": "The range that would hold the true number in 95 of 100 such examinations, as far as chance agreement "
    "goes.",
    "Locator": "The name of a place on the exhibit: volume, path, and the row or byte within.",
    "Place": "A row, line or run of bytes at which a person’s data stands.",
    "Source records": "The organisation’s own table of persons that the exhibit was compared with.",
    "Unallocated": "Space of a volume that no file uses now; what stood there may be left.",
}
