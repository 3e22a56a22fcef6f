"""`python -m sandbox --port 8100 [--host 127.0.0.1] [--store FILE]`: serve the back office until told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from sandbox.server import Server
from sandbox.store import Store


def main(argv: list[str] | None = None) -> int:
    """Serve; print one line when ready; 0 after SIGTERM or SIGINT, 1 when it cannot begin."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A small shop's back office over HTTP.")
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one; the ready line says which")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--store", type=Path, help="the SQLite file to keep everything in; without it, memory")
    asked = parser.parse_args(argv)
    try:
        server = Server(Store(asked.store), host=asked.host, port=asked.port)
    except OSError as error:
        sys.stderr.write(f"The back office cannot begin: {error}\n")
        return 1

    def stop(*_: object) -> None:
        # shutdown waits for the loop, and the loop runs in the thread that the signal interrupted.
        threading.Thread(target=server.shutdown).start()

    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, stop)
    sys.stdout.write(f"ready {server.url}\n")
    sys.stdout.flush()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
