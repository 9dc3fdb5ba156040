"""One module or folder for each format that data come in."""
