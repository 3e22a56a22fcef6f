"""What was done is the executors' word, and what nobody knows is a person's: no account's plain status says either.

The web neither begins a call nor ends one. What became of a call of unknown outcome is settled by a person's decision
that says the same, whichever account writes the status.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

HANDS = """
CREATE FUNCTION approvals_action_hands() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $guard$
BEGIN
    IF current_user = 'countersign_web'
        AND (NEW.status IN ('executing', 'undone') OR OLD.status = 'executing') THEN
        RAISE EXCEPTION 'approvals_action: % is for the executors to say, not for the web', NEW.status
            USING ERRCODE = 'CS001';
    END IF;
    IF current_user IN ('countersign_web', 'countersign_worker') AND OLD.status = 'uncertain' AND NOT EXISTS (
        SELECT 1 FROM approvals_decision d
        WHERE d.action_id = NEW.id AND d.digest = NEW.digest
          AND d.verb = CASE NEW.status WHEN 'done' THEN 'happened' ELSE 'did_not_happen' END
    ) THEN
        RAISE EXCEPTION 'approvals_action: nobody has said what became of %', NEW.id USING ERRCODE = 'CS001';
    END IF;
    RETURN NEW;
END $guard$;
CREATE TRIGGER approvals_action_hands BEFORE UPDATE OF status ON approvals_action
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status AND (
        NEW.status IN ('executing', 'undone') OR OLD.status IN ('executing', 'uncertain')))
    EXECUTE FUNCTION approvals_action_hands();
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar = [("approvals", "0012_previews_fit")]
    operations: ClassVar = [run(HANDS)]
