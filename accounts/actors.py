"""Who the record says it was: people and agents as the actors of events."""

from accounts.models import Agent, User
from traces.services import Actor


def person(user: User) -> Actor:
    """The actor that a person is."""
    return Actor("person", user.pk, user.username)


def machine(agent: Agent) -> Actor:
    """The actor that an agent is."""
    return Actor("agent", agent.pk, agent.name)
