"""How each release of the Watcher words its answers: envelopes, field names, what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from plasma_guard.domain.evidence import (
    Competitor,
    Inclusion,
    InputSpend,
    OutputSpend,
    StandardExitChallenge,
)
from plasma_guard.domain.exits import Generation
from plasma_guard.domain.position import UtxoPosition
from plasma_guard.domain.watchers import ByzantineEvent, KnownInFlightExit
from plasma_guard.plasma import rlp
from plasma_guard.plasma.keccak import keccak
from plasma_guard.plasma.transaction import Output
from plasma_guard.verifier.canonicity import UNCHALLENGED_NON_CANONICAL_IFE
from plasma_guard.verifier.core import Verifier
from plasma_guard.verifier.piggybacks import UNCHALLENGED_PIGGYBACK
from plasma_guard.verifier.ways_out import ExitData, InFlightExitData

Json = dict[str, object]
_NEW_EVENTS = frozenset({UNCHALLENGED_NON_CANONICAL_IFE, UNCHALLENGED_PIGGYBACK})
_NEW_SERVICES = frozenset({"in_flight_exit_deleted_processor"})
_SINCE_V1 = frozenset({"root_chain_txhash", "scheduled_finalization_time", "spending_txhash"})


class Release(StrEnum):
    """A release whose dialect is spoken."""

    V02 = "v0.2"
    V1 = "v1"

    @classmethod
    def for_generation(cls, generation: Generation) -> "Release":
        """Return the release that goes with a generation of contracts."""
        return cls.V1 if generation.is_ald else cls.V02


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something wrong with the verifier itself, such as ``ethereum_connection_error``."""

    name: str
    node: str
    reporter: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """Turns what the verifier knows into the JSON of one release; `version` stands in every envelope."""

    release: Release
    version: str

    @property
    def is_v1(self) -> bool:
        """Whether this is the dialect of v1."""
        return self.release is Release.V1

    def success(self, data: object) -> Json:
        """Wrap an answer."""
        return self._envelope(success=True, data=data)

    def refusal(self, code: str, description: str | None, messages: object = None) -> Json:
        """Wrap a refusal; `messages` is left out when there are none."""
        data: Json = {"object": "error", "code": code, "description": description}
        if messages is not None:
            data["messages"] = messages
        return self._envelope(success=False, data=data)

    def status(self, verifier: Verifier) -> Json:
        """Word `status.get`."""
        status, last = verifier.status(), verifier.last_validated
        addresses = {name: str(address) for name, address in status.contract_addresses.items()}
        return {
            "byzantine_events": [
                self._event(event) for event in status.events if self.is_v1 or event.name not in _NEW_EVENTS
            ],
            "contract_addr": addresses if self.is_v1 else addresses.get("root_chain"),
            "eth_syncing": status.eth_syncing,
            "in_flight_exits": [_in_flight_exit(each) for each in status.in_flight_exits],
            "last_mined_child_block_number": status.last_mined_blknum,
            "last_mined_child_block_timestamp": verifier.progress.last_mined_at,
            "last_seen_eth_block_number": status.last_seen_eth_block,
            "last_seen_eth_block_timestamp": status.last_seen_eth_time,
            "last_validated_child_block_number": status.last_validated_blknum,
            "last_validated_child_block_timestamp": 0 if last is None else last.timestamp,
            "services_synced_heights": self._heights(status.services),
        }

    def challenge(self, claim: StandardExitChallenge) -> Json:
        """Word `utxo.get_challenge_data`."""
        answer: Json = {
            "exit_id": claim.exit_id,
            "input_index": claim.input_index,
            "sig": _hex(claim.signature),
            "txbytes": _hex(claim.challenge_tx),
        }
        if self.is_v1:
            answer["exiting_tx"] = _hex(claim.exiting_tx or b"")
        return answer

    def exit_data(self, data: ExitData) -> Json:
        """Word `utxo.get_exit_data`; v0.2 adds the signatures of a block's transaction."""
        answer: Json = {
            "proof": _hex(data.proof),
            "txbytes": _hex(data.tx),
            "utxo_pos": data.position.encode(),
        }
        if not self.is_v1 and not data.position.is_deposit:
            answer["sigs"] = _hex(b"".join(data.signatures))
        return answer

    def utxo(self, position: UtxoPosition, output: Output) -> Json:
        """Word one entry of `account.get_exitable_utxos`."""
        answer: Json = {
            "amount": output.amount,
            "blknum": position.blknum,
            "currency": str(output.token),
            "oindex": position.oindex,
            "owner": str(output.owner),
            "txindex": position.txindex,
            "utxo_pos": position.encode(),
        }
        if self.is_v1:
            answer["otype"] = output.output_type
        return answer

    def in_flight_data(self, data: InFlightExitData) -> Json:
        """Word `in_flight_exit.get_data`; v0.2 concatenates what later releases list."""
        if not self.is_v1:
            return {
                "in_flight_tx": _hex(data.tx),
                "in_flight_tx_sigs": _hex(b"".join(data.signatures)),
                "input_txs": _hex(rlp.encode_list(data.input_txs)),
                "input_txs_inclusion_proofs": _hex(b"".join(data.proofs)),
            }
        return {
            "in_flight_tx": _hex(data.tx),
            "in_flight_tx_sigs": [_hex(each) for each in data.signatures],
            "input_txs": [_hex(each) for each in data.input_txs],
            "input_txs_inclusion_proofs": [_hex(each) for each in data.proofs],
            "input_utxos_pos": [each.encode() for each in data.positions],
        }

    def competitor(self, claim: Competitor) -> Json:
        """Word `in_flight_exit.get_competitor`; one in no block has position 0 and an empty proof."""
        answer: Json = {
            "competing_input_index": claim.competing_input_index,
            "competing_proof": _hex(claim.proof),
            "competing_sig": _hex(claim.signature or b""),
            "competing_tx_pos": 0 if claim.position is None else claim.position.encode(),
            "competing_txbytes": _hex(claim.competing_tx),
            "in_flight_input_index": claim.in_flight_input_index,
            "in_flight_txbytes": _hex(claim.in_flight_tx),
        }
        return answer | self._shared_input(claim)

    def inclusion(self, claim: Inclusion) -> Json:
        """Word `in_flight_exit.prove_canonical`."""
        return {
            "in_flight_proof": _hex(claim.proof),
            "in_flight_tx_pos": claim.position.encode(),
            "in_flight_txbytes": _hex(claim.in_flight_tx),
        }

    def input_spend(self, claim: InputSpend) -> Json:
        """Word `in_flight_exit.get_input_challenge_data`."""
        answer: Json = {
            "in_flight_input_index": claim.in_flight_input_index,
            "in_flight_txbytes": _hex(claim.in_flight_tx),
            "spending_input_index": claim.spending_input_index,
            "spending_sig": _hex(claim.signature or b""),
            "spending_txbytes": _hex(claim.spending_tx),
        }
        return answer | self._shared_input(claim)

    def output_spend(self, claim: OutputSpend) -> Json:
        """Word `in_flight_exit.get_output_challenge_data`."""
        return {
            "in_flight_output_pos": claim.output_position.encode(),
            "in_flight_proof": _hex(claim.proof),
            "in_flight_txbytes": _hex(claim.in_flight_tx),
            "spending_input_index": claim.spending_input_index,
            "spending_sig": _hex(claim.signature or b""),
            "spending_txbytes": _hex(claim.spending_tx),
        }

    def _shared_input(self, claim: Competitor | InputSpend) -> Json:
        """Word the output that both transactions spend, which v0.2 leaves out."""
        if not self.is_v1 or claim.input_position is None:
            return {}
        return {"input_tx": _hex(claim.input_tx or b""), "input_utxo_pos": claim.input_position.encode()}

    def configuration(self, verifier: Verifier, network: str) -> Json:
        """Word `configuration.get`."""
        return {
            "contract_semver": verifier.contracts.version or "",
            "deposit_finality_margin": verifier.margins.deposit_finality,
            "exit_processor_sla_margin": verifier.margins.sla,
            "network": network,
        }

    def _event(self, event: ByzantineEvent) -> Json:
        details = {"name": event.name, **event.details}
        if not self.is_v1:
            details = {key: value for key, value in details.items() if key not in _SINCE_V1}
        return {"event": event.name, "details": details}

    def _heights(self, services: Mapping[str, int]) -> list[Json]:
        names = sorted(services if self.is_v1 else services.keys() - _NEW_SERVICES)
        return [{"height": services[name], "service": name} for name in names]

    def _envelope(self, *, success: bool, data: object) -> Json:
        envelope: Json = {"success": success, "data": data, "version": self.version}
        return envelope | {"service_name": "watcher"} if self.is_v1 else envelope


def _in_flight_exit(known: KnownInFlightExit) -> Json:
    return {
        "eth_height": known.eth_height,
        "piggybacked_inputs": list(known.piggybacked_inputs),
        "piggybacked_outputs": list(known.piggybacked_outputs),
        "txbytes": _hex(known.tx),
        "txhash": str(keccak(known.tx)),
    }


def _hex(content: bytes) -> str:
    return "0x" + content.hex()
