"""Whose address counts for the limits, whatever somebody writes into the header."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.web.addresses import MOST_PROXIES, find_address

TRUSTED = tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/8", "2001:db8:f::/48")))
PROXY = "10.0.0.1"
PERSON = "203.0.113.7"


@pytest.mark.parametrize(
    ("peer", "said", "found"),
    [
        # Nobody in between.
        (PERSON, "", PERSON),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("", "", ""),
        # A stranger names no address, neither another one nor one of ours.
        (PERSON, "198.51.100.1", PERSON),
        (PERSON, "127.0.0.1", PERSON),
        ("", "198.51.100.1", ""),
        # Behind one proxy, and behind several.
        (PROXY, PERSON, PERSON),
        (PROXY, f"{PERSON}, 10.0.0.9", PERSON),
        (PROXY, f"{PERSON},10.0.0.9,  2001:db8:f::1", PERSON),
        (PROXY, "2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        # What the person wrote stands further left, and is passed over.
        (PROXY, f"198.51.100.1, {PERSON}", PERSON),
        (PROXY, f"127.0.0.1, {PERSON}", PERSON),
        (PROXY, f"no address at all, {PERSON}, 10.0.0.9", PERSON),
        (PROXY, "," * 5000 + PERSON, PERSON),
        # Spellings.
        (PROXY, f"{PERSON}:4711", PERSON),
        (PROXY, "[2001:db8:1:2:3::4]:4711", "2001:db8:1:2::/64"),
        (PROXY, f"::ffff:{PERSON}", PERSON),
        (f"::ffff:{PROXY}", PERSON, PERSON),
        # Everybody is trusted: whoever is farthest away.
        (PROXY, "10.0.0.8, 10.0.0.9", "10.0.0.8"),
        (PROXY, ",".join([PERSON, *["10.0.0.9"] * MOST_PROXIES]), "10.0.0.9"),
        # The proxy says nothing, or nothing that can be read.
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, f"{PERSON}, unknown", PROXY),
        (PROXY, f"{PERSON}, unknown, 10.0.0.9", PROXY),
        (PROXY, f"{PERSON},", PROXY),
    ],
)
def test_the_nearest_address_that_is_no_trusted_proxy(peer: str, said: str, found: str) -> None:
    assert find_address(peer, said, TRUSTED) == found


def test_without_a_trusted_proxy_the_header_is_nothing() -> None:
    assert find_address("127.0.0.1", PERSON, ()) == "127.0.0.1"


@given(said=st.text(alphabet="0123456789.:,[] %abcdefx\x00é", max_size=300))
def test_a_stranger_behind_the_proxy_keeps_their_address_whatever_they_write(said: str) -> None:
    assert find_address(PROXY, f"{said},{PERSON}", TRUSTED) == PERSON
    assert find_address(PERSON, said, TRUSTED) == PERSON


@given(said=st.text(max_size=300))
def test_any_header_gives_an_address(said: str) -> None:
    found = find_address(PROXY, said, TRUSTED)
    assert ip_address(found.removesuffix("/64")).version in {4, 6}


@given(low=st.integers(0, 2**64 - 1), other=st.integers(0, 2**64 - 1))
def test_one_home_is_one_address(low: int, other: int) -> None:
    network = int(ip_address("2001:db8:1:2::"))
    found = {find_address(str(ip_address(network + end)), "", ()) for end in (low, other)}
    assert found == {"2001:db8:1:2::/64"}
