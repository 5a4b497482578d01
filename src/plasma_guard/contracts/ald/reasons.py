"""What PaymentExitGame's reasons for a refusal mean; the texts are those of revisions 1 and 2 alike."""

from collections.abc import Mapping

from plasma_guard.domain.actions import (
    AddExitQueue,
    ChallengeInputSpent,
    ChallengeNotCanonical,
    ChallengeOutputSpent,
    ChallengeStandardExit,
    DeleteNonPiggybacked,
    Piggyback,
    ProcessExits,
    RespondToNonCanonicalChallenge,
    StartInFlightExit,
    StartStandardExit,
)
from plasma_guard.domain.refusals import Meaning

_GONE = {"In-flight exit does not exist": Meaning.BENIGN}
_WRONG_SPEND = dict.fromkeys(
    (
        "Spending tx points to the incorrect output UTXO position",
        "Tx is not signed correctly",
        "Failed to recover the signer from the signature",
        "Spending condition contract not found",
        "MoreVpFinalization: not a MoreVP protocol tx",
        "The spending tx is an unsupported payment tx type",
    ),
    Meaning.OURS_WRONG,
)
_WRONG_PROOF = dict.fromkeys(
    (
        "Merkle proof must not be empty",
        "Length of Merkle proof must be a multiple of 32",
        "Block does not exist",
    ),
    Meaning.OURS_WRONG,
)
_UNPAYABLE = dict.fromkeys(
    # An account with code may need more than the stipend to take the bond.
    ("Incorrect senderData", "SafeEthTransfer: failed to transfer ETH"),
    Meaning.OURS_WRONG,
)
_ANY_CALL = dict.fromkeys(
    (
        "ExitGame is quarantined",
        "The call is not from a registered exit game contract",
        "Reentrant call",
        "Invalid encoding of transaction",
        "Item is not a list",
        "txIndex exceeds the size of uint16",
    ),
    Meaning.OURS_WRONG,
)
_MISSING = dict.fromkeys(
    ("Input value must match msg.value", "The queue for the (vaultId, token) pair is not yet added"),
    Meaning.RETRY,
)
_REASONS: Mapping[str, Mapping[str, Meaning]] = {
    ChallengeStandardExit.name: {
        **_WRONG_SPEND,
        **_UNPAYABLE,
        "The exit does not exist": Meaning.BENIGN,
        "Invalid exiting tx causing outputId mismatch": Meaning.OURS_WRONG,
    },
    ChallengeNotCanonical.name: {
        **_GONE,
        **_WRONG_SPEND,
        **_WRONG_PROOF,
        "Competing transaction is not older than already known competitor": Meaning.BENIGN,
        "Canonicity challenge phase for this exit has ended": Meaning.TOO_LATE,
        "Provided inputs data does not point to the same outputId": Meaning.OURS_WRONG,
        "The competitor transaction is the same as transaction in-flight": Meaning.OURS_WRONG,
        "Competing tx is not standard finalized": Meaning.OURS_WRONG,
        "OutputIndex of competingTxPos should be 0": Meaning.OURS_WRONG,
        "Failed to get the root hash of the block num": Meaning.OURS_WRONG,
        "Input index out of bounds": Meaning.OURS_WRONG,
    },
    RespondToNonCanonicalChallenge.name: {
        **_GONE,
        **_WRONG_PROOF,
        # Answered already, never challenged, or challenged by a really older competitor.
        "In-flight transaction must be older than competitors": Meaning.UNKNOWN,
        "Transaction is not included in block of Plasma chain": Meaning.OURS_WRONG,
        "Output index of txPos has to be 0": Meaning.OURS_WRONG,
        "In-flight transaction position must not be 0": Meaning.OURS_WRONG,
        "Failed to get the block root hash": Meaning.OURS_WRONG,
    },
    ChallengeInputSpent.name: {
        **_GONE,
        **_WRONG_SPEND,
        **_WRONG_PROOF,
        **_UNPAYABLE,
        "The indexed input has not been piggybacked": Meaning.BENIGN,
        "Spent input is not the same as piggybacked input": Meaning.OURS_WRONG,
        "The challenging transaction is the same as the in-flight transaction": Meaning.OURS_WRONG,
        "Invalid input index": Meaning.OURS_WRONG,
    },
    ChallengeOutputSpent.name: {
        **_GONE,
        **_WRONG_SPEND,
        **_WRONG_PROOF,
        **_UNPAYABLE,
        "Output is not piggybacked": Meaning.BENIGN,
        "In-flight transaction must be standard finalized": Meaning.OURS_WRONG,
        "Invalid output index": Meaning.OURS_WRONG,
    },
    Piggyback.name: {
        "No in-flight exit to piggyback on": Meaning.BENIGN,
        "Indexed input already piggybacked": Meaning.BENIGN,
        "Indexed output already piggybacked": Meaning.BENIGN,
        "Piggyback is possible only in the first phase of the exit period": Meaning.TOO_LATE,
        "Input value must match msg.value": Meaning.RETRY,
        "The queue for the (vaultId, token) pair is not yet added": Meaning.RETRY,
        "Can be called only by the exit target": Meaning.OURS_WRONG,
        "Indexed input is empty": Meaning.OURS_WRONG,
        "Indexed output is empty": Meaning.OURS_WRONG,
        "Invalid input index": Meaning.OURS_WRONG,
        "Invalid output index": Meaning.OURS_WRONG,
        # It can clear, but only once the exit's own priority has moved, a period after the youngest input.
        "The same priority is already enqueued": Meaning.OURS_WRONG,
    },
    StartStandardExit.name: {
        **_WRONG_PROOF,
        **_MISSING,
        "Exit has already started": Meaning.BENIGN,
        "Output is already spent": Meaning.BENIGN,
        "Only output owner can start an exit": Meaning.OURS_WRONG,
        "The transaction must be standard finalized": Meaning.OURS_WRONG,
        "Unsupported transaction type": Meaning.OURS_WRONG,
        "Output index out of bounds": Meaning.OURS_WRONG,
    },
    StartInFlightExit.name: {
        **_WRONG_SPEND,
        **_WRONG_PROOF,
        **_MISSING,
        "There is an active in-flight exit from this transaction": Meaning.BENIGN,
        "Input transaction is not standard finalized": Meaning.OURS_WRONG,
        "Invalid state transition": Meaning.OURS_WRONG,
        "In-flight transaction must have unique inputs": Meaning.OURS_WRONG,
        "Number of input": Meaning.OURS_WRONG,
    },
    AddExitQueue.name: {"Exit queue exists": Meaning.BENIGN},
    ProcessExits.name: {
        "Exit queue is empty": Meaning.BENIGN,
        "Top exit ID of the queue is different": Meaning.RETRY,
        "The token is not yet added": Meaning.RETRY,
        "Incorrect SenderData": Meaning.OURS_WRONG,
        # A token that refuses to be sent blocks its queue for everybody.
        "SafeERC20": Meaning.OURS_WRONG,
    },
    DeleteNonPiggybacked.name: {
        **_GONE,
        "Cannot delete in-flight exit still in first phase": Meaning.RETRY,
        "The in-flight exit is already piggybacked": Meaning.OURS_WRONG,
    },
}


def meaning(action_name: str, reason: str | None) -> Meaning:
    """Tell what it means that the contract refused the named action with these words.

    Without words it is unknown: an index out of range (an invalid opcode) looks like a node that passes none
    on. Longer texts are known by how they begin.
    """
    if not reason:
        return Meaning.UNKNOWN
    known = {**_ANY_CALL, **_REASONS.get(action_name, {})}
    return next((known[text] for text in known if reason.startswith(text)), Meaning.UNKNOWN)
