"""Every error the guard raises on purpose.

GuardError
├── ConfigurationError      the operator must change something; exit code 2
├── MalformedError          bytes or fields that do not have the shape they claim
├── EvidenceError           evidence that does not prove what it is offered for
├── ContractError           the contracts at the configured address are not ones we know, or misbehave
├── JournalError            the journal cannot be used (locked by another guard, other chain, corrupt)
├── VaultError              the vault cannot be used (in use by another process, other chain, corrupt)
├── PolicyViolation         the signer refuses: no transaction this guard ever has a reason to send
├── RetryableError          may go away by itself: try again with backoff until the deadline
│   ├── ChainUnavailable    no RPC endpoint gave a usable answer in time
│   └── WatcherError        see below
└── CallReverted            the root chain refused a simulated call

WatcherError (Retryable)
├── WatcherUnreachable      connection, timeout, TLS, DNS
├── WatcherNotReady         the Watcher itself says service_unavailable
├── WatcherMisbehaved       an answer that is too large, too deep, truncated, or not of the documented shape
└── WatcherRefused          a well-formed refusal, with its code (challenge:exit_not_found, …)
"""


class GuardError(Exception):
    """Root of all errors raised on purpose."""


class ConfigurationError(GuardError):
    """The operator must change something before the guard can run; `problems` lists all of it at once."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class MalformedError(GuardError, ValueError):
    """Bytes or a field that do not have the shape they claim."""


class EvidenceError(GuardError):
    """Evidence that does not prove what it is offered for: the guard spends nothing on it."""


class ContractError(GuardError):
    """The contracts at the configured address are not ones the guard knows, or answer nonsense."""


class JournalError(GuardError):
    """The journal cannot be used: locked by another guard, bound to another chain, or damaged."""


class VaultError(GuardError):
    """The vault cannot be used: in use by another process, bound to another chain, or damaged."""


class PolicyViolation(GuardError):
    """The signer refuses: the transaction is none that this guard ever has a reason to send."""


class RetryableError(GuardError):
    """May go away by itself; retried with backoff until the deadline."""


class ChainUnavailable(RetryableError):
    """No RPC endpoint gave a usable answer in time."""


class OtherChain(ChainUnavailable):
    """Every RPC endpoint serves another chain than the configured one."""


class CallReverted(GuardError):
    """The root chain refused a simulated call.

    `reason` is the revert text or None when the contract gives none; `data` the raw revert data;
    `message` the node's own words, bounded in length by whoever raises this.
    """

    def __init__(self, reason: str | None, data: bytes = b"", message: str = "") -> None:
        super().__init__(reason or message or "reverted without a reason")
        self.reason = reason
        self.data = data
        self.message = message


class WatcherError(RetryableError):
    """Anything that kept a Watcher from giving a usable answer."""


class WatcherUnreachable(WatcherError):
    """Connection refused, timed out, cut off, or not resolvable."""


class WatcherNotReady(WatcherError):
    """The Watcher itself says service_unavailable: it is starting or has lost its own node."""


class WatcherMisbehaved(WatcherError):
    """An answer that is too large, too deep, truncated, or not of the documented shape."""


class WatcherRefused(WatcherError):
    """A well-formed refusal; `code` is the Watcher's own, such as ``challenge:utxo_not_spent``."""

    def __init__(self, code: str, description: str | None = None, messages: object = None) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code = code
        self.description = description
        self.messages = messages
