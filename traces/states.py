"""What a state machine is: statuses, an initial one, and the edges that may be walked. Pure data, no Django.

Each app declares its machines in its own ``states.py``; the same data make the database's trigger
(``traces.guards``), the charts of the README (``mermaid``) and the check in ``traces.services.move``.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """One axis of status: its name, where rows begin, and where each status may go."""

    name: str
    initial: str
    edges: Mapping[str, frozenset[str]]

    def allows(self, source: str, target: str) -> bool:
        """Whether the edge from ``source`` to ``target`` exists."""
        return target in self.edges.get(source, frozenset())

    @property
    def statuses(self) -> tuple[str, ...]:
        """Every status, in the order in which the edges first name it."""
        seen = dict.fromkeys([self.initial, *self.edges])
        for targets in self.edges.values():
            seen.update(dict.fromkeys(sorted(targets)))
        return tuple(seen)

    @property
    def terminal(self) -> frozenset[str]:
        """Statuses that no edge leaves."""
        return frozenset(s for s in self.statuses if not self.edges.get(s))

    def pairs(self) -> list[tuple[str, str]]:
        """Every edge, sorted, as the trigger and the chart list them."""
        return sorted((source, target) for source, targets in self.edges.items() for target in targets)

    def mermaid(self) -> str:
        """The machine as a Mermaid state diagram; the README's charts are made by this."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        lines += [f"    {source} --> {target}" for source, target in self.pairs()]
        return "\n".join(lines)
