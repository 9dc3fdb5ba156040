"""The recommendation, in words and numbers."""
