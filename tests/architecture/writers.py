"""Which modules of the product may write rows, and what. Everything else reads, or calls one of these verbs.

`test_files` holds the source to this list, `test_writes` the running product.
"""

from __future__ import annotations

MAY_WRITE = {
    "traces.services": "every change of status, every event",
    "traces.calls": "what was said to the model, and its answer",
    "accounts.tokens": "tokens",
    "accounts.standing": "tiers, roles and teams",
    "tools.executor": "the ledger",
    "tools.ledger": "rows of the ledger that change hands or wait",
    "tools.killswitch": "stops, let go of",
    "tools.offering": "the catalogue, as the owner account",
    "tools.rights": "who may do what with a tool",
    "tools.dial_rows": "how freely a tool acts",
    "tools.resources": "whose the things are that calls name, as the owner account",
    "tools.presence": "who is at work",
    "tools.agents": "agents from outside, as the owner account",
    "tools.catalogue.send_message": "the world's side of the demo tool",
    "tools.catalogue.write_note": "the world's side of the demo tool",
    "approvals.services.hits": "how often entries of a policy were met",
    "approvals.services.replay": "how far a replay has come, and what it found",
    "approvals.services.trial": "policies that are tried before they are in force",
    "approvals.services.propose": "actions and their first revisions",
    "approvals.services.edit": "revisions that a person wrote",
    "approvals.services.rejudge": "later revisions; permits that they made void",
    "approvals.services.deciding": "people's decisions",
    "approvals.services.assign": "who looks at an action, and that it was escalated",
    "approvals.services.hold": "what was set aside",
    "approvals.services.ask": "that a question waits for its answer",
    "approvals.services.answer": "that it waits no more",
    "approvals.services.remarks": "what people say about an action",
    "approvals.services.preview": "questions to tools beforehand, and their answers",
    "approvals.services.previewed": "revisions that rest on such an answer",
    "approvals.services.keep_view": "views that people keep",
    "approvals.services.permit": "permits",
    "approvals.services.execute": "permits of what cannot even be judged again",
    "approvals.services.halt": "permits that a stop made void",
    "approvals.services.withdraw": "permits of what is no longer wanted",
    "lam_app.runs": "runs, as people submit them",
    "lam_app.correct": "plans that the initiator corrected; who plans such a run anew",
    "lam_app.undo": "how far the taking back of a run is",
    "lam_app.loop": "steps, plans and reports; which planner holds a run",
    "lam_app.rewind": "who answers for the stop over a database that was put back, as the owner account",
    "lam_app.seed": "organizations and people, as the owner account",
}
