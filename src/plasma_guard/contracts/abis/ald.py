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
IS_OUTPUT_FINALIZED = Function("isOutputFinalized(bytes32)", "bool")
IS_EXIT_GAME_SAFE_TO_USE = Function("isExitGameSafeToUse(address)", "bool")
ADD_EXIT_QUEUE = Function("addExitQueue(uint256,address)")
SUBMIT_BLOCK = Function("submitBlock(bytes32)")

# EthVault and Erc20Vault
DEPOSIT = Function("deposit(bytes)")

# PaymentExitGame
START_STANDARD_EXIT = Function("startStandardExit((uint256,bytes,bytes))")
START_STANDARD_EXIT_BOND_SIZE = Function("startStandardExitBondSize()", "uint128")
START_IFE_BOND_SIZE = Function("startIFEBondSize()", "uint128")
PIGGYBACK_BOND_SIZE = Function("piggybackBondSize()", "uint128")

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
