"""The web app, its interfaces, and the one composition root."""
