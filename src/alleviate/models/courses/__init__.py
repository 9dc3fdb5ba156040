"""The expected course of a measure over treatment, and how sure it is."""
