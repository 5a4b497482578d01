"""PlasmaFramework, its vaults and PaymentExitGame: what revisions 1 and 2 share.

Where the two differ, the difference is the exit id's width; see `contracts.ald.revisions`.
"""

from plasma_guard.contracts.abis.codec import Event, Function

# PlasmaFramework
EXIT_GAMES = Function("exitGames(uint256)", "address")
VAULTS = Function("vaults(uint256)", "address")
EXIT_GAME_TO_TX_TYPE = Function("exitGameToTxType(address)", "uint256")
MIN_EXIT_PERIOD = Function("minExitPeriod()", "uint256")
GET_VERSION = Function("getVersion()", "string")
NEXT_CHILD_BLOCK = Function("nextChildBlock()", "uint256")
NEXT_DEPOSIT_BLOCK = Function("nextDepositBlock()", "uint256")
BLOCKS = Function("blocks(uint256)", "bytes32", "uint256")
HAS_EXIT_QUEUE = Function("hasExitQueue(uint256,address)", "bool")
GET_NEXT_EXIT = Function("getNextExit(uint256,address)", "uint256")
EXITS_QUEUES = Function("exitsQueues(bytes32)", "address")
QUEUE_SIZE = Function("currentSize()", "uint256")
IS_OUTPUT_FINALIZED = Function("isOutputFinalized(bytes32)", "bool")
IS_EXIT_GAME_SAFE_TO_USE = Function("isExitGameSafeToUse(address)", "bool")
ADD_EXIT_QUEUE = Function("addExitQueue(uint256,address)")
SUBMIT_BLOCK = Function("submitBlock(bytes32)")

# EthVault and Erc20Vault
DEPOSIT = Function("deposit(bytes)")

# PaymentExitGame
START_STANDARD_EXIT = Function("startStandardExit((uint256,bytes,bytes))")
START_IN_FLIGHT_EXIT = Function("startInFlightExit((bytes,bytes[],uint256[],bytes[],bytes[]))")
PIGGYBACK_ON_INPUT = Function("piggybackInFlightExitOnInput((bytes,uint16))")
PIGGYBACK_ON_OUTPUT = Function("piggybackInFlightExitOnOutput((bytes,uint16))")
CHALLENGE_NOT_CANONICAL = Function(
    "challengeInFlightExitNotCanonical((bytes,uint256,bytes,uint16,bytes,uint16,uint256,bytes,bytes))"
)
RESPOND_TO_NON_CANONICAL_CHALLENGE = Function("respondToNonCanonicalChallenge(bytes,uint256,bytes)")
CHALLENGE_INPUT_SPENT = Function(
    "challengeInFlightExitInputSpent((bytes,uint16,bytes,uint16,bytes,bytes,uint256,bytes32))"
)
CHALLENGE_OUTPUT_SPENT = Function(
    "challengeInFlightExitOutputSpent((bytes,bytes,uint256,bytes,uint16,bytes,bytes32))"
)
START_STANDARD_EXIT_BOND_SIZE = Function("startStandardExitBondSize()", "uint128")
START_IFE_BOND_SIZE = Function("startIFEBondSize()", "uint128")
PIGGYBACK_BOND_SIZE = Function("piggybackBondSize()", "uint128")
STANDARD_EXIT_BOUNTY_SIZE = Function("processStandardExitBountySize()", "uint128")
IN_FLIGHT_EXIT_BOUNTY_SIZE = Function("processInFlightExitBountySize()", "uint128")

BLOCK_SUBMITTED = Event("BlockSubmitted(uint256 blknum)")
DEPOSIT_CREATED = Event(
    "DepositCreated(address indexed depositor, uint256 indexed blknum, address indexed token, uint256 amount)"
)
EXIT_CHALLENGED = Event("ExitChallenged(uint256 indexed utxoPos)")
IN_FLIGHT_EXIT_INPUT_PIGGYBACKED = Event(
    "InFlightExitInputPiggybacked(address indexed exitTarget, bytes32 indexed txHash, uint16 inputIndex)"
)
IN_FLIGHT_EXIT_OUTPUT_PIGGYBACKED = Event(
    "InFlightExitOutputPiggybacked(address indexed exitTarget, bytes32 indexed txHash, uint16 outputIndex)"
)
IN_FLIGHT_EXIT_CHALLENGE_RESPONDED = Event(
    "InFlightExitChallengeResponded(address indexed challenger, bytes32 indexed txHash,"
    " uint256 challengeTxPosition)"
)
IN_FLIGHT_EXIT_INPUT_BLOCKED = Event(
    "InFlightExitInputBlocked(address indexed challenger, bytes32 indexed txHash, uint16 inputIndex)"
)
IN_FLIGHT_EXIT_OUTPUT_BLOCKED = Event(
    "InFlightExitOutputBlocked(address indexed challenger, bytes32 indexed txHash, uint16 outputIndex)"
)
