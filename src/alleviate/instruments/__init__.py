"""Questionnaires as data, one folder each: items, scoring, cut-offs, change rules, licence, examples."""
