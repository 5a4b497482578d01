"""RootChain v0.2: the monolithic contract."""

from plasma_guard.contracts.rootchain.exit_game import RootChainExitGame

__all__ = ["RootChainExitGame"]
