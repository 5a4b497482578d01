"""What survives a crash: observations, cases, decisions, intents, signed attempts and outcomes."""

from plasma_guard.journal.journal import SqlJournal, open_journal
from plasma_guard.journal.reading import JournalReader, read_journal

__all__ = ["JournalReader", "SqlJournal", "open_journal", "read_journal"]
