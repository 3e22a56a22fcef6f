"""Enough votes: so many people, so many of each team, and nobody counted for two teams."""

import random
import uuid
from itertools import permutations

from approvals.voting import MOST_TEAMS, Lacking, lacking, strictest

ANN, BOB, CID, DOT = (uuid.UUID(int=n) for n in range(1, 5))


def test_a_number_of_people_is_what_an_action_needs_when_it_names_no_team() -> None:
    assert lacking({ANN: ()}, quorum=2) == Lacking(people=1)
    assert not lacking({ANN: (), BOB: ()}, quorum=2)


def test_nobody_is_never_enough_whatever_the_quorum_says() -> None:
    for quorum in (-1, 0, 1):
        assert lacking({}, quorum=quorum) == Lacking(people=1)


def test_t26_two_of_one_team_are_none_of_the_other() -> None:
    needs = [("peers", 1), ("managers", 1)]
    assert lacking({ANN: ["peers"], BOB: ["peers"]}, quorum=2, teams=needs) == Lacking(teams=(("managers", 1),))
    assert not lacking({ANN: ["peers"], BOB: ["managers"]}, quorum=2, teams=needs)


def test_one_person_in_two_teams_counts_for_one_of_them() -> None:
    needs = [("peers", 1), ("managers", 1)]
    missing = lacking({ANN: ["peers", "managers"]}, quorum=1, teams=needs)
    assert sum(number for _, number in missing.teams) == 1


def test_a_person_sits_where_that_leaves_room_for_the_others() -> None:
    needs = [("peers", 1), ("managers", 1), ("auditors", 1)]
    voters = {ANN: ["auditors", "peers"], BOB: ["auditors", "managers"], CID: ["auditors"]}
    assert not lacking(voters, quorum=3, teams=needs)


def test_a_person_of_no_team_counts_for_the_quorum_alone() -> None:
    assert lacking({ANN: [], BOB: ["peers"]}, quorum=2, teams=[("peers", 2)]) == Lacking(teams=(("peers", 1),))


def test_the_strictest_of_two_rulings_counts_team_by_team() -> None:
    assert strictest([("a", 1), ("b", 3)], [("b", 2), ("c", 1)], []) == (("a", 1), ("b", 3), ("c", 1))
    assert lacking({ANN: ["a"], BOB: ["a"]}, quorum=1, teams=[("a", 1), ("a", 3)]) == Lacking(teams=(("a", 1),))


def test_what_is_missing_is_said_in_words() -> None:
    assert str(Lacking(people=2)) == "2 more"
    assert str(Lacking(people=1, teams=(("a", 1), ("b", 2)))) == "1 of team a and 2 of team b"
    assert str(Lacking(people=3, teams=(("a", 1),))) == "3 more and 1 of team a"


def test_nobody_is_enough_for_more_teams_than_can_be_compared() -> None:
    voters = {uuid.UUID(int=n): [f"team-{n}"] for n in range(MOST_TEAMS + 1)}
    needs = [(f"team-{n}", 1) for n in range(MOST_TEAMS + 1)]
    assert not lacking(voters, quorum=1, teams=needs[:-1])
    assert lacking(voters, quorum=1, teams=needs)


def seated(voters: dict[uuid.UUID, frozenset[str]], needs: dict[str, int]) -> bool:
    """Whether there is any way to fill all places, found by trying them all."""
    places = [team for team, number in needs.items() for _ in range(number)]
    if len(places) > len(voters):
        return False
    return any(
        all(team in voters[voter] for team, voter in zip(places, chosen, strict=True))
        for chosen in permutations(voters, len(places))
    )


def by_sets(voters: dict[uuid.UUID, frozenset[str]], needs: dict[str, int]) -> bool:
    """Whether every set of teams has as many people as it needs: what the database compares."""
    teams = list(needs)
    for chosen in range(1, 1 << len(teams)):
        some = {team for bit, team in enumerate(teams) if chosen & 1 << bit}
        if sum(1 for of in voters.values() if of & some) < sum(needs[team] for team in some):
            return False
    return True


def test_it_agrees_with_trying_every_way_and_with_what_the_database_compares() -> None:
    dice = random.Random(2026)
    came = {True: 0, False: 0}
    for _ in range(4_000):
        teams = "abcd"[: dice.randint(0, 4)]
        needs = {team: dice.randint(1, 2) for team in teams}
        voters = {
            uuid.UUID(int=n): frozenset(team for team in teams if dice.random() < 0.5)
            for n in range(dice.randint(1, 6))
        }
        quorum = dice.randint(1, 4)
        enough = not lacking(voters, quorum=quorum, teams=list(needs.items()))
        assert enough == (len(voters) >= quorum and seated(voters, needs))
        assert enough == (len(voters) >= quorum and by_sets(voters, needs))
        came[enough] += 1
    assert min(came.values()) > 500
