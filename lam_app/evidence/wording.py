"""What an archive says of itself in plain words, for whoever opens it first. Pure."""

from collections.abc import Mapping
from typing import Any

_HOW = """
How to check it
    python3 verify_export.py evidence.zip --key seal.pub.pem
The program comes with Countersign (deploy/verify_export.py) and needs Python and nothing else. It says whether every
byte of this archive is as it was signed, and whether the events in record.jsonl stand in the sealed record. Get the
public key from whoever runs the installation, and not from whoever gave you this file.

What is in it
    manifest.json   what this archive holds, with the SHA-256 of each document; manifest.sig is the signature over it
    card.html       the card as people see it, with everything that was folded
    action.json     the action; revisions.json what it was, version by version, with facts and ruling
    decisions.json  what people decided; policy.json the policy that was in force; permits.json the signed permits
    execution.json  what was sent and what came of it; undo.json what took it back; tool.json the tool's contract
    trace.json      the model's call; run.json, plan.json, report.json and calls.json belong to a run
    record.jsonl    the events, each in its sealed block
Secrets are masked everywhere.
"""


def readme(manifest: Mapping[str, Any]) -> str:
    """The first page."""
    of = "One action" if manifest["of"] == "action" else "One run with its actions"
    said = [
        f"Evidence from Countersign: {of.lower()} of {manifest['organization_name']}.",
        "",
        f"{of}: {manifest['subject']}",
        f"Asked for by {manifest['made_for']} at {manifest['asked_at']}, made at {manifest['made_at']}.",
    ]
    for one in manifest["told"]:
        said += ["", *_of_one(one)]
    if not manifest["reasoning"]:
        said += ["", "The model’s prompt, answer and reasoning are left out: they are for auditors and developers."]
    if manifest["unsealed"]:
        said += ["", f"{len(manifest['unsealed'])} events were not sealed yet and are not in record.jsonl."]
    return "\n".join(said) + "\n" + _HOW


def _of_one(one: Mapping[str, Any]) -> list[str]:
    asked, rule, tool = one["asked"], one["rule"], one["tool"]
    decided = [f"{each['by']} ({each['decision']}, {each['at']})" for each in one["decided"]]
    set_by = rule["set_by"] or "the installation"
    return [
        f"{one['summary']}",
        f"    Status: {one['status']}",
        f"    Asked by {asked['by']}, for {asked['for']}",
        f"    Decided by {', '.join(decided) or 'nobody: the policy alone'}",
        f"    Rule: policy version {rule['policy_version']}, set by {set_by}; its verdict was {rule['verdict']}",
        f"    Tool: {tool['name']} version {tool['version'] or '-'}, owned by {tool['owner'] or 'nobody'}",
    ]
