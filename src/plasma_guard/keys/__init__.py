"""Where an account's key comes from, the signer that holds it, and the policy that binds the signer."""

from plasma_guard.keys.policy import SigningPolicy
from plasma_guard.keys.signer import LocalSigner
from plasma_guard.keys.sources import KeySettings, load_key, load_key_text

__all__ = ["KeySettings", "LocalSigner", "SigningPolicy", "load_key", "load_key_text"]
