"""Reliable change, the expected course, and alerts for who is not on track."""
