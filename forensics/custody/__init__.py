"""What happened to an exhibit, by whose hand, in a form that shows every later change."""
