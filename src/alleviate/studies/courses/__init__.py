"""Courses of scores: read them, learn from them, judge, forecast, and sweep the vault."""
