"""Where tools may reach, and nowhere else: every connection that a tool causes is opened by ``connect``.

1. The address is read by a reader that knows one spelling of everything; what two readers could understand
   differently (user info, octal or hexadecimal numbers, backslashes, odd letters) is refused.
2. Its host and port have to be on the tool's own allow-list, which is part of the contract that people see.
3. The name is resolved once, and *every* address it has is checked. Loopback, private and shared ranges are reached
   only where LAM_EGRESS_PRIVATE names the very host and port; link-local ranges (where clouds keep their metadata),
   multicast, unspecified, reserved and translated addresses never are.
4. The connection goes to the address that was checked, under the name that was asked for (Host, SNI, certificate), so
   that a name which points elsewhere a moment later changes nothing.

Proxies of the environment are not used: whoever sets one would see and bend every call.
"""

import contextlib
import functools
import ipaddress
import queue
import re
import socket
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from traces.exceptions import DomainError

if TYPE_CHECKING:
    import ssl

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS = {"http": 80, "https": 443}
LONGEST_URL = 8_000

_URL = re.compile(r"(?P<scheme>https?)://(?P<place>[^/?#]+)(?P<rest>(?:/[^?#]*)?(?:\?[^#]*)?)\Z", re.IGNORECASE)
_CLEAN = re.compile(r"[!#-;=?-\[\]_a-z~]+\Z")  # printable ASCII without space, quotes, < > \ ^ ` { | }
_PLACE = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(?P<port>[1-9][0-9]{0,4}))?\Z")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_NUMERIC = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")

_CLASSES = tuple(
    (kind, tuple(map(ipaddress.ip_network, networks)))
    for kind, networks in (
        ("metadata", ("169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254")),
        ("unspecified", ("0.0.0.0/8", "::/128")),
        ("loopback", ("127.0.0.0/8", "::1/128")),
        ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")),
        ("shared", ("100.64.0.0/10",)),
        ("link-local", ("169.254.0.0/16", "fe80::/10", "fec0::/10")),
        ("multicast", ("224.0.0.0/4", "ff00::/8")),
        ("translated", ("::ffff:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")),
    )
)
PUBLIC = "public"
_MAY_BE_OPENED = frozenset({"loopback", "private", "shared"})
"""Classes that LAM_EGRESS_PRIVATE can open, host and port at a time."""


class EgressRefused(DomainError):
    """A tool may not reach this address."""

    http_status: ClassVar[int] = 403
    code: ClassVar[str] = "egress_refused"


class NotConnected(DomainError):
    """No connection came about, so nothing was sent."""

    http_status: ClassVar[int] = 502
    code: ClassVar[str] = "not_connected"
    retry: ClassVar[bool] = True

    def __init__(self, reason: str, message: str) -> None:
        """`reason` is one of connect_refused, connect_timeout, dns_failed, tls_failed."""
        self.reason = reason
        super().__init__(message)


class Deadline:
    """The end of a call by the wall clock, whatever the other side does in between."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, more than 0. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was understood: nothing in it has a second reading."""

    scheme: str
    host: str
    """In lower case; an IPv6 address keeps its brackets."""
    port: int
    rest: str
    """Path and query as they go into the request line."""

    @property
    def place(self) -> str:
        """`host:port`, as allow-lists write it."""
        return f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """What the Host header says."""
        return self.host if self.port == PORTS[self.scheme] else self.place

    @property
    def literal(self) -> Address | None:
        """The address, where the host is one."""
        try:
            return ipaddress.ip_address(self.host.strip("[]"))
        except ValueError:
            return None


def target(url: str) -> Target:
    """Read an address. Raises EgressRefused for every spelling but the plain one."""
    if len(url) > LONGEST_URL:
        raise EgressRefused(f"The address is longer than {LONGEST_URL} characters.")
    found = _URL.match(url) if _CLEAN.match(url.lower()) else None
    if found is None:
        raise EgressRefused("The address is not a plain http or https address.")
    if "@" in found["place"]:
        raise EgressRefused("The address names a user.")
    place = _PLACE.match(found["place"].lower())
    if place is None:
        raise EgressRefused("The address names its host or port in an unusual way.")
    scheme, host = found["scheme"].lower(), place["host"]
    port = int(place["port"] or PORTS[scheme])
    if port > 65_535:
        raise EgressRefused(f"There is no port {port}.")
    _plain_host(host)
    rest = found["rest"]
    return Target(scheme, host, port, rest if rest.startswith("/") else f"/{rest}")


def _plain_host(host: str) -> None:
    labels = host.split(".")
    with contextlib.suppress(ValueError):
        if host.startswith("["):
            if f"[{ipaddress.IPv6Address(host[1:-1])}]" == host:
                return
        elif _NUMERIC.match(labels[-1]):
            if str(ipaddress.IPv4Address(host)) == host:
                return
        elif len(host) <= 253 and all(map(_LABEL.match, labels)):
            return
    raise EgressRefused("The address names its host in an unusual way.")


def admit(url: str, *, network: Collection[str], private: Collection[str]) -> Target:
    """The target of a URL that is on a tool's allow-list. Raises EgressRefused; opens nothing."""
    found = target(url)
    if not any(_allows(entry, found) for entry in network):
        raise EgressRefused(f"{found.place} is not on this tool's list of addresses.")
    if found.port < 1024 and found.port not in PORTS.values() and found.place not in private:
        raise EgressRefused(f"Port {found.port} belongs to another service than the web.")
    literal = found.literal
    if literal is not None:
        check(literal, found, private=private)
    return found


def _allows(entry: str, found: Target) -> bool:
    listed = _PLACE.match(entry.removeprefix("*."))
    if listed is None or int(listed["port"] or PORTS[found.scheme]) != found.port:
        return False
    host = "*." * entry.startswith("*.") + listed["host"]
    # A wildcard stands for names below the domain, not for the domain itself, and never for a number.
    return found.host == host or (host.startswith("*.") and found.host.endswith(host[1:]) and found.literal is None)


def address_class(address: Address) -> str:
    """What kind of place an address is: `public`, or the reason why it is none."""
    for kind, networks in _CLASSES:
        if any(address in network for network in networks):
            return kind
    return PUBLIC if address.is_global else "reserved"


def check(address: Address, asked: Target, *, private: Collection[str]) -> None:
    """Raises EgressRefused unless tools may reach this address under this name."""
    kind = address_class(address)
    if kind == PUBLIC or (kind in _MAY_BE_OPENED and asked.place in private):
        return
    raise EgressRefused(f"{asked.host} is at a {kind} address, which tools may not reach.")


def lookup(host: str, port: int) -> list[str]:
    """Every address that a name has now, in the resolver's order. Raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


def resolve(asked: Target, deadline: Deadline) -> list[Address]:
    """The addresses of a target's host. Raises NotConnected.

    The system's resolver cannot be given a time, so it is asked in a thread that is left behind when it takes too long.
    """
    literal = asked.literal
    if literal is not None:
        return [literal]
    answer: queue.SimpleQueue[list[Address] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put([ipaddress.ip_address(found) for found in lookup(asked.host, asked.port)])
        except (OSError, ValueError) as error:
            answer.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        found = answer.get(timeout=deadline.left())
    except (queue.Empty, TimeoutError):
        raise NotConnected("connect_timeout", f"The name {asked.host} was not resolved in time.") from None
    if isinstance(found, Exception) or not found:
        raise NotConnected("dns_failed", f"The name {asked.host} could not be resolved.") from None
    return found


def connect(asked: Target, *, private: Collection[str], deadline: Deadline) -> socket.socket:
    """An open connection to a checked address of an admitted target, under TLS where it is https.

    Raises EgressRefused if any of the host's addresses is out of bounds, NotConnected if no connection came about.
    """
    addresses = resolve(asked, deadline)
    for address in addresses:
        check(address, asked, private=private)
    reason, text = "connect_refused", f"{asked.place} refused the connection."
    for place, address in enumerate(addresses):
        try:
            # A silent address leaves the others their share of the time.
            share = deadline.left() / (len(addresses) - place)
            plain = socket.create_connection((str(address), asked.port), timeout=share)
        except TimeoutError:
            reason, text = "connect_timeout", f"{asked.place} did not answer in time."
            continue
        except OSError:
            continue
        return _secured(plain, asked, deadline) if asked.scheme == "https" else plain
    raise NotConnected(reason, text)


def trust() -> "ssl.SSLContext":
    """Whose certificates are believed: the system's, checked against the name."""
    import ssl

    return ssl.create_default_context()


@functools.cache
def _closing_socket() -> "type[ssl.SSLSocket]":
    import ssl

    class Closing(ssl.SSLSocket):
        """Closed when it is forgotten: the ssl module forgets one that ends while it is being wrapped."""

        def __del__(self) -> None:
            self.close()

    return Closing


def _secured(plain: socket.socket, asked: Target, deadline: Deadline) -> socket.socket:
    try:
        plain.settimeout(deadline.left())
        context = trust()
        context.sslsocket_class = _closing_socket()
        secured = context.wrap_socket(plain, server_hostname=asked.host.strip("[]"))
        if secured.version() is None:
            # The ssl module takes a connection that has just ended for one that has yet to begin, and skips TLS.
            secured.close()
            raise OSError
        return secured
    except TimeoutError:
        plain.close()
        raise NotConnected("connect_timeout", f"{asked.place} did not finish the TLS handshake in time.") from None
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        plain.close()
        why = getattr(error, "verify_message", "") or getattr(error, "reason", "") or "the connection ended"
        raise NotConnected("tls_failed", f"No safe connection to {asked.place}: {str(why)[:200]}.") from None
