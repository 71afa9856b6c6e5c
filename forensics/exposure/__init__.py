"""Evidence to exposure: which persons, which elements, how sure, and counts that add up."""
