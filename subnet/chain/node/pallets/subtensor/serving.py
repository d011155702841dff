# SPDX-License-Identifier: Apache-2.0
"""Where a neuron is reached: the address of its axon, of its metrics, and a key for TLS.

Addresses that can reach nobody are refused. The chain checks the address before it counts how often one came, and
the port after that.
"""

from __future__ import annotations

from typing import Final

from subnet.chain.node.frame.calls import call
from subnet.chain.node.frame.origin import Origin
from subnet.chain.node.pallets.subtensor.neurons import Neurons
from subnet.chain.node.pallets.subtensor.records import AxonInfo, NeuronCertificate, PrometheusInfo
from subnet.chain.node.scale.names import Blob, u8, u16, u32, u128

__all__ = ["Serving"]

_NOWHERE: Final = {4: (0x7F00_0001,), 6: (1, (1 << 128) - 1)}
_HIGHEST_V4: Final = (1 << 32) - 1
_LONGEST_KEY: Final = 64


class Serving(Neurons):
    """Calls that publish addresses."""

    @call(4, pays=False)
    def serve_axon(
        self,
        origin: Origin,
        netuid: u16,
        version: u32,
        ip: u128,
        port: u16,
        ip_type: u8,
        protocol: u8,
        placeholder1: u8,
        placeholder2: u8,
    ) -> None:
        """Say where the signer's axon is."""
        hotkey = origin.signed()
        axon = AxonInfo(self.system.block, version, ip, port, ip_type, protocol, placeholder1, placeholder2)
        self._publish_axon(hotkey, netuid, axon)

    @call(40, pays=False)
    def serve_axon_tls(
        self,
        origin: Origin,
        netuid: u16,
        version: u32,
        ip: u128,
        port: u16,
        ip_type: u8,
        protocol: u8,
        placeholder1: u8,
        placeholder2: u8,
        certificate: Blob,
    ) -> None:
        """Say where the signer's axon is, and what its key for TLS is; a key that is none is left out."""
        hotkey = origin.signed()
        axon = AxonInfo(self.system.block, version, ip, port, ip_type, protocol, placeholder1, placeholder2)
        self._publish_axon(hotkey, netuid, axon)
        if 1 <= len(certificate) <= 1 + _LONGEST_KEY:
            self.NeuronCertificates[netuid, hotkey] = NeuronCertificate(certificate[1:], certificate[0])

    @call(5, pays=False)
    def serve_prometheus(self, origin: Origin, netuid: u16, version: u32, ip: u128, port: u16, ip_type: u8) -> None:
        """Say where the signer's metrics are."""
        hotkey = origin.signed()
        self.check_prometheus(hotkey, netuid, ip_type, ip, port)
        self.Prometheus[netuid, hotkey] = PrometheusInfo(self.system.block, version, ip, port, ip_type)
        self.system.deposit(self.Events.PrometheusServed(netuid, hotkey))

    def check_axon(self, hotkey: bytes, netuid: int, ip_type: int, ip: int, port: int) -> None:
        """Refuse the address of an axon that is none, or a stranger's, or comes too soon."""
        self._ensure_seated(netuid, hotkey)
        self._ensure_address(ip_type, ip)
        self._ensure_rare(netuid, self.Axons[netuid, hotkey])
        self._ensure_port(port)

    def check_prometheus(self, hotkey: bytes, netuid: int, ip_type: int, ip: int, port: int) -> None:
        """Refuse the address of metrics likewise."""
        self._ensure_address(ip_type, ip)
        if not ip:
            raise self.Errors.InvalidIpAddress()
        self._ensure_seated(netuid, hotkey)
        self._ensure_rare(netuid, self.Prometheus[netuid, hotkey])
        self._ensure_port(port)

    def _publish_axon(self, hotkey: bytes, netuid: int, axon: AxonInfo) -> None:
        self.check_axon(hotkey, netuid, axon.ip_type, axon.ip, axon.port)
        self.Axons[netuid, hotkey] = axon
        self.system.deposit(self.Events.AxonServed(netuid, hotkey))

    def _ensure_seated(self, netuid: int, hotkey: bytes) -> None:
        if self.uid_of(netuid, hotkey) is None:
            raise self.Errors.HotKeyNotRegisteredInNetwork()

    def _ensure_address(self, ip_type: int, ip: int) -> None:
        if ip_type not in _NOWHERE:
            raise self.Errors.InvalidIpType()
        if ip in _NOWHERE[ip_type] or (ip_type == 4 and ip >= _HIGHEST_V4):
            raise self.Errors.InvalidIpAddress()

    def _ensure_rare(self, netuid: int, before: AxonInfo | PrometheusInfo | None) -> None:
        limit = self.ServingRateLimit[netuid]
        if before is not None and before.block and self.system.block - before.block < limit:
            raise self.Errors.ServingRateLimitExceeded()

    def _ensure_port(self, port: int) -> None:
        if not port:
            raise self.Errors.InvalidPort()
