"""One page a step of the examination, in the order of the rail."""
