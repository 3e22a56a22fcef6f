"""Which addresses are what, which of them a list of places opens, and how such a list is written."""

import ipaddress

import pytest

from lam_app import environment as env
from tools.egress import EgressRefused, address_class, admit, target


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("10.1.2.3", "private"),
        ("172.31.0.1", "private"),
        ("192.168.1.1", "private"),
        ("fd12::1", "private"),
        ("100.64.0.1", "shared"),
        ("169.254.169.254", "metadata"),
        ("168.63.129.16", "metadata"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("::ffff:8.8.8.8", "translated"),
        ("64:ff9b::808:808", "translated"),
        ("2002:808:808::", "translated"),
        ("255.255.255.255", "reserved"),
        ("192.0.2.1", "reserved"),
        ("2001:db8::1", "reserved"),
        ("8.8.8.8", "public"),
        ("2606:4700::1111", "public"),
    ],
)
def test_every_address_has_a_class(address: str, kind: str) -> None:
    assert address_class(ipaddress.ip_address(address)) == kind


def test_the_lists_of_ports_and_wildcards_mean_what_they_say() -> None:
    def allowed(url: str, *network: str) -> bool:
        try:
            admit(url, network=network, private=())
        except EgressRefused:
            return False
        return True

    assert allowed("https://api.example/x", "api.example")
    assert allowed("http://api.example/x", "api.example")
    assert allowed("https://api.example:8443/x", "api.example:8443")
    assert not allowed("https://api.example:8443/x", "api.example")
    assert not allowed("https://api.example/x", "api.example:8443")
    assert not allowed("https://api.example:22/x", "api.example:22"), "a port of another service"
    assert allowed("https://a.api.example/x", "*.api.example")
    assert not allowed("https://api.example/x", "*.api.example")
    assert not allowed("https://evilapi.example/x", "*.api.example")
    assert not allowed("https://api.example.evil.example/x", "api.example")


def test_an_address_is_understood_in_one_way() -> None:
    found = target("HTTPS://API.Example:8443/a%2Fb?c=d&e=%20")
    assert (found.scheme, found.host, found.port, found.rest) == ("https", "api.example", 8443, "/a%2Fb?c=d&e=%20")
    assert target("http://api.example").rest == "/"
    assert target("http://api.example?x=1").rest == "/?x=1"
    assert target("http://api.example:80/").authority == "api.example"


@pytest.mark.parametrize(
    "value", ["localhost", "127.0.0.1:0", "127.0.0.1:99999", "http://x:80", ":80", "a b:80", "ä:80"]
)
def test_wrong_places_are_refused_at_start_by_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAM_EGRESS_PRIVATE", f"ok.example:80,{value}")
    with pytest.raises(env.WrongSetting, match="LAM_EGRESS_PRIVATE"):
        env.places("LAM_EGRESS_PRIVATE")


def test_places_are_read_in_lower_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAM_EGRESS_PRIVATE", "Localhost:8801, 127.0.0.1:9,[::1]:80")
    assert env.places("LAM_EGRESS_PRIVATE") == {"localhost:8801", "127.0.0.1:9", "[::1]:80"}
