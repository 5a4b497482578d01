"""RootChain v0.2: arguments are flat, exit ids are uint192, and one contract holds everything."""

from plasma_guard.contracts.abis.codec import Event, Function

CHALLENGE_STANDARD_EXIT = Function("challengeStandardExit(uint192,bytes,uint8,bytes)")
CHALLENGE_NOT_CANONICAL = Function(
    "challengeInFlightExitNotCanonical(bytes,uint8,bytes,uint8,uint256,bytes,bytes)"
)
RESPOND_TO_NON_CANONICAL_CHALLENGE = Function("respondToNonCanonicalChallenge(bytes,uint256,bytes)")
CHALLENGE_INPUT_SPENT = Function("challengeInFlightExitInputSpent(bytes,uint8,bytes,uint8,bytes)")
CHALLENGE_OUTPUT_SPENT = Function("challengeInFlightExitOutputSpent(bytes,uint256,bytes,bytes,uint8,bytes)")
PIGGYBACK_IN_FLIGHT_EXIT = Function("piggybackInFlightExit(bytes,uint8)")
START_IN_FLIGHT_EXIT = Function("startInFlightExit(bytes,bytes,bytes,bytes)")
START_STANDARD_EXIT = Function("startStandardExit(uint192,bytes,bytes)")
PROCESS_EXITS = Function("processExits(address,uint192,uint256)")
DEPOSIT = Function("deposit(bytes)")
DEPOSIT_FROM = Function("depositFrom(bytes)")
ADD_TOKEN = Function("addToken(address)")
SUBMIT_BLOCK = Function("submitBlock(bytes32)")

EXITS = Function("exits(uint192)", "address", "address", "uint256", "uint192")
IN_FLIGHT_EXITS = Function("inFlightExits(uint192)", "uint256", "uint256", "uint256", "address", "uint256")
GET_IN_FLIGHT_EXIT_OUTPUT = Function("getInFlightExitOutput(bytes,uint256)", "address", "address", "uint256")
BLOCKS = Function("blocks(uint256)", "bytes32", "uint256")
EXITS_QUEUES = Function("exitsQueues(address)", "address")
QUEUE_SIZE = Function("currentSize()", "uint256")
GET_NEXT_EXIT = Function("getNextExit(address)", "uint64", "uint192", "bool")
HAS_TOKEN = Function("hasToken(address)", "bool")
STANDARD_EXIT_BOND = Function("standardExitBond()", "uint256")
IN_FLIGHT_EXIT_BOND = Function("inFlightExitBond()", "uint256")
PIGGYBACK_BOND = Function("piggybackBond()", "uint256")
MIN_EXIT_PERIOD = Function("minExitPeriod()", "uint256")
NEXT_CHILD_BLOCK = Function("nextChildBlock()", "uint256")
GET_DEPOSIT_BLOCK_NUMBER = Function("getDepositBlockNumber()", "uint256")

BLOCK_SUBMITTED = Event("BlockSubmitted(uint256 blockNumber)")
DEPOSIT_CREATED = Event(
    "DepositCreated(address indexed depositor, uint256 indexed blknum, address indexed token, uint256 amount)"
)
EXIT_STARTED = Event("ExitStarted(address indexed owner, uint192 exitId)")
EXIT_CHALLENGED = Event("ExitChallenged(uint256 indexed utxoPos)")
EXIT_FINALIZED = Event("ExitFinalized(uint192 indexed exitId)")
IN_FLIGHT_EXIT_STARTED = Event("InFlightExitStarted(address indexed initiator, bytes32 txHash)")
IN_FLIGHT_EXIT_PIGGYBACKED = Event(
    "InFlightExitPiggybacked(address indexed owner, bytes32 txHash, uint8 outputIndex)"
)
IN_FLIGHT_EXIT_CHALLENGED = Event(
    "InFlightExitChallenged(address indexed challenger, bytes32 txHash, uint256 challengeTxPosition)"
)
IN_FLIGHT_EXIT_CHALLENGE_RESPONDED = Event(
    "InFlightExitChallengeResponded(address challenger, bytes32 txHash, uint256 challengeTxPosition)"
)
IN_FLIGHT_EXIT_OUTPUT_BLOCKED = Event(
    "InFlightExitOutputBlocked(address indexed challenger, bytes32 txHash, uint8 outputIndex)"
)
IN_FLIGHT_EXIT_FINALIZED = Event("InFlightExitFinalized(uint192 inFlightExitId, uint8 outputIndex)")
