"""Parts that more than one page is made of; none knows a case."""
