"""The checks, in the order in which a reviewer reads their findings. A new one is a file and a line here."""

from collections.abc import Callable, Iterable

from approvals.policy.checks import (
    amounts,
    dry_run,
    facts_hold,
    grant,
    halted,
    known,
    level,
    loop,
    maturity,
    plan,
    provenance,
    rate,
    rbac,
    reversibility,
    risk,
    schema,
    scope,
)
from approvals.policy.document import Policy
from approvals.policy.facts import Facts
from approvals.policy.ruling import Finding

Check = Callable[[Facts, Policy], Iterable[Finding]]

ORDER: tuple[tuple[str, Check], ...] = (
    ("facts", facts_hold.check),
    ("halted", halted.check),
    ("known", known.check),
    ("schema", schema.check),
    ("rbac", rbac.check),
    ("scope", scope.check),
    ("level", level.check),
    ("risk", risk.check),
    ("rate", rate.check),
    ("amounts", amounts.check),
    ("loop", loop.check),
    ("plan", plan.check),
    ("provenance", provenance.check),
    ("grant", grant.check),
    ("maturity", maturity.check),
    ("reversibility", reversibility.check),
    ("dry_run", dry_run.check),
)
