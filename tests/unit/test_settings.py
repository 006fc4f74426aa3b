"""Settings that could be dangerous are refused, with a sentence."""

from ipaddress import ip_network

import pytest

from bot.errors import StartError
from bot.settings import read_settings


@pytest.mark.parametrize(
    ("written", "networks"),
    [
        ("", ()),
        ("127.0.0.1", ("127.0.0.1/32",)),
        ("127.0.0.1, 10.1.0.0/16 2001:db8::/32", ("127.0.0.1/32", "10.1.0.0/16", "2001:db8::/32")),
    ],
)
def test_proxies_are_addresses_and_networks(
    monkeypatch: pytest.MonkeyPatch, written: str, networks: tuple[str, ...]
) -> None:
    monkeypatch.setenv("FIRSTPOINT_TRUSTED_PROXIES", written)
    assert read_settings().trusted_proxies == tuple(map(ip_network, networks))


@pytest.mark.parametrize("written", ["proxy.example.org", "10.1.2.3/16", "0.0.0.0/0", "::/0"])
def test_what_would_trust_too_much_or_nobody_is_refused(
    monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setenv("FIRSTPOINT_TRUSTED_PROXIES", written)
    with pytest.raises(StartError, match="TRUSTED_PROXIES"):
        read_settings()
