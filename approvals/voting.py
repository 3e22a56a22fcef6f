"""Whether those who said yes are enough: so many people, and so many of each team, nobody counted for two teams.

Pure. The trigger ``approvals_action_entitled`` asks the same in the database, where nobody can go round it.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MOST_TEAMS = 12
"""Teams of one action. The database compares every set of them, so their number is bounded; nobody is enough for
more."""


@dataclass(frozen=True)
class Lacking:
    """What is still missing; nothing when it is empty."""

    people: int = 0
    """How many more people have to say yes, whoever they are."""
    teams: tuple[tuple[str, int], ...] = ()
    """Team and how many more of its people."""

    def __bool__(self) -> bool:
        return self.people > 0 or bool(self.teams)

    def __str__(self) -> str:
        said = [f"{number} of team {team}" for team, number in self.teams]
        if self.people > sum(number for _, number in self.teams):
            said.insert(0, f"{self.people} more")
        return " and ".join(said)


def lacking(
    voters: Mapping[uuid.UUID, Iterable[str]], *, quorum: int, teams: Sequence[tuple[str, int]] = ()
) -> Lacking:
    """What these voters, each with the teams that they are in, leave to be desired.

    Every team needs its number of people, and a person in two teams counts for one of them: for whichever leaves the
    fewest places empty (a maximum matching of people and places). A quorum below 1 is one person all the same.
    """
    needs = strictest(teams)
    if len(needs) > MOST_TEAMS:
        return Lacking(teams=needs)
    places = [(team, place) for team, number in needs for place in range(number)]
    taken: dict[tuple[str, int], uuid.UUID] = {}
    member = {voter: frozenset(of) for voter, of in voters.items()}

    def seat(voter: uuid.UUID, tried: set[tuple[str, int]]) -> bool:
        """Give the voter a place, moving those who sit already where that helps."""
        for place in places:
            if place[0] in member[voter] and place not in tried:
                tried.add(place)
                if place not in taken or seat(taken[place], tried):
                    taken[place] = voter
                    return True
        return False

    for voter in sorted(member):
        seat(voter, set())
    empty = [team for team, place in places if (team, place) not in taken]
    return Lacking(
        people=max(0, max(1, quorum) - len(member)),
        teams=tuple((team, empty.count(team)) for team, _ in needs if team in empty),
    )


def strictest(*asked: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """What several rulings ask of teams, together: the highest number of each team, by name."""
    needs: dict[str, int] = {}
    for teams in asked:
        for team, number in teams:
            needs[team] = max(number, needs.get(team, 0))
    return tuple(sorted((team, number) for team, number in needs.items() if number > 0))
