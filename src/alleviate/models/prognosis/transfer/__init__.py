"""Starting from what was learned in another population."""
