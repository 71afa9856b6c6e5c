"""Tables of a case for Qt: numbers first, then the rows on the screen."""
