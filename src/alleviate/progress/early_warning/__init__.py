"""Early warning from a person's own daily data: a shift, a wider spread, a slower return."""
