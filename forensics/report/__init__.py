"""What the case says, for people who were not there: a report they can check, in a package that proves itself."""
