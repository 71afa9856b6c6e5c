"""Bytes to candidates: finds in any bytes what could be an identifier, and asks a `Probe` whether a record has it."""
