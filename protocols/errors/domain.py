# SPDX-License-Identifier: Apache-2.0
"""Everything that is not a message: services, keys, money, the chain, definitions, the command line."""

from __future__ import annotations

from protocols.errors.base import SubnetError

__all__ = [
    "AlreadyRegistered",
    "BindFailed",
    "ChainUnreachable",
    "ClockSkewed",
    "DefinitionError",
    "DevKeyRefused",
    "ExtrinsicFailed",
    "InvalidAddress",
    "InvalidAmount",
    "InvalidHyperparameter",
    "InvalidSecret",
    "InvalidSubnet",
    "InvalidSynapse",
    "KeyMaterialError",
    "LedgerError",
    "MoneyError",
    "NoPrivateKey",
    "NotRegistered",
    "PriceTooHigh",
    "RegistrationFailed",
    "ReplayStoreError",
    "ServiceError",
    "StaleMetagraph",
    "SubnetNotFound",
    "UnitMismatch",
    "UnknownErrorCode",
    "UnknownHyperparameter",
    "UnknownSubnet",
    "UsageError",
]


class ServiceError(SubnetError):
    """Our own server could not do its part."""

    code = "service_error"


class BindFailed(ServiceError):
    """The address is in use, not ours, or needs rights that this process has not."""

    code = "bind_failed"
    exit_code = 75
    advice = "see who listens: ss -ltnp"


class ReplayStoreError(ServiceError):
    """The file that remembers accepted nonces cannot be used; without it replays could not be told from requests."""

    code, status = "replay_store_error", 503
    advice = "check that the disk has room and the file is writable: df -h"


class KeyMaterialError(SubnetError):
    """A key or an address cannot be used."""

    code = "key_error"
    exit_code = 78


class InvalidAddress(KeyMaterialError):
    """The text is not an ss58 address: wrong length, alphabet, checksum or network."""

    code = "invalid_address"
    advice = "copy the address whole; it starts with 5 and has 47 or 48 characters"


class InvalidSecret(KeyMaterialError):
    """The mnemonic, seed or secret URI cannot be turned into a key; the text itself is never shown."""

    code = "invalid_secret"
    advice = "check the words and their order"


class NoPrivateKey(KeyMaterialError):
    """This key can verify but not sign: only its address is known."""

    code = "no_private_key"
    advice = "load the hotkey file of this address"


class DevKeyRefused(KeyMaterialError):
    """The key is a published development key (//Alice and the like): anyone can sign with it."""

    code = "dev_key_refused"
    advice = "use a key of your own outside a local chain"


class MoneyError(SubnetError):
    """An amount cannot be used."""

    code = "money_error"


class UnitMismatch(MoneyError):
    """Amounts of different tokens were mixed; one alpha is not one tao, nor another subnet's alpha."""

    code = "unit_mismatch"
    advice = "convert at a price first"


class InvalidAmount(MoneyError):
    """The amount is negative, not finite, finer than one rao, or larger than the chain can hold."""

    code = "invalid_amount"
    advice = "give a whole number of rao, or at most nine decimals"


class LedgerError(SubnetError):
    """The chain refused, or could not be asked."""

    code = "ledger_error"


class NotRegistered(LedgerError):
    """The hotkey has no uid on this subnet."""

    code = "not_registered"
    exit_code = 78
    advice = "register the hotkey on the subnet first"


class UnknownSubnet(LedgerError):
    """There is no subnet with this netuid."""

    code = "unknown_subnet"
    exit_code = 78
    advice = "check the netuid"


class ClockSkewed(ServiceError):
    """This machine's clock is wrong by more than signed requests may be old."""

    code = "clock_skewed"
    exit_code = 75
    advice = "timedatectl set-ntp true"


class ChainUnreachable(LedgerError):
    """No endpoint of the chain answered in time."""

    code = "chain_unreachable"
    exit_code = 75
    advice = "check the endpoint and the network"


class PriceTooHigh(LedgerError):
    """A place on the subnet costs more than was to be paid, or than there is."""

    code = "price_too_high"
    advice = "wait until it has fallen, or allow more: subnet miner register --most TAO"


class RegistrationFailed(LedgerError):
    """No place could be bought for a miner that was told to buy one."""

    code = "registration_failed"
    exit_code = 78
    advice = "subnet miner register --dry-run"


class ExtrinsicFailed(LedgerError):
    """The chain included the call and it failed, or refused to include it."""

    code = "extrinsic_failed"
    advice = "the message names the chain's own error"


class StaleMetagraph(LedgerError):
    """The newest metagraph at hand is older than the caller allows."""

    code = "stale_metagraph"
    advice = "check the chain endpoint"


class DefinitionError(SubnetError):
    """A subnet definition cannot be used as written."""

    code = "definition_error"
    exit_code = 78


class InvalidSynapse(DefinitionError):
    """A query type is not sound: no Reply, an unsupported field type, or a reserved name."""

    code = "invalid_synapse"
    advice = "see docs/quickstart.md for the smallest query"


class InvalidSubnet(DefinitionError):
    """A subnet definition lacks what it must have, or has it in the wrong shape."""

    code = "invalid_subnet"
    advice = "see docs/quickstart.md for the smallest subnet"


class SubnetNotFound(DefinitionError):
    """No subnet of that name and version is registered."""

    code = "subnet_not_found"
    advice = "check the name, or install the package that provides it"


class AlreadyRegistered(DefinitionError):
    """Another subnet holds this name and version."""

    code = "already_registered"
    advice = "raise the version"


class InvalidHyperparameter(DefinitionError):
    """The value lies outside the bounds that the chain sets for this hyperparameter."""

    code = "invalid_hyperparameter"
    advice = "see docs/reference/hyperparameters.md"


class UnknownHyperparameter(DefinitionError):
    """No hyperparameter has this name."""

    code = "unknown_hyperparameter"
    advice = "see docs/reference/hyperparameters.md"


class UsageError(SubnetError):
    """What was typed cannot be carried out."""

    code = "usage_error"
    exit_code = 2
    advice = "subnet --help"


class UnknownErrorCode(UsageError):
    """No error has this code."""

    code = "unknown_error_code"
    advice = "list the codes: subnet explain"
