"""What everybody is answered at every address, for a thing of their own: a route or method without a row fails.

A row names who is answered what. Whoever is not named is answered as a stranger to the place: on pages taken to sign
in, by the API told that there is no token (a session is none there, and a token is none on pages). A method without a
row is not answered: 405, whoever asks. For somebody else's thing, as for one that is nowhere, everybody who is named
is answered 404, unless their token's scope does not reach the route for any thing (``OUT_OF_SCOPE``).
"""

from __future__ import annotations

from typing import Any

from tests.support.walking import CALLERS, METHODS
from tests.support.world import MESSAGE

MEMBERS = "operator reviewer administrator auditor developer outsider"
EVERYBODY = " ".join(CALLERS)
ANY = "agent operate audit"
NO_SESSION = "anonymous agent operate audit"
OUT_OF_SCOPE = 403
SHOWN = {"GET": {200: MEMBERS}}
OPEN = {"GET": {200: EVERYBODY}, "HEAD": {200: EVERYBODY}}
GOVERNS = "administrator outsider"
"""Who administers."""
NOT_GOVERNS = "operator reviewer auditor developer"
READS_POLICY = {"GET": {200: "reviewer administrator auditor outsider", 403: "operator developer"}}
SETS_POLICY = {"GET": {200: GOVERNS, 403: NOT_GOVERNS}}
GIVES = "operator administrator outsider"
"""Who gives goals, and who administers."""
NOT_GIVES = "reviewer auditor developer"
READS_TRACES = {"GET": {200: "auditor developer outsider", 403: "operator reviewer administrator"}}
OF_A_CALL = {"GET": {200: "auditor developer", 403: "operator reviewer administrator", 404: "outsider"}}
"""Of a thing of their own that acts for them: nobody reads what the model was told for themselves."""
AUDITS = {"GET": {200: "auditor outsider", 403: "operator reviewer administrator developer"}}
NOT_AUDITS = "operator reviewer administrator developer"
PROVES = "operator auditor outsider"
"""Who gave the goal, and who audits."""
EVIDENCE = {
    "GET": {200: PROVES, 404: "reviewer administrator developer"},
    "POST": {302: PROVES, 404: "reviewer administrator developer"},
}
STEERS = "operator administrator outsider"
"""Whose run it is, and who administers the organization."""

ROWS: dict[str, dict[str, dict[int, str]]] = {
    "inbox": {"GET": {200: "reviewer outsider", 302: "operator administrator auditor developer"}},
    "inbox_news": {"GET": {204: "reviewer outsider", 403: "operator administrator auditor developer"}},
    "inbox_views": {"POST": {302: "reviewer outsider", 403: "operator administrator auditor developer"}},
    "action": SHOWN,
    "action_live": {"GET": {286: MEMBERS}},
    "action_fold": {"GET": {204: MEMBERS}},
    "action_trace": {"GET": {200: "auditor", 403: "operator reviewer administrator developer", 404: "outsider"}},
    "action_decide": {"POST": {409: "reviewer", 403: "operator administrator auditor developer outsider"}},
    "action_assign": {"POST": {302: "reviewer", 403: "operator administrator auditor developer outsider"}},
    "action_remarks": {"POST": {302: MEMBERS}},
    "action_edit": {
        "GET": {200: "reviewer", 302: "operator administrator auditor developer outsider"},
        "POST": {400: MEMBERS},
    },
    "bulk": {"GET": {302: MEMBERS}, "POST": {409: MEMBERS}},
    "action_probe": {"POST": {409: "reviewer", 403: "operator administrator auditor developer outsider"}},
    "action_allow": {
        "GET": {302: MEMBERS},
        "POST": {403: MEMBERS},
    },
    "grants": READS_POLICY,
    "erasure": {
        "GET": {200: "administrator auditor outsider", 403: "operator reviewer developer"},
        "POST": {400: "administrator auditor outsider", 403: "operator reviewer developer"},
    },
    "grant_revoke": {"POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "feed": SHOWN,
    "feed_news": SHOWN,
    "feed_stream": {"GET": {204: MEMBERS}},  # a server that cannot wait without a thread tells nothing live
    "away": {"GET": {200: MEMBERS}, "POST": {302: MEMBERS}},
    "habits": AUDITS,
    "canaries": {**AUDITS, "POST": {302: "auditor outsider", 403: "operator reviewer administrator developer"}},
    "practice": {"GET": {200: MEMBERS}, "POST": {200: MEMBERS}},
    "notices": SHOWN,
    "notices_news": SHOWN,
    "notices_read": {"POST": {302: MEMBERS}},
    "notice_settings": {"GET": {200: MEMBERS}, "POST": {302: MEMBERS}},
    "notice_tried": {"GET": {400: MEMBERS}},
    "policy": READS_POLICY,
    "policy_answer": {"POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "policy_new": {**SETS_POLICY, "POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "policy_entry": {**SETS_POLICY, "POST": {409: GOVERNS, 403: NOT_GOVERNS}},
    "policy_remove": {"POST": {409: GOVERNS, 403: NOT_GOVERNS}},
    "policy_bounds": {**SETS_POLICY, "POST": {422: GOVERNS, 403: NOT_GOVERNS}},
    "policy_json": {**SETS_POLICY, "POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "policy_history": READS_POLICY,
    "policy_version": READS_POLICY,
    "policy_return": {"POST": {409: GOVERNS, 403: NOT_GOVERNS}},
    "policy_try": {**SETS_POLICY, "POST": {422: GOVERNS, 403: NOT_GOVERNS}},
    "policy_trials": SETS_POLICY,
    "policy_trial": SETS_POLICY,
    "policy_trial_live": {"GET": {286: GOVERNS, 403: NOT_GOVERNS}},
    "policy_trial_start": {"POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "policy_trial_cancel": {"POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "policy_trial_accept": {"POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "policy_coverage": READS_POLICY,
    "stop": {
        "GET": {200: MEMBERS},
        "POST": {302: "reviewer administrator outsider", 403: "operator auditor developer"},
    },
    "stop_ease": {"POST": {302: "reviewer", 403: "operator administrator auditor developer outsider"}},
    "stop_release": {"POST": {409: "reviewer", 403: "operator administrator auditor developer outsider"}},
    "runs": SHOWN,
    "run_new": {
        "GET": {200: "operator outsider", 403: "reviewer administrator auditor developer"},
        "POST": {302: "operator outsider", 403: "reviewer administrator auditor developer"},
    },
    "schedules": {
        "GET": {200: GIVES, 403: NOT_GIVES},
        "POST": {302: "operator outsider", 403: f"administrator {NOT_GIVES}"},
    },
    "schedule": {"POST": {302: STEERS, 404: "reviewer auditor developer"}},
    "hooks": {
        "GET": {200: GIVES, 403: NOT_GIVES},
        "POST": {200: "operator outsider", 403: f"administrator {NOT_GIVES}"},
    },
    "hook": {"POST": {302: STEERS, 404: "reviewer auditor developer"}},
    "hook_in": {"POST": {401: EVERYBODY}},
    "attachment": SHOWN,
    "run": SHOWN,
    "run_report": SHOWN,
    "run_live": SHOWN,
    "run_goal": SHOWN,
    "run_plan": SHOWN,
    "run_correct": {"POST": {409: STEERS, 404: "reviewer auditor developer"}},
    "run_cancel": {"POST": {302: STEERS, 404: "reviewer auditor developer"}},
    "run_undo": {
        "GET": {200: STEERS, 404: "reviewer auditor developer"},
        "POST": {409: STEERS, 404: "reviewer auditor developer"},
    },
    "run_input": {"POST": {409: STEERS, 404: "reviewer auditor developer"}},
    "tools": SHOWN,
    "outbox": SHOWN,
    "tool": SHOWN,
    "tool_changes": SHOWN,
    "tool_readiness": SHOWN,
    "tool_dial": {
        "GET": {302: MEMBERS},
        "POST": {302: "reviewer administrator outsider", 403: "operator auditor developer"},
    },
    "matrix": {
        "GET": {200: "administrator auditor outsider", 403: "operator reviewer developer"},
        "POST": {400: "administrator auditor outsider", 403: "operator reviewer developer"},
    },
    "agents": {
        "GET": {200: "administrator auditor outsider", 403: "operator reviewer developer"},
        "POST": {400: "administrator auditor outsider", 403: "operator reviewer developer"},
    },
    "people": {
        "GET": {200: "administrator auditor outsider", 403: "operator reviewer developer"},
        "POST": {400: "administrator auditor outsider", 403: "operator reviewer developer"},
    },
    "person": {
        "GET": {200: "administrator auditor outsider", 403: "operator reviewer developer"},
        "POST": {401: GOVERNS, 403: NOT_GOVERNS},
    },
    "settings": {
        "GET": {200: "administrator auditor outsider", 302: "operator reviewer developer"},
        "POST": {302: GOVERNS, 403: NOT_GOVERNS},
    },
    "sessions": {"GET": {200: MEMBERS}, "POST": {302: MEMBERS}},
    "tokens": {
        "GET": {200: "administrator auditor outsider", 403: "operator reviewer developer"},
        "POST": {401: GOVERNS, 403: NOT_GOVERNS},
    },
    "token_revoke": {"POST": {302: GOVERNS, 403: NOT_GOVERNS}},
    "teams": {
        "GET": {200: "administrator auditor outsider", 403: "operator reviewer developer"},
        "POST": {400: "administrator auditor outsider", 403: "operator reviewer developer"},
    },
    "traces": READS_TRACES,
    "trace": OF_A_CALL,
    "trace_saw": OF_A_CALL,
    "run_story": READS_TRACES,
    "compare": READS_TRACES,
    "audit": AUDITS,
    "audit_subject": AUDITS,
    "audit_verify": {**AUDITS, "POST": {302: "auditor outsider", 403: NOT_AUDITS}},
    "audit_verify_live": {"GET": {286: "auditor outsider", 403: NOT_AUDITS}},
    "audit_export": {**AUDITS, "POST": {302: "auditor outsider", 403: NOT_AUDITS}},
    "audit_export_live": {"GET": {286: "auditor outsider", 403: NOT_AUDITS}},
    "audit_file": {"GET": {410: "auditor outsider", 404: NOT_AUDITS}},
    "action_evidence": EVIDENCE,
    "action_evidence_live": {"GET": {286: PROVES, 404: "reviewer administrator developer"}},
    "run_evidence": EVIDENCE,
    "run_evidence_live": {"GET": {286: PROVES, 404: "reviewer administrator developer"}},
    "account_login": {method: {200: NO_SESSION, 302: MEMBERS} for method in ("GET", "HEAD", "POST", "PUT", "OPTIONS")}
    | {method: {405: NO_SESSION, 302: MEMBERS} for method in ("PATCH", "DELETE")},
    "account_logout": {
        "GET": {302: NO_SESSION, 200: MEMBERS},
        "HEAD": {302: NO_SESSION, 200: MEMBERS},
        "POST": {302: EVERYBODY},
        "OPTIONS": {200: EVERYBODY},
    },
    "account_inactive": {**OPEN, "OPTIONS": {200: EVERYBODY}},
    "account_reauthenticate": {"GET": {200: MEMBERS}, "POST": {200: MEMBERS}},
    "account_signup": {method: {200: NO_SESSION, 302: MEMBERS} for method in METHODS},
    "api/v1/openapi.json": {method: {200: EVERYBODY} for method in METHODS},
    "api/v1/": {method: {404: EVERYBODY} for method in METHODS},
    "api/v1/runs": {"GET": {200: "operate audit", 403: "agent"}, "POST": {201: "operate", 403: "agent audit"}},
    "api/v1/runs/<uuidstr:run_id>": {"GET": {200: "operate audit", 403: "agent"}},
    "api/v1/runs/<uuidstr:run_id>/events": {"GET": {200: "operate audit", 403: "agent"}},
    "api/v1/runs/<uuidstr:run_id>/input": {"POST": {409: "operate", 403: "agent audit"}},
    "api/v1/runs/<uuidstr:run_id>/cancel": {"POST": {200: "operate", 403: "agent audit"}},
    "api/v1/actions": {"GET": {200: ANY}, "POST": {202: "agent", 403: "operate audit"}},
    "api/v1/actions/<uuidstr:action_id>": {"GET": {200: ANY}},
    "api/v1/tools": {"GET": {200: ANY}},
    "api/v1/tools/<name>": {"GET": {200: "operate audit", 404: "agent"}},
    "api/v1/kill-switches": {"GET": {200: ANY}, "POST": {403: ANY}},
    "api/v1/audit/events": {"GET": {200: "audit", 403: "agent operate"}},
    "healthz": OPEN,
    "readyz": OPEN,
    "jwks": OPEN,
}

BODIES: dict[str, dict[str, Any]] = {
    "inbox_views": {"what": "keep", "name": "Money first", "query": "risk=high"},
    "action_decide": {"decision": "approve", "digest": "sha256:0", "reason": ""},
    "action_assign": {"what": "claim"},
    "away": {"what": "back"},
    "canaries": {"what": "rate", "rate": "1", "reason": "A first look."},
    "action_remarks": {"kind": "comment", "text": "Who is this for?"},
    "action_edit": {"digest": "sha256:0", "reason": "A better one."},
    "action_allow": {"digest": "sha256:0", "then": "check"},
    "bulk": {"table": "none", "decision": "approve"},
    "grant_revoke": {"reason": "over"},
    "practice": {"lesson": "1", "answer": "approve"},
    "notices_read": {"what": "all"},
    "notice_settings": {"what": "route", "channel": "browser", "risk": "high"},
    "policy_new": {
        "kind": "rules",
        "follows": "1",
        "why": "a drill",
        "then": "save",
        "id": "a-rule",
        "answer": "review",
    },
    "policy_entry": {"follows": "1", "why": "a drill", "then": "save", "id": "a-rule", "answer": "review"},
    "policy_answer": {"what": "withdraw", "reason": "not now"},
    "person": {"what": "end", "reason": "a drill"},
    "settings": {"what": "name", "name": "Another name", "reason": "a drill"},
    "sessions": {"what": "others"},
    "policy_remove": {"follows": "1", "why": "a drill", "then": "save"},
    "policy_bounds": {"follows": "1", "why": "a drill", "then": "save"},
    "policy_json": {"follows": "1", "why": "a drill", "then": "save", "document": "{}"},
    "policy_return": {"follows": "1", "why": "a drill", "then": "save"},
    "policy_trial_start": {"days": "7"},
    "policy_trial_accept": {"why": "a drill"},
    "stop": {"scope": "organization", "reason": "a drill"},
    "stop_ease": {"reason": "over"},
    "stop_release": {"reason": "over"},
    "tool_dial": {"what": "set", "seen": "0", "maturity": "in_the_loop", "reason": "as it is"},
    "run_new": {"goal": "Write a note about order 1009: call back"},
    "run_undo": {"reason": "It was a mistake."},
    "schedules": {"goal": "Write a note about order 1009", "cron": "0 9 * * 1", "then": "keep"},
    "schedule": {"what": "end"},
    "hooks": {"name": "shop", "goal": "Write a note about order 1009"},
    "hook": {"what": "end"},
    "run_input": {"text": "an answer"},
    "run_correct": {"goal": "Call them back on Monday"},
    "api/v1/runs": {"goal": "Write a note about order 1009: call back"},
    "api/v1/runs/<uuidstr:run_id>/input": {"text": "an answer"},
    "api/v1/actions": {"tool": "send_message", "arguments": MESSAGE},
    "api/v1/kill-switches": {"scope": "organization", "reason": "a drill"},
}
"""What is sent with a POST; nothing where there is no row."""

NAMED_IN_THE_BODY: dict[str, dict[str, Any]] = {
    "stop": {"scope": "run", "run": "THING", "reason": "a drill"},
    "api/v1/kill-switches": {"scope": "run", "target": "THING", "reason": "a drill"},
}
"""Bodies that name a thing, which here is a run of somebody else's, or of nobody's."""

REFUSED_FIRST = {
    **dict.fromkeys(("stop_ease", "stop_release"), "operator auditor developer"),
    "action_trace": "operator reviewer administrator developer",
    "audit_subject": NOT_AUDITS,
    **dict.fromkeys(("trace", "trace_saw", "run_story"), "operator reviewer administrator"),
    "policy_version": "operator developer",
    "grant_revoke": "operator developer",
    "hook_in": EVERYBODY,
    "person": "operator reviewer developer",
    **dict.fromkeys(
        (
            "policy_entry",
            "policy_remove",
            "policy_return",
            "policy_trial",
            "policy_trial_live",
            "policy_trial_start",
            "policy_trial_cancel",
            "policy_trial_accept",
            "policy_answer",
            "token_revoke",
        ),
        NOT_GOVERNS,
    ),
}
"""Who is refused by role, whatever is asked for: 403 for things of others and of nobody too."""

SIGNED = {"hook_in"}
"""Opened by a signature over every byte of the body, and by no session: nothing is read of what is not signed."""

SIGNING_IN = {"account_login", "account_logout", "account_inactive", "account_reauthenticate", "account_signup"}
"""allauth's own pages: they know nobody's rows, ignore what they do not ask for, and count how often they are asked."""
