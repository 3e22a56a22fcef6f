"""Votes across teams, editors, and who may be among them: counted in the database, whoever writes the status.

A yes counts while its giver may still review the tool and is no principal. On high risk whoever wrote the arguments
gives none. Every team has its number of people among the voters, and one person fills one place: for every set of
teams there have to be as many voters in any of them as all of them need together (Hall's condition, which is the same
as a full assignment).
"""

from typing import ClassVar

from django.db import migrations, models

from traces.guards import run

SUFFICE = """
CREATE FUNCTION approvals_votes_suffice(
    _action uuid, _revision integer, _digest text, _risk text, _quorum integer, _teams jsonb
) RETURNS boolean LANGUAGE plpgsql STABLE AS $guard$
DECLARE
    asked integer;
    short boolean;
BEGIN
    asked := jsonb_array_length(_teams);
    IF asked > 12 THEN
        RETURN false;  -- more than can be compared: nobody is enough
    END IF;
    WITH voter AS (
        SELECT DISTINCT d.decider_id AS id, a.organization_id
        FROM approvals_action a
        JOIN approvals_revision r ON r.action_id = a.id AND r.number = _revision AND r.digest = _digest
        JOIN approvals_decision d ON d.revision_id = r.id AND d.verb = 'approve'
        JOIN tools_right x ON x.user_id = d.decider_id AND x.tool_id = a.tool_id AND x.codename = 'review_tool'
        WHERE a.id = _action AND NOT d.decider_id = ANY (a.principals)
          AND NOT (_risk = 'high' AND EXISTS (
              SELECT 1 FROM approvals_revision w
              WHERE w.action_id = a.id AND w.author_id = d.decider_id AND w.arguments_digest = r.arguments_digest))
    ), team AS (
        SELECT t.value ->> 0 AS name, (t.value ->> 1)::integer AS needs, 1 << (t.place::integer - 1) AS bit
        FROM jsonb_array_elements(_teams) WITH ORDINALITY AS t(value, place)
    ), placed AS (
        SELECT voter.id, coalesce((
            SELECT bit_or(team.bit) FROM team
            JOIN accounts_team g ON g.name = team.name AND g.organization_id = voter.organization_id
            JOIN accounts_user_groups m ON m.group_id = g.group_id AND m.user_id = voter.id), 0) AS bits
        FROM voter
    )
    SELECT (SELECT count(*) FROM voter) < greatest(1, _quorum) OR EXISTS (
        SELECT 1 FROM generate_series(1, (1 << asked) - 1) AS chosen(teams)
        WHERE (SELECT count(*) FROM placed WHERE placed.bits & chosen.teams <> 0)
            < (SELECT sum(team.needs) FROM team WHERE team.bit & chosen.teams <> 0)
    ) INTO short;
    RETURN NOT coalesce(short, true);
END $guard$;
"""

ENTITLED = """
CREATE OR REPLACE FUNCTION approvals_action_entitled() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF OLD.status = 'in_review' AND NEW.status IN ('permitted', 'scheduled') AND NOT approvals_votes_suffice(
        NEW.id, NEW.revision, NEW.digest, NEW.risk, NEW.quorum, NEW.teams
    ) THEN
        RAISE EXCEPTION 'approvals_action: % has not the approvals it needs', NEW.id USING ERRCODE = 'CS001';
    END IF;
    IF OLD.status = 'proposed' AND NEW.status = 'permitted' AND NEW.verdict <> 'allow' THEN
        RAISE EXCEPTION 'approvals_action: % was ruled %, not allow', NEW.id, NEW.verdict USING ERRCODE = 'CS001';
    END IF;
    IF OLD.status = 'proposed' AND NEW.status = 'scheduled' AND NEW.verdict NOT IN ('allow', 'veto_window') THEN
        RAISE EXCEPTION 'approvals_action: % was ruled %, not veto window', NEW.id, NEW.verdict USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
"""


class Migration(migrations.Migration):
    """One function, the trigger that asks it, and the list of what nobody can decide on."""

    dependencies: ClassVar = [("approvals", "0007_previews"), ("tools", "0003_rights")]
    operations: ClassVar = [
        run(SUFFICE),
        run(ENTITLED),
        migrations.AddIndex(
            "action",
            models.Index(
                fields=["created", "id"],
                condition=models.Q(status="in_review") & ~models.Q(unroutable=""),
                name="action_unroutable",
            ),
        ),
    ]
