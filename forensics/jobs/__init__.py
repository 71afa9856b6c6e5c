"""How work runs: events, progress, cancel, and the pool of isolated workers."""
