"""Why a row of a table of like calls is looked at by itself: what stands out among them, what is unusual, what is odd.

None of it is a finding of the policy, and none of it is in the way of a yes: a row with a reason is only not ticked
beforehand. Reads only.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from approvals.models import Action, Revision
from approvals.reading import outliers
from approvals.reading.foreseen import NO_RECORD, Foreseen
from approvals.reading.origins import sourced
from approvals.reading.past import Before, last_of, usual
from approvals.reading.shown import PLACE, Argument, targets
from tools.contract import Contract

FIRST: Final = "the first time here"


@dataclass(frozen=True)
class Call:
    """One of the calls that are alike, as it is now."""

    action: Action
    revision: Revision
    contract: Contract | None
    values: Mapping[str, Any]
    shown: list[Argument]
    told: Foreseen | None


def reasons_of(
    calls: list[Call], contract: Contract, differing: list[str], labels: Mapping[str, str]
) -> list[list[str]]:
    """Why to look at each of them by itself: what stands out in the table, and what is not as it was before.

    ``differing`` are the paths at which they are not all the same, ``labels`` what each is called. One query, for the
    tool's last calls.
    """
    past = last_of(calls[0].action)
    found: list[list[str]] = [_by_itself(call, past, contract) for call in calls]
    if all(any(reason.endswith(FIRST) for reason in reasons) for reasons in found):
        found = [[reason for reason in reasons if not reason.endswith(FIRST)] for reasons in found]  # tells none apart
    about = targets(contract)
    for path in differing:
        shown = [next((one for one in call.shown if one.path == path), None) for call in calls]
        values = [None if one is None or one.masked else one.text for one in shown]
        plain = PLACE.sub("", path)
        odd = outliers.rare_values(values) | outliers.rare_hosts(values) | outliers.long_texts(values)
        if plain not in about and not plain.endswith("id"):
            odd |= outliers.far_numbers(values, contract.currency if plain == contract.amount_field else "")
        for place, reason in odd.items():
            found[place].append(f"{labels[path]}: {reason}")
    for place, earlier in outliers.repeated([call.revision.arguments for call in calls]).items():
        found[place].append(f"The very same call as in row {earlier + 1}")
    return found


def _by_itself(call: Call, past: list[Before], contract: Contract) -> list[str]:
    """What stands out in a call whatever the others are: odd characters, no record, doubtful origin, unusual values."""
    provenance = json.loads(call.revision.facts).get("provenance") or []
    compared = usual(past, call.values, contract)
    found = []
    for one in call.shown:
        found += [f"{one.label}: {remark}" for remark in one.remarks]
        if call.told and call.told.names.get(one.path) == NO_RECORD:
            found.append(f"{one.label}: {NO_RECORD}")
        if PLACE.sub("", one.path) in targets(contract) and sourced(one.path, provenance).doubtful:
            found.append(f"{one.label}: {sourced(one.path, provenance).words}, the goal does not name it")
        before = compared.get(PLACE.sub("", one.path))
        if before and before.remark:
            found.append(f"{one.label}: {before.remark}")
        if before and before.first:
            found.append(f"{one.label}: {before.first.lower()}, {FIRST}")
    return list(dict.fromkeys(found))
