"""The checks, in the order in which a reviewer reads their findings. A new one is a file and a line here."""

from collections.abc import Callable, Iterable

from approvals.policy.checks import facts_hold, halted, known, level, maturity, rbac, risk, schema
from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding

Check = Callable[[Facts, Policy], Iterable[Finding]]


def not_yet_judged(_facts: Facts, _policy: Policy) -> Iterable[Finding]:
    """The place of a check whose facts are not gathered yet: it finds nothing, and cannot permit anything."""
    return ()


ORDER: tuple[tuple[str, Check], ...] = (
    ("facts", facts_hold.check),
    ("halted", halted.check),
    ("known", known.check),
    ("schema", schema.check),
    ("rbac", rbac.check),
    ("scope", not_yet_judged),
    ("level", level.check),
    ("risk", risk.check),
    ("rate", not_yet_judged),
    ("amounts", not_yet_judged),
    ("loop", not_yet_judged),
    ("plan", not_yet_judged),
    ("provenance", not_yet_judged),
    ("maturity", maturity.check),
    ("reversibility", not_yet_judged),
    ("dry_run", not_yet_judged),
)
