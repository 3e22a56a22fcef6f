"""HTTP services that misbehave on order, on loopback, and listeners that must hear nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Manner = Callable[["Rude", socket.socket], None]


@dataclass
class Rude:
    """A service that reads one request per connection and then does as ordered."""

    listener: socket.socket
    manner: Manner
    secured: ssl.SSLContext | None = None
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over, so that nothing that hangs outlives it."""

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.listener.getsockname()[1]}"

    @property
    def url(self) -> str:
        return f"{'https' if self.secured else 'http'}://{self.place}"

    def serve(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection.settimeout(10)
            if self.secured:
                connection = self.secured.wrap_socket(connection, server_side=True)
            with contextlib.closing(connection):
                self.manner(self, connection)

    def read(self, connection: socket.socket) -> bytes:
        """One whole request."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return body

    def headers(self, index: int = -1) -> dict[str, str]:
        """The headers of a request, names in lower case."""
        lines = self.requests[index].split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        return {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines}


@contextlib.contextmanager
def rude(manner: Manner, *, secured: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Rude]:
    """A misbehaving service for as long as the block lasts."""
    listener = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    server = Rude(listener, manner, secured)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def says(status: int, body: bytes | str = b"{}", *headers: str, length: int | None = None) -> Manner:
    """Read the request and answer; `length` lies about the body's length."""
    data = body.encode() if isinstance(body, str) else body

    def manner(server: Rude, connection: socket.socket) -> None:
        server.read(connection)
        head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(data) if length is None else length}", *headers]
        connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + data)

    return manner


def raw(answer: bytes) -> Manner:
    """Read the request, write these bytes and hang up."""

    def manner(server: Rude, connection: socket.socket) -> None:
        server.read(connection)
        connection.sendall(answer)

    return manner


def hangs(server: Rude, connection: socket.socket) -> None:
    """Read the request and say nothing."""
    server.read(connection)
    server.over.wait(20)


def drips(server: Rude, connection: socket.socket) -> None:
    """One byte at a time, each well within any patience that starts anew with every byte."""
    server.read(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not server.over.wait(0.02):
        connection.sendall(b" ")


def resets(server: Rude, connection: socket.socket) -> None:
    """Read the request and cut the connection."""
    server.read(connection)
    reset(connection)


def reset(connection: socket.socket) -> None:
    """Close with a reset instead of a farewell."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def certificate(folder: Path, *names: str) -> Path:
    """A self-signed certificate with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = dt.datetime.now(dt.UTC)
    built: Any = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    place = folder / "certificate.pem"
    place.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return place


def server_side(place: Path) -> ssl.SSLContext:
    """How a service shows a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place)
    return context
