"""Where tools may reach: T15, T94. Canary listeners stand at every address of this host and must hear nothing."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.rude import certificate, rude, says, server_side
from tools import egress, wire
from tools.egress import EgressRefused, admit
from tools.wire import Answer, Broken, exchange


class Canary:
    """Listens on one port of every address of this host, and counts."""

    def __init__(self) -> None:
        self.heard = 0
        first = socket.create_server(("0.0.0.0", 0))
        self.port = int(first.getsockname()[1])
        self.listeners = [first]
        if socket.has_ipv6:
            self.listeners.append(socket.create_server(("::", self.port), family=socket.AF_INET6))
        self.threads = [threading.Thread(target=self._count, args=(one,), daemon=True) for one in self.listeners]
        for thread in self.threads:
            thread.start()

    def _count(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.heard += 1
            connection.close()

    def knock(self) -> None:
        """Prove that the canary is alive, and that everything that came before this was counted."""
        before = self.heard
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.recv(1)
        assert self.heard == before + 1
        self.heard -= 1

    def close(self) -> None:
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def canary() -> Iterator[Canary]:
    found = Canary()
    yield found
    found.close()


def sent(url: str, *, network: tuple[str, ...], private: tuple[str, ...] = (), seconds: float = 2) -> Answer | Broken:
    return exchange("GET", url, {}, None, network=network, private=private, seconds=seconds)


# {p} is the canary's port. Every host is on the tool's list, as if a hostile document had put it there.
URLS = [
    "http://127.0.0.1:{p}/",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://2130706433:{p}/",
    "http://0x7f000001:{p}/",
    "http://0x7f.0.0.1:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://017700000001:{p}/",
    "http://127.000.000.001:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://0:{p}/",
    "http://0.0.0.0:{p}/",
    "http://localhost:{p}/",
    "http://LOCALHOST:{p}/",
    "http://localhost.:{p}/",
    "http://[::1]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[::]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[64:ff9b::7f00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[fe80::1%25lo]:{p}/",
    "http://169.254.169.254:{p}/latest/meta-data/",
    "http://[fd00:ec2::254]:{p}/",
    "http://100.100.100.200:{p}/",
    "http://10.0.0.1:{p}/",
    "http://172.16.0.1:{p}/",
    "http://192.168.0.1:{p}/",
    "http://224.0.0.1:{p}/",
    "http://255.255.255.255:{p}/",
    "http://240.0.0.1:{p}/",
    "http://user@127.0.0.1:{p}/",
    "http://good.example@127.0.0.1:{p}/",
    "http://good.example:80@127.0.0.1:{p}/",
    "http://127.0.0.1:{p}\\@good.example/",
    "http://good.example#@127.0.0.1:{p}/",
    "http://127。0。0。1:{p}/",
    "http://①②⑦.0.0.1:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http://loc\talhost:{p}/",
    "http://127.0.0.1:0{p}/",
    "http://127.0.0.1:{p} /",
    "http:/127.0.0.1:{p}/",
    "http:127.0.0.1:{p}/",
    "//127.0.0.1:{p}/",
    "https://127.0.0.1:{p}/",
    "ftp://127.0.0.1:{p}/",
    "gopher://127.0.0.1:{p}/_x",
    "file:///etc/passwd",
    "http://rebound.example:{p}/",
    "http://mixed.example:{p}/",
    "http://mapped.example:{p}/",
    "http://linklocal.example:{p}/",
]
NAMES = {
    "rebound.example": ["127.0.0.1"],
    "mixed.example": ["93.184.215.14", "127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "linklocal.example": ["169.254.169.254"],
}


@pytest.mark.parametrize("url", URLS)
def test_t94_no_spelling_reaches_the_inside(url: str, canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    real = egress.lookup
    monkeypatch.setattr(egress, "lookup", lambda host, port: NAMES.get(host) or real(host, port))
    whole = url.replace("{p}", str(canary.port))
    hosts = {url.rsplit("//", maxsplit=1)[-1].split("/", maxsplit=1)[0].replace("{p}", str(canary.port)).lower()}
    hosts |= {f"127.0.0.1:{canary.port}", f"localhost:{canary.port}", f"good.example:{canary.port}", "good.example"}
    happened = sent(whole, network=tuple(hosts))
    assert isinstance(happened, Broken)
    assert happened.why == "egress_refused"
    canary.knock()
    assert canary.heard == 0


def test_t94_what_is_not_on_the_tools_list_is_not_reached(canary: Canary) -> None:
    place = f"127.0.0.1:{canary.port}"
    for network in (
        (),
        ("api.example",),
        ("127.0.0.1",),
        ("127.0.0.1:1",),
        ("*.0.0.1",),
        ("*.0.0.1:" + str(canary.port),),
    ):
        happened = sent(f"http://{place}/", network=network, private=(place,))
        assert isinstance(happened, Broken)
        assert happened.why == "egress_refused"
    canary.knock()
    assert canary.heard == 0


def test_a_listed_place_is_reached_under_that_very_name_and_port_only(monkeypatch: pytest.MonkeyPatch) -> None:
    with rude(says(200)) as server:
        port = server.listener.getsockname()[1]
        monkeypatch.setattr(egress, "lookup", lambda host, port: ["127.0.0.1"])
        assert isinstance(sent(server.url, network=(server.place,), private=(server.place,)), Answer)
        other = f"other.example:{port}"
        assert isinstance(sent(f"http://{other}/", network=(other,), private=(server.place,)), Broken)
        assert isinstance(sent(f"http://{other}/", network=(other,), private=(other,)), Answer)
        assert server.headers()["host"] == other
        assert server.connections == 2


@pytest.mark.parametrize("place", ["169.254.169.254:80", "0.0.0.0:80", "224.0.0.1:80", "[::ffff:127.0.0.1]:80"])
def test_t94_some_places_cannot_be_opened_at_all(place: str) -> None:
    with pytest.raises(EgressRefused):
        admit(f"http://{place}/", network=(place,), private=(place,))


def test_t15_t94_a_name_that_is_pointed_elsewhere_after_the_check_changes_nothing(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address that was checked is the one that is called; a name is asked for once."""
    asked: list[str] = []
    reached: list[Any] = []

    def flips(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14"] if len(asked) == 1 else ["127.0.0.1"]

    def refused(address: Any, timeout: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(egress, "lookup", flips)
    monkeypatch.setattr(socket, "create_connection", refused)
    place = f"flips.example:{canary.port}"
    happened = sent(f"http://{place}/", network=(place,))
    monkeypatch.undo()
    assert isinstance(happened, Broken)
    assert happened.why == "connect_refused"
    assert asked == ["flips.example"]
    assert reached == [("93.184.215.14", canary.port)]
    canary.knock()
    assert canary.heard == 0


def test_t94_a_redirect_to_the_inside_is_not_followed(canary: Canary) -> None:
    for status in (301, 302, 303, 307, 308):
        with rude(says(status, b"", f"Location: http://127.0.0.1:{canary.port}/")) as server:
            answer = sent(server.url, network=(server.place, f"127.0.0.1:{canary.port}"), private=(server.place,))
            assert isinstance(answer, Answer)
            assert answer.status == status
    canary.knock()
    assert canary.heard == 0


def test_t94_proxies_of_the_environment_are_not_used(canary: Canary, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    with rude(says(200)) as server:
        assert isinstance(sent(server.url, network=(server.place,), private=(server.place,)), Answer)
    canary.knock()
    assert canary.heard == 0


def test_tls_speaks_the_name_to_the_checked_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str | None] = []
    place = certificate(tmp_path, "orders.example")
    context = server_side(place)
    context.sni_callback = lambda connection, name, of: shown.append(name)
    monkeypatch.setattr(egress, "lookup", lambda host, port: ["127.0.0.1"])
    monkeypatch.setattr(egress, "trust", lambda: ssl.create_default_context(cafile=str(place)))
    with rude(says(200), secured=context) as server:
        port = server.listener.getsockname()[1]
        for name, expected in (("orders.example", Answer), ("another.example", Broken)):
            spot = f"{name}:{port}"
            assert isinstance(sent(f"https://{spot}/", network=(spot,), private=(spot,)), expected)
        assert shown == ["orders.example", "another.example"]
        assert len(server.requests) == 1
        assert server.headers()["host"] == f"orders.example:{port}"


def test_the_second_address_is_tried_when_the_first_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.create_connection

    def silent(address: Any, timeout: float) -> socket.socket:
        if address[0] == "127.0.0.2":
            raise TimeoutError
        return real(address, timeout=timeout)

    monkeypatch.setattr(egress, "lookup", lambda host, port: ["127.0.0.2", "127.0.0.1"])
    monkeypatch.setattr(socket, "create_connection", silent)
    with rude(says(200)) as server:
        place = f"two.example:{server.listener.getsockname()[1]}"
        assert isinstance(sent(f"http://{place}/", network=(place,), private=(place,)), Answer)


def test_a_header_that_would_begin_another_request_is_never_written(canary: Canary) -> None:
    place = f"127.0.0.1:{canary.port}"
    with pytest.raises(wire.NotWritable):
        exchange("GET", f"http://{place}/", {"X": "a\r\nHost: b"}, None, network=(place,), private=(place,), seconds=1)
    canary.knock()
    assert canary.heard == 0
