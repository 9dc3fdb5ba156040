"""Learn from trials and records who is helped by which treatment, and advise the next patient."""

__version__ = "0.1.0"
