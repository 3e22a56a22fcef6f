"""A policy that lets go of what guards high-risk tools takes two administrators, and the database says which does.

``approvals_looser`` compares two documents: whatever rule, limit, exception or bound holds for calls of a grave tool
and is gone from the next one, or asks for less there, is named. Grave is a tool of high risk by its declared categories
and tiers, or one that writes what cannot be undone. It errs on the side of asking: an entry that was rewritten until
nobody can tell counts as let go of. ``approvals_put_policy`` asks it, and puts such a policy in force where another
administrator has accepted this very document from this very person.
"""

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

import traces.ids
from traces.guards import all_rows, grant, kept, own_rows, run

LOOSER = """
-- What a document leaves out is as an organization begins with; kept here as it was when this was written.
CREATE FUNCTION approvals_first_policy() RETURNS jsonb LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT '{"confidence": 0.8, "most_affected": 100, "most_steps": 30, "most_tokens": 1000000, "most_cost": "20",
    "most_repeats": 2, "fresh_seconds": 300, "high_risk_quorum": 1}'::jsonb
$$;

CREATE FUNCTION approvals_grave(tier text, contract jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT coalesce(tools_dial_grave(tier, contract)
    OR ((tier <> 'read' OR contract->>'tier' <> 'read') AND NOT (contract->>'reversible')::boolean), true)
$$;

CREATE FUNCTION approvals_about_grave(of_organization uuid, about jsonb) RETURNS boolean LANGUAGE sql STABLE
SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT 1 FROM tools_tool t LEFT JOIN tools_toolversion v ON v.id = t.version_id
    WHERE t.organization_id = of_organization AND approvals_grave(t.tier, v.contract)
      AND (coalesce(about->'tools', '[]') = '[]' OR about->'tools' ? t.name)
      AND (coalesce(about->'tiers', '[]') = '[]' OR about->'tiers' ?| ARRAY[t.tier, v.contract->>'tier'])
      AND (coalesce(about->'categories', '[]') = '[]' OR v.contract IS NULL
        OR v.contract->'categories' ?| ARRAY(SELECT jsonb_array_elements_text(about->'categories'))))
$$;

-- Whether every call that fits the first selector fits the second one too.
CREATE FUNCTION approvals_covered(narrow jsonb, wide jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT bool_and(coalesce(wide->part, '[]') = '[]'
    OR (coalesce(narrow->part, '[]') <> '[]' AND wide->part @> (narrow->part)))
FROM unnest(ARRAY['tools', 'categories', 'tiers', 'agents', 'initiators', 'teams']) part
$$;

-- Whether arguments that meet the first conditions meet the second ones too: each of those has one here that says as
-- much or more.
CREATE FUNCTION approvals_implied(narrow jsonb, wide jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT NOT EXISTS (
    SELECT 1 FROM jsonb_array_elements(coalesce(wide, '[]')) w
    WHERE NOT EXISTS (
        SELECT 1 FROM jsonb_array_elements(coalesce(narrow, '[]')) n
        WHERE n = w OR (n->>'argument' = w->>'argument' AND n->>'compares' = w->>'compares' AND
            CASE w->>'compares'
                WHEN '>' THEN (w->>'value')::numeric <= (n->>'value')::numeric
                WHEN '>=' THEN (w->>'value')::numeric <= (n->>'value')::numeric
                WHEN '<' THEN (w->>'value')::numeric >= (n->>'value')::numeric
                WHEN '<=' THEN (w->>'value')::numeric >= (n->>'value')::numeric
                WHEN 'in' THEN w->'value' @> (n->'value')
                WHEN 'not in' THEN n->'value' @> (w->'value')
                ELSE false
            END)))
$$;

-- Whether the second entry asks at least as much of people as the first one.
CREATE FUNCTION approvals_asks_as_much(was jsonb, becomes jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT coalesce(becomes->>'answer', 'review') = 'deny'
    OR (coalesce(was->>'answer', 'review') = 'review'
        AND coalesce((becomes->>'quorum')::int, 1) >= coalesce((was->>'quorum')::int, 1)
        AND NOT EXISTS (
            SELECT 1 FROM jsonb_each_text(coalesce(was->'teams', '{}')) t
            WHERE coalesce((becomes->'teams'->>t.key)::int, 0) < t.value::int))
$$;

CREATE FUNCTION approvals_entry_kept(kind text, was jsonb, entries jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = public, pg_temp AS $$
SELECT EXISTS (
    SELECT 1 FROM jsonb_array_elements(coalesce(entries, '[]')) becomes
    WHERE approvals_covered(was->'about', becomes->'about') AND CASE kind
        WHEN 'rules' THEN approvals_implied(was->'when', becomes->'when') AND approvals_asks_as_much(was, becomes)
        -- What was used is counted under the limit's own id: another one begins at nothing.
        WHEN 'limits' THEN becomes->>'id' = was->>'id' AND approvals_asks_as_much(was, becomes)
            AND becomes->>'per' = was->>'per' AND becomes->>'counts' = was->>'counts'
            AND (becomes->>'seconds')::int = (was->>'seconds')::int
            AND becomes->>'unit' IS NOT DISTINCT FROM was->>'unit'
            AND (becomes->>'most')::numeric <= (was->>'most')::numeric
        WHEN 'exceptions' THEN approvals_implied(was->'when', becomes->'when')
            AND (coalesce(becomes->>'maturity', 'in_the_loop') = 'in_the_loop'
                OR (was->>'maturity' = 'on_the_loop'
                    AND coalesce((becomes->>'veto_seconds')::int, 0) >= coalesce((was->>'veto_seconds')::int, 0)))
    END)
$$;

CREATE FUNCTION approvals_looser(of_organization uuid, before jsonb, after jsonb) RETURNS text[]
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $body$
DECLARE
    was jsonb := approvals_first_policy() || coalesce(before, '{}');
    becomes jsonb := approvals_first_policy() || coalesce(after, '{}');
    found text[] := '{}';
    kind text;
    entry jsonb;
    name text;
    most text;
BEGIN
    IF NOT approvals_about_grave(of_organization, '{}') THEN
        RETURN found;
    END IF;
    FOREACH kind IN ARRAY ARRAY['rules', 'limits', 'exceptions'] LOOP
        FOR entry IN SELECT e FROM jsonb_array_elements(coalesce(was->kind, '[]')) e LOOP
            IF approvals_about_grave(of_organization, entry->'about')
                AND NOT coalesce(approvals_entry_kept(kind, entry, becomes->kind), false) THEN
                found := found || (kind || '.' || (entry->>'id'));
            END IF;
        END LOOP;
    END LOOP;
    FOR name, most IN SELECT * FROM jsonb_each_text(coalesce(was->'exposure', '{}')) LOOP
        IF (becomes->'exposure'->>name)::numeric <= most::numeric IS NOT TRUE THEN
            found := found || ('exposure.' || name);
        END IF;
    END LOOP;
    FOREACH name IN ARRAY ARRAY['confidence', 'high_risk_quorum'] LOOP
        IF (becomes->>name)::numeric >= (was->>name)::numeric IS NOT TRUE THEN
            found := found || name;
        END IF;
    END LOOP;
    FOREACH name IN ARRAY ARRAY['most_affected', 'most_steps', 'most_tokens', 'most_cost', 'most_repeats',
                                'fresh_seconds'] LOOP
        IF (becomes->>name)::numeric <= (was->>name)::numeric IS NOT TRUE THEN
            found := found || name;
        END IF;
    END LOOP;
    RETURN found;
EXCEPTION WHEN data_exception THEN  -- a document of another version of the product
    RETURN ARRAY['everything'];
END $body$;
"""

PUT = """
CREATE OR REPLACE FUNCTION approvals_put_policy(
    of_id uuid, of_organization uuid, after integer, document jsonb, why text, by_person uuid
) RETURNS void LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    stands approvals_policyversion%ROWTYPE;
BEGIN
    IF session_user = 'countersign_worker' OR (session_user = 'countersign_web'
        AND of_organization IS DISTINCT FROM nullif(current_setting('lam.organization', true), '')::uuid) THEN
        RAISE EXCEPTION 'approvals_put_policy: not % for %', session_user, of_organization USING ERRCODE = 'CS001';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.organization_id = of_organization AND m.user_id = by_person AND 'administrator' = ANY (m.roles)) THEN
        RAISE EXCEPTION 'approvals_put_policy: % is no administrator there', by_person USING ERRCODE = 'CS001';
    END IF;
    IF btrim(why) = '' OR jsonb_typeof(document) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'approvals_put_policy: a document and a reason are needed' USING ERRCODE = 'CS001';
    END IF;
    SELECT * INTO stands FROM approvals_policyversion v
    WHERE v.organization_id = of_organization ORDER BY v.number DESC LIMIT 1;
    IF stands.number IS DISTINCT FROM after THEN
        RAISE unique_violation USING MESSAGE = 'approvals_put_policy: another version is in force by now';
    END IF;
    IF cardinality(approvals_looser(of_organization, stands.settings, document)) > 0 AND NOT EXISTS (
        SELECT 1 FROM approvals_policyproposal p
        JOIN accounts_membership m ON m.user_id = p.closed_by_id AND m.organization_id = of_organization
            AND 'administrator' = ANY (m.roles)
        JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE p.organization_id = of_organization AND p.status = 'accepted' AND p.version_id = of_id
          AND p.follows = after AND p.settings = document AND p.by_id = by_person AND p.closed_by_id <> by_person) THEN
        RAISE EXCEPTION 'approvals_put_policy: it is looser for high-risk tools; a second administrator has to agree'
            USING ERRCODE = 'CS001';
    END IF;
    INSERT INTO approvals_policyversion (id, organization_id, number, settings, reason, made_by_id)
    VALUES (of_id, of_organization, after + 1, document, why, by_person);
END $body$;
"""

PROPOSED = """
CREATE FUNCTION approvals_policyproposal_judged() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.status <> 'open' THEN
        RAISE EXCEPTION 'approvals_policyproposal: it begins as open' USING ERRCODE = 'CS001';
    ELSIF TG_OP = 'UPDATE' AND OLD.status <> 'open' THEN
        RAISE EXCEPTION 'approvals_policyproposal: it is closed' USING ERRCODE = 'CS001';
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM accounts_membership m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
        WHERE m.organization_id = NEW.organization_id AND 'administrator' = ANY (m.roles::text[])
          AND m.user_id = CASE TG_OP WHEN 'INSERT' THEN NEW.by_id ELSE NEW.closed_by_id END) THEN
        RAISE EXCEPTION 'approvals_policyproposal: they administer nothing here' USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_policyproposal_judged BEFORE INSERT OR UPDATE ON approvals_policyproposal
    FOR EACH ROW EXECUTE FUNCTION approvals_policyproposal_judged();

CREATE FUNCTION approvals_policyproposal_told() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $guard$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM traces_event e
        WHERE e.subject = CASE NEW.status WHEN 'accepted' THEN NEW.version_id ELSE NEW.id END
          AND e.verb = CASE NEW.status WHEN 'open' THEN 'policy_proposed' WHEN 'accepted' THEN 'policy_changed'
                ELSE 'policy_withdrawn' END
          AND e.transaction = pg_current_xact_id()::text::bigint) THEN
        RAISE EXCEPTION 'approvals_policyproposal: no event tells of it' USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_policyproposal_told AFTER INSERT OR UPDATE ON approvals_policyproposal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION approvals_policyproposal_told();
"""

CLOSING = ["status", "closed_by_id", "closed_at", "closed_reason", "version_id"]


def _to(model: str, **more: object) -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=model, **more)


class Migration(migrations.Migration):
    """One table, the comparison, and the door to a next version that asks it."""

    dependencies: ClassVar = [
        ("accounts", "0003_standing"),
        ("tools", "0014_dial"),
        ("approvals", "0023_bulk"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations: ClassVar = [
        migrations.CreateModel(
            name="PolicyProposal",
            fields=[
                (
                    "id",
                    models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("organization", _to("accounts.organization")),
                ("follows", models.IntegerField()),
                ("settings", models.JSONField()),
                ("looser", models.JSONField()),
                ("by", _to(settings.AUTH_USER_MODEL)),
                ("reason", models.TextField()),
                ("created", models.DateTimeField(db_default=Now())),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Open"), ("accepted", "Accepted"), ("withdrawn", "Withdrawn")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("closed_by", _to(settings.AUTH_USER_MODEL, null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("closed_reason", models.TextField(blank=True)),
                (
                    "version",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="proposal",
                        to="approvals.policyversion",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=["organization"], condition=models.Q(status="open"), name="one_open_proposal_a_policy"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="policy_proposal_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            status="open", closed_by__isnull=True, closed_at__isnull=True, version__isnull=True
                        )
                        | models.Q(
                            status="accepted", closed_by__isnull=False, closed_at__isnull=False, version__isnull=False
                        )
                        | models.Q(
                            status="withdrawn", closed_by__isnull=False, closed_at__isnull=False, version__isnull=True
                        ),
                        name="policy_proposal_closed_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status", "accepted"), _negated=True)
                        | models.Q(("closed_by", models.F("by")), _negated=True),
                        name="policy_proposal_accepted_by_another",
                    ),
                ],
            },
        ),
        run(LOOSER),
        run(kept("approvals_policyproposal", CLOSING) + PROPOSED),
        run(PUT),
        run(own_rows("approvals_policyproposal"), all_rows("approvals_policyproposal")),
        run(grant("approvals_policyproposal", web="SELECT, INSERT", worker="SELECT")),
        run(f"GRANT UPDATE ({', '.join(CLOSING)}) ON approvals_policyproposal TO countersign_web;"),
    ]
