"""How the tables of a vault came to be, step by step; applied to an older vault when it is opened."""
