"""Watches a plasma chain and challenges fraud, or exits, before the deadline."""
