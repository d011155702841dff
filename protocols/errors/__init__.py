# SPDX-License-Identifier: Apache-2.0
"""How things fail: one tree of errors, each with a stable code, both values, and a command to type.

Callers catch a branch, operators read the message, programs read the code. `CATALOGUE` is what `subnet explain`
and `docs/reference/errors.md` are made of, so an error cannot exist without its explanation.

    SubnetError
      WireError                   a query or its reply
        AuthError                   the sender did not prove who it is
          MalformedAuth  WrongReceiver  StaleRequest  BadSignature  ReplayedRequest
        MessageError                what was sent cannot be read
          MalformedBody  InvalidMessage  BodyTooLarge  HeadTooLarge  UnsupportedMedia  UnknownRoute  MethodNotAllowed
          SlowRequest
        Refusal                     what was sent is fine, the answer is no
          NotAdmitted                 not this caller
            Unregistered  PermitNeeded  StakeNeeded  Denied  NotAllowed
          RateLimited                 not so much
            RequestsSpent  TokensSpent  TooManyAtOnce
          Overloaded  WarmingUp  Draining
        HandlerError                the work itself did not end well
          HandlerFailed  DeadlineExceeded
        ReplyError                  what came back proves nothing
          UnsignedReply  ForgedReply  MalformedReply  ReplyTooLarge  RedirectRefused  BrokenStream  PeerError
        TransportError              nothing came back
          Unreachable  Disconnected  TimedOut
      ServiceError                our own server could not do its part
        BindFailed  ClockSkewed  NothingKnown  ReplayStoreError  Stuck
        EngineError                 the machine behind a miner
          EngineFailed  EngineLacks  ModelUnloadable  UnknownEngine
      KeyMaterialError            keys and addresses
        InvalidAddress  InvalidSecret  NoPrivateKey  DevKeyRefused
        WalletError                 keys on disk
          KeyfileMissing  KeyfileExists  KeyfileExposed  KeyfileDamaged  KeyfileForeign  PasswordMissing  WrongPassword
      MoneyError                  amounts
        UnitMismatch  InvalidAmount
      LedgerError                 what a chain says
        NotRegistered  UnknownSubnet  ChainUnreachable  ExtrinsicFailed  PriceTooHigh  RegistrationFailed
        StaleMetagraph
        ChainFileRefused  ChainWriteFailed  DumpRefused  PoolRefusal  StateDiscarded  UnknownBlock
      DefinitionError             what a subnet designer wrote
        InvalidSynapse  InvalidSubnet  SubnetNotFound  AlreadyRegistered  InvalidHyperparameter  UnknownHyperparameter
        InvalidGenesis
      RewardError                 the mathematics of reward
        NotFinite  WrongShape  OutOfRange  NothingToWeigh  UnreadableCase  ModelMissing
      GatewayError                the front door for users
        ApiKeyRefused  BudgetSpent  NobodyAnswered  NotOffered
      UsageError                  what was typed
        UnknownErrorCode
"""

from __future__ import annotations

from protocols.errors.base import (
    CATALOGUE,
    SubnetError,
)
from protocols.errors.domain import (
    AlreadyRegistered,
    BindFailed,
    ChainUnreachable,
    ClockSkewed,
    DefinitionError,
    DevKeyRefused,
    ExtrinsicFailed,
    InvalidAddress,
    InvalidAmount,
    InvalidHyperparameter,
    InvalidSecret,
    InvalidSubnet,
    InvalidSynapse,
    KeyMaterialError,
    LedgerError,
    MoneyError,
    NoPrivateKey,
    NotRegistered,
    PriceTooHigh,
    RegistrationFailed,
    ReplayStoreError,
    ServiceError,
    StaleMetagraph,
    SubnetNotFound,
    UnitMismatch,
    UnknownErrorCode,
    UnknownHyperparameter,
    UnknownSubnet,
    UsageError,
)
from protocols.errors.engine import (
    EngineError,
    EngineFailed,
    EngineLacks,
    ModelUnloadable,
    UnknownEngine,
)
from protocols.errors.node import (
    ChainFileRefused,
    ChainWriteFailed,
    DumpRefused,
    InvalidGenesis,
    PoolRefusal,
    StateDiscarded,
    UnknownBlock,
)
from protocols.errors.reply import (
    BrokenStream,
    Disconnected,
    ForgedReply,
    MalformedReply,
    PeerError,
    RedirectRefused,
    ReplyError,
    ReplyTooLarge,
    TimedOut,
    TransportError,
    Unreachable,
    UnsignedReply,
)
from protocols.errors.request import (
    AuthError,
    BadSignature,
    BodyTooLarge,
    DeadlineExceeded,
    Denied,
    Draining,
    HandlerError,
    HandlerFailed,
    HeadTooLarge,
    InvalidMessage,
    MalformedAuth,
    MalformedBody,
    MessageError,
    MethodNotAllowed,
    NotAdmitted,
    NotAllowed,
    Overloaded,
    PermitNeeded,
    RateLimited,
    Refusal,
    ReplayedRequest,
    RequestsSpent,
    SlowRequest,
    StakeNeeded,
    StaleRequest,
    TokensSpent,
    TooManyAtOnce,
    UnknownRoute,
    Unregistered,
    UnsupportedMedia,
    WarmingUp,
    WireError,
    WrongReceiver,
)
from protocols.errors.reward import (
    ModelMissing,
    NotFinite,
    NothingToWeigh,
    OutOfRange,
    RewardError,
    UnreadableCase,
    WrongShape,
)
from protocols.errors.validating import (
    ApiKeyRefused,
    BudgetSpent,
    GatewayError,
    NobodyAnswered,
    NothingKnown,
    NotOffered,
    Stuck,
)
from protocols.errors.wallet import (
    KeyfileDamaged,
    KeyfileExists,
    KeyfileExposed,
    KeyfileForeign,
    KeyfileMissing,
    PasswordMissing,
    WalletError,
    WrongPassword,
)

__all__ = [
    "AlreadyRegistered",
    "ApiKeyRefused",
    "AuthError",
    "BadSignature",
    "BindFailed",
    "BodyTooLarge",
    "BrokenStream",
    "BudgetSpent",
    "CATALOGUE",
    "ChainFileRefused",
    "ChainUnreachable",
    "ChainWriteFailed",
    "ClockSkewed",
    "DeadlineExceeded",
    "DefinitionError",
    "Denied",
    "DevKeyRefused",
    "Disconnected",
    "Draining",
    "DumpRefused",
    "EngineError",
    "EngineFailed",
    "EngineLacks",
    "ExtrinsicFailed",
    "ForgedReply",
    "GatewayError",
    "HandlerError",
    "HandlerFailed",
    "HeadTooLarge",
    "InvalidAddress",
    "InvalidAmount",
    "InvalidGenesis",
    "InvalidHyperparameter",
    "InvalidMessage",
    "InvalidSecret",
    "InvalidSubnet",
    "InvalidSynapse",
    "KeyMaterialError",
    "KeyfileDamaged",
    "KeyfileExists",
    "KeyfileExposed",
    "KeyfileForeign",
    "KeyfileMissing",
    "LedgerError",
    "MalformedAuth",
    "MalformedBody",
    "MalformedReply",
    "MessageError",
    "MethodNotAllowed",
    "ModelMissing",
    "ModelUnloadable",
    "MoneyError",
    "NoPrivateKey",
    "NobodyAnswered",
    "NotAdmitted",
    "NotAllowed",
    "NotFinite",
    "NotOffered",
    "NotRegistered",
    "NothingKnown",
    "NothingToWeigh",
    "OutOfRange",
    "Overloaded",
    "PasswordMissing",
    "PeerError",
    "PermitNeeded",
    "PoolRefusal",
    "PriceTooHigh",
    "RateLimited",
    "RedirectRefused",
    "Refusal",
    "RegistrationFailed",
    "ReplayStoreError",
    "ReplayedRequest",
    "ReplyError",
    "ReplyTooLarge",
    "RequestsSpent",
    "RewardError",
    "ServiceError",
    "SlowRequest",
    "StakeNeeded",
    "StaleMetagraph",
    "StaleRequest",
    "StateDiscarded",
    "Stuck",
    "SubnetError",
    "SubnetNotFound",
    "TimedOut",
    "TokensSpent",
    "TooManyAtOnce",
    "TransportError",
    "UnitMismatch",
    "UnknownBlock",
    "UnknownEngine",
    "UnknownErrorCode",
    "UnknownHyperparameter",
    "UnknownRoute",
    "UnknownSubnet",
    "Unreachable",
    "UnreadableCase",
    "Unregistered",
    "UnsignedReply",
    "UnsupportedMedia",
    "UsageError",
    "WalletError",
    "WarmingUp",
    "WireError",
    "WrongPassword",
    "WrongReceiver",
    "WrongShape",
]
