"""The demonstration: a synthetic clinic with people, packages learned from its own past, and known truth."""
