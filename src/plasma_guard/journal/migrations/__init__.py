"""Numbered steps from an empty file to the tables of today; each is written once and never edited."""
