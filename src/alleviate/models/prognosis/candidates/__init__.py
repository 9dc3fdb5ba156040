"""One file a candidate: how it is tuned, fitted, explained and kept."""
