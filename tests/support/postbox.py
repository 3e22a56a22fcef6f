"""A mail server that keeps what it is given, over the wire on loopback, and refuses or dawdles on order."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Letter:
    """One letter as it came: who it says it is from, for whom, and its bytes."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """It, read."""
        return message_from_bytes(self.raw, policy=policy.default)  # type: ignore[return-value]

    def part(self, kind: str) -> str:
        """The text of its part of this kind, ``plain`` or ``html``."""
        found = self.message.get_body(preferencelist=(kind,))
        assert found is not None
        return str(found.get_content())


@dataclass
class Postbox:
    """What was delivered, and how the next delivery is answered."""

    listener: socket.socket
    letters: list[Letter] = field(default_factory=list)
    connections: int = 0
    refuses: dict[str, str] = field(default_factory=dict)
    """Command to answer, such as ``{"RCPT": "550 no such person"}``."""
    holds_back: bool = False
    """Take the letter and do not say so."""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """As LAM_MAIL_URL has it."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listener.getsockname()[1])

    def serve(self) -> None:
        """Answer until it is over."""
        while not self.over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._one, args=(connection,), daemon=True).start()

    def _one(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection), connection.makefile("rwb") as talk:
            connection.settimeout(20)
            self._converse(talk)

    def _converse(self, talk: object) -> None:
        letter = Letter("", [], b"")

        def say(line: str) -> None:
            talk.write(f"{line}\r\n".encode())  # type: ignore[attr-defined]
            talk.flush()  # type: ignore[attr-defined]

        say("220 postbox")
        while line := talk.readline():  # type: ignore[attr-defined]
            said = line.decode("ascii", "replace").strip()
            verb = said.split(" ")[0].split(":")[0].upper()
            if verb in self.refuses:
                say(self.refuses[verb])
            elif verb == "DATA":
                say("354 go on")
                letter.raw = self._body(talk)
                self.letters.append(letter)
                if self.holds_back:
                    self.over.wait(30)
                    return
                say("250 taken")
                letter = Letter("", [], b"")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                if verb == "MAIL":
                    letter.sender = _address(said)
                elif verb == "RCPT":
                    letter.recipients.append(_address(said))
                say("250 well")

    def _body(self, talk: object) -> bytes:
        lines = []
        while (line := talk.readline()) and line != b".\r\n":  # type: ignore[attr-defined]
            lines.append(line[1:] if line.startswith(b"..") else line)
        return b"".join(lines)


def _address(said: str) -> str:
    return said.partition("<")[2].partition(">")[0]


@contextlib.contextmanager
def postbox() -> Iterator[Postbox]:
    """A mail server for as long as the block lasts."""
    box = Postbox(socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=box.serve, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        box.over.set()
        with contextlib.suppress(OSError):
            box.listener.shutdown(socket.SHUT_RDWR)
        box.listener.close()
        thread.join(5)
