"""Turns the content of a file into what can be matched: text, tables, and the contents packed inside it."""
