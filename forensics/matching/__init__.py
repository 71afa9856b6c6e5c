"""The organisation's own records, made findable, and the evidence that one of them stands at a place."""
