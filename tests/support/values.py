"""Any value that JSON has."""

import random
import struct

from traces.canonical import LARGEST


def any_value(chance: random.Random, depth: int = 0) -> object:
    """A random JSON value; hypothesis looks harder, this looks ten thousand times."""
    kind = chance.randrange(8 if depth < 4 else 6)
    if kind == 0:
        return chance.choice([None, True, False, 0, -0.0, 1.0, "", LARGEST, -LARGEST])
    if kind == 1:
        return chance.randint(-LARGEST, LARGEST)
    if kind == 2:
        (number,) = struct.unpack(">d", chance.randbytes(8))
        return number if abs(number) <= LARGEST else chance.random()
    if kind == 3:
        return round(chance.uniform(-1e6, 1e6), chance.randrange(6))
    if kind in (4, 5):
        return any_text(chance)
    if kind == 6:
        return [any_value(chance, depth + 1) for _ in range(chance.randrange(5))]
    return {any_text(chance): any_value(chance, depth + 1) for _ in range(chance.randrange(5))}


def any_text(chance: random.Random) -> str:
    """Random text: control characters, ASCII, the planes above."""
    ranges = [(1, 0x20), (0x20, 0x7F), (0x20, 0x7F), (0x80, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF)]
    return "".join(chr(chance.randint(*chance.choice(ranges))) for _ in range(chance.randrange(12)))
