"""Storage: records, consent, decisions, the audit chain, and keys."""
