"""Something to practise on: a returned drive and its source records, made up from a seed and true to a known answer."""
