"""The world outside, for stops: a process of its own that writes down what reaches it, in the order in which it does.

``python -m tests.chaos.stops.recorder SOCKET`` answers one line at a time, so there is one order of all effects. It
stamps each with the clock of the machine, which is PostgreSQL's clock too, and takes no word of the product for it.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from pathlib import Path

PLACE = "STOPS_RECORDER"
"""The variable that names the recorder's socket."""
SECONDS = 30


def tell(*words: str) -> str:
    """Say something to the recorder and wait for its answer."""
    with socket.socket(socket.AF_UNIX) as speaking:
        speaking.settimeout(SECONDS)
        speaking.connect(os.environ[PLACE])
        speaking.sendall(" ".join(words).encode() + b"\n")
        return speaking.makefile().readline().strip()


def effect(key: str) -> None:
    """Have an effect: from the answer on it has happened."""
    tell("effect", key)


def known(key: str) -> bool:
    """Whether this key has had an effect."""
    return tell("known", key) == "yes"


def arrived() -> list[tuple[str, float]]:
    """The effects since the last question: key and moment, in seconds of the machine's clock."""
    return [(key, moment) for key, moment in json.loads(tell("arrived"))]


class Effects:
    """All effects so far, by key, with the moment of each. Raises AssertionError for one that came twice."""

    def __init__(self) -> None:
        self.moments: dict[str, float] = {}

    def look(self) -> dict[str, float]:
        """Ask the recorder for what is new; returns them all."""
        for key, moment in arrived():
            assert key not in self.moments, "an effect came twice"
            self.moments[key] = moment
        return self.moments


def serve(place: Path) -> None:
    """Write down until the process is ended."""
    seen: set[str] = set()
    fresh: list[tuple[str, float]] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place))
        server.listen(64)
        print("ready", flush=True)
        while True:
            caller, _ = server.accept()
            with caller:
                word, _, key = caller.makefile().readline().strip().partition(" ")
                said = "noted"
                if word == "effect":
                    fresh.append((key, time.time()))
                    seen.add(key)
                elif word == "known":
                    said = "yes" if key in seen else "no"
                elif word == "arrived":
                    said, fresh = json.dumps(fresh), []
                caller.sendall(said.encode() + b"\n")


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
