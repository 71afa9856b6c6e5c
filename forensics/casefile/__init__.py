"""The case on disk: one folder, one encrypted database, and the only room that speaks SQL."""
