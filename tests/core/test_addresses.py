"""Clients are counted by networks: an IPv6 /64 is one, however an address is written."""

from __future__ import annotations

import pytest

from songrec.core.addresses import UNKNOWN, client_network


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:5678", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::7", "2001:db8:1:3::/64"),
        ("[2001:db8::7]:443", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", UNKNOWN),
        (None, UNKNOWN),
        ("unix:", UNKNOWN),
        ("a forged text that is not an address", UNKNOWN),
    ],
)
def test_the_network_of_an_address(address: str | None, network: str) -> None:
    assert client_network(address) == network
    assert len(network) <= 45  # the column of sessions and events
