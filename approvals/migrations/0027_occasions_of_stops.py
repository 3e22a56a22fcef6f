"""A stop is told of without a look at the actions.

An expression of PL/pgSQL locks every table that it names, also where its first half already says no. So the event of a
stop waited for whatever held ``approvals_action``, and a stop that waits is none. The question stands in a block of its
own, which only the event of an action enters.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

FUNCTION = """
CREATE OR REPLACE FUNCTION approvals_event_is_an_occasion() RETURNS trigger LANGUAGE plpgsql
    SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
BEGIN
    {question}
    INSERT INTO approvals_occasion (id, organization_id, kind, subject)
    VALUES (NEW.id, NEW.organization, 'event', NEW.subject);
    RETURN NULL;
END $guard$;
"""
RAN = "NEW.subject_kind = 'action' AND NEW.source = 'executing' AND NEW.target IN ('done', 'failed')"
ALLOWED = "EXISTS (SELECT 1 FROM approvals_action a WHERE a.id = NEW.subject AND a.verdict = 'allow')"
APART = f"IF {RAN} THEN IF {ALLOWED} THEN RETURN NULL; END IF; END IF;"
TOGETHER = f"IF {RAN} AND {ALLOWED} THEN RETURN NULL; END IF;"


class Migration(migrations.Migration):
    dependencies: ClassVar = [("approvals", "0026_notices")]

    operations: ClassVar = [run(FUNCTION.format(question=APART), FUNCTION.format(question=TOGETHER))]
