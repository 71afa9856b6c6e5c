"""The verbs: each takes a case from one stage to the next. The only room that knows the others."""
