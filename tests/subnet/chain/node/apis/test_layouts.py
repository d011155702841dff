# SPDX-License-Identifier: Apache-2.0
"""What is asked and answered has the types of the public chain, and decoders that are not ours can read it."""

from __future__ import annotations

from typing import Any, Final

import bittensor_core
import pytest

from subnet.chain.node.apis.subtensor import subtensor_apis
from subnet.chain.node.metadata import metadata
from tests.subnet.chain.node.apis.published import Decoder, Published, told
from tests.subnet.chain.node.apis.town import AXON, NET, OWNER, TAO, Town, cold, hot

_PUBLISHED: Final = Published.read()
_METHODS: Final = [(api, name) for api, methods in _PUBLISHED.apis.items() for name in methods]
_ARGUMENTS: Final[dict[str, tuple[Any, ...]]] = {
    "get_delegate": (hot(0),),
    "get_delegated": (cold(1),),
    "get_neuron": (NET, 1),
    "get_neuron_lite": (NET, 1),
    "get_mechagraph": (NET, 0),
    "get_selective_metagraph": (NET, tuple(range(74))),
    "get_selective_mechagraph": (NET, 0, (0, 3, 52, 72)),
    "get_coldkey_auto_stake_hotkey": (cold(0), NET),
    "get_stake_info_for_coldkey": (cold(0),),
    "get_stake_info_for_coldkeys": ((cold(0), cold(1)),),
    "get_stake_info_for_hotkey_coldkey_netuid": (hot(0), cold(0), NET),
    "get_stake_availability_for_coldkeys": ((cold(0),), None),
    "get_stake_fee": ((hot(0), NET), cold(0), None, cold(0), TAO),
    "get_coldkey_lock": (cold(0), NET),
    "get_hotkey_conviction": (hot(0), NET),
    "get_root_basket_owed": (cold(0),),
    "get_basket_payout": (hot(0), cold(0)),
    "get_validator_basket_nav": (hot(0),),
    "get_validator_basket": (hot(0),),
    "sim_swap_tao_for_alpha": (NET, TAO),
    "sim_swap_alpha_for_tao": (NET, TAO),
}


@pytest.fixture(scope="module")
def town() -> Town:
    """A town whose every answer is something."""
    made = Town()
    made.chain.Delegates[hot(0)] = 6_553
    made.chain.Delegates[hot(1)] = 0
    made.chain.AutoStakeDestination[cold(0), NET] = hot(2)
    return made


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    """The codec of py-substrate-interface, with the published types."""
    return Decoder()


@pytest.fixture(scope="module")
def official(town: Town) -> Any:
    """The codec of the official SDK, with our metadata."""
    return bittensor_core.Runtime(metadata(town, 15), 1, 1, 42)


def arguments(town: Town, api: str, name: str) -> tuple[Any, ...]:
    """Something to ask a question with."""
    return _ARGUMENTS.get(name) or (NET,) * len(town.method(api, name).inputs)


@pytest.mark.parametrize(("api", "name"), _METHODS)
def test_a_question_has_the_types_of_the_public_chain(town: Town, api: str, name: str) -> None:
    method, published, types = town.method(api, name), _PUBLISHED.apis[api][name], dict[str, Any]()
    assert [[field.name, told(field.type, types)] for field in method.inputs] == published["inputs"]
    assert told(method.output, types) == published["output"]
    for record, fields in types.items():
        assert fields == _PUBLISHED.types[record]


@pytest.mark.parametrize(("api", "name"), _METHODS)
def test_an_answer_is_read_by_a_decoder_that_follows_the_published_types(
    town: Town, decoder: Decoder, api: str, name: str
) -> None:
    data = town.encoded(api, name, *arguments(town, api, name))
    decoder.decode(_PUBLISHED.apis[api][name]["output"], data)


@pytest.mark.parametrize(("api", "name"), _METHODS)
def test_an_answer_is_read_by_the_official_sdk(town: Town, official: Any, api: str, name: str) -> None:
    data = town.encoded(api, name, *arguments(town, api, name))
    official.decode(official.runtime_api_map()[api][name]["output"], data, True)


def test_a_metagraph_says_the_same_to_every_decoder(town: Town, decoder: Decoder, official: Any) -> None:
    ours = town.ask("SubnetInfoRuntimeApi", "get_metagraph", NET)
    data = town.encoded("SubnetInfoRuntimeApi", "get_metagraph", NET)
    plain = decoder.decode("Option<Metagraph>", data)
    sdk = official.decode(official.runtime_api_map()["SubnetInfoRuntimeApi"]["get_metagraph"]["output"], data, True)
    assert list(plain) == list(sdk) == list(ours._fields)
    for name in ("netuid", "tempo", "burn", "subnet_volume", "moving_price", "alpha_in", "activity_cutoff", "max_burn"):
        assert plain[name] == getattr(ours, name)
    for name in ("last_update", "emission", "dividends", "alpha_stake", "total_stake", "validator_permit", "trust"):
        assert tuple(plain[name]) == tuple(sdk[name]) == getattr(ours, name)
    assert bytes(sdk["name"]) == bytes(plain["name"]) == b"north"
    assert list(plain["hotkeys"]) == ["0x" + hot(uid).hex() for uid in range(3)]
    assert plain["owner_coldkey"] == "0x" + OWNER.hex()
    assert plain["axons"][1] == AXON._asdict()


def test_stake_that_is_free_is_a_map_to_the_official_sdk(town: Town, official: Any) -> None:
    api, name = "StakeInfoRuntimeApi", "get_stake_availability_for_coldkeys"
    data = town.encoded(api, name, (cold(1),), (NET,))
    ((_, networks),) = official.decode(official.runtime_api_map()[api][name]["output"], data, True).items()
    assert networks == {NET: {"total": 2 * TAO, "locked": 0, "available": 2 * TAO}}


def test_every_kind_of_question_is_asked_once(town: Town) -> None:
    names = [type(api).__name__ for api in subtensor_apis(town.chain, town.commitments)]
    assert sorted(names) == sorted(_PUBLISHED.apis)
