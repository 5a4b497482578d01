"""What a journal and the chain say in the end, without what may differ from run to run."""

import json
from pathlib import Path
from typing import Any

from plasma_guard.journal import read_journal
from plasma_guard.journal.history import CaseHistory
from support.arena import Arena


async def end_state(net: Arena, journal: Path) -> dict[str, Any]:
    """Return what must be the same however often the guard died: times, heights and hashes are left out."""
    async with read_journal(journal) as reader:
        histories = await reader.histories()
        observations = await reader.observations()
        exits = await reader.tracked_exits()
    return {
        "cases": [_case(each) for each in histories],
        "reports": sorted(
            (each.observation.kind, json.loads(each.observation.body)["utxo_pos"]) for each in observations
        ),
        "exits": sorted((each.position.encode(), each.judgement.value, each.running) for each in exits),
        "challenged": [each.position.encode() for each in await net.challenges()],
        "transactions": (await net.spent()).transactions,
    }


def _case(history: CaseHistory) -> dict[str, Any]:
    case = history.case
    return {
        "about": (case.key.kind.value, case.position.encode(), case.event),
        "closure": case.closure.value if case.closure else None,
        # To wait for a source costs nothing, and how often it must differs from run to run.
        "verdicts": [
            (each.record.verdict, each.record.action)
            for each in history.decisions
            if each.record.verdict != "hold"
        ],
        "intents": [
            (
                intent.candidate.purpose,
                type(intent.outcome).__name__,
                # A guard that was away may price anew; one nonce, and one of its transactions is mined.
                sorted({each.nonce for each in intent.attempts}),
                [each.status.value for each in intent.attempts].count("mined"),
            )
            for intent in history.intents
        ],
    }
