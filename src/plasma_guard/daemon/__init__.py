"""Verbs, in the order an event meets them: watch, scan, audit, react, act, settle; and the supervisor."""
