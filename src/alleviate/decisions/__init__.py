"""The ledger of decisions: the one table of states and moves, and who may make them."""
