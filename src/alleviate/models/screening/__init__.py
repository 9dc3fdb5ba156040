"""Scores of many questionnaires at once: who is probably a case where not asked, what asking would tell."""
