"""The command line: one file per command, each with the imports it needs and no more, for a quick start."""
