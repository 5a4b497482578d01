"""The root chain over JSON-RPC: several endpoints in order of trust behind the `Chain` port."""

from plasma_guard.chain.chain import RpcChain
from plasma_guard.chain.endpoints import EndpointPool
from plasma_guard.chain.rpc import RpcEndpoint

__all__ = ["EndpointPool", "RpcChain", "RpcEndpoint"]
