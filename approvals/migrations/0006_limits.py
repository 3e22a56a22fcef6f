"""What was counted against which limit, and how far each limit is used.

Counting happens in one function of the owner's, in the transaction that stages the action. Processes can call it and
cannot write its tables, so a count can neither be left out, lowered nor made up: the gatekeeper reads what stands here.
"""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import traces.ids
from traces.guards import grant, run

# A window of S seconds is counted in sixtieths of at least a second. One of them counts whole while any part of it
# lies in the window, so no window ever holds more than its limit, and a limit may be reached one sixtieth early.
#
# The advisory lock makes whoever counts under the same key wait until the earlier transaction has ended. The row lock
# of the tally alone would not do: at the turn of a sixtieth two transactions write different rows. Keys are locked in
# one order everywhere, and after the action's own row, so that nobody waits in a circle. What an earlier transaction
# committed is seen after the wait, because each statement of a VOLATILE function takes a new snapshot in READ
# COMMITTED, and in no other isolation.
RESERVE = """
CREATE FUNCTION approvals_limit_lock(organization uuid, key text) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT hashtextextended(organization::text || ' ' || key, 6)
$$;
CREATE FUNCTION approvals_reserve(
    of_organization uuid, of_action uuid, keys text[], limits text[], windows integer[], asked numeric[], units text[]
) RETURNS TABLE (counted text, calls_before bigint, sum_before numeric)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    want record;
    old approvals_reservation%ROWTYPE;
    stands text;
    moment timestamptz;
    sixtieth timestamptz;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'approvals_reserve: counted in READ COMMITTED or not at all' USING ERRCODE = 'CS001';
    END IF;
    SELECT a.status INTO stands FROM approvals_action a WHERE a.id = of_action FOR NO KEY UPDATE;
    IF stands NOT IN ('proposed', 'in_review', 'permitted') THEN
        RETURN;  -- it is over or under way, and nobody counts for it any more
    END IF;
    FOR want IN
        SELECT * FROM unnest(keys, limits, windows, asked, units) AS w(key, limit_id, seconds, asks, unit)
        ORDER BY w.key COLLATE "C"
    LOOP
        -- NaN and Infinity are greater than every number
        IF (want.seconds BETWEEN 1 AND 2678400 AND want.asks >= 0 AND want.asks < 1e38) IS NOT TRUE THEN
            RAISE EXCEPTION 'approvals_reserve: % seconds and an amount of % cannot be counted',
                want.seconds, want.asks USING ERRCODE = 'CS001';
        END IF;
        PERFORM pg_advisory_xact_lock(approvals_limit_lock(of_organization, want.key));
        SELECT r.* INTO old FROM approvals_reservation r
        WHERE r.action = of_action AND r.key = want.key AND r.released_at IS NULL;
        IF FOUND AND (old.organization_id, old.limit_id, old.seconds, old.asks, old.unit)
            = (of_organization, want.limit_id, want.seconds, want.asks, want.unit) THEN
            counted := old.key;
            calls_before := old.used_before;
            sum_before := old.amount_before;
            RETURN NEXT;
            CONTINUE;
        ELSIF FOUND THEN  -- edited, or another window: it is counted anew instead of twice
            PERFORM approvals_give_back(old);
        END IF;
        moment := clock_timestamp();
        sixtieth := date_bin(make_interval(secs => greatest(1, want.seconds / 60.0)), moment, '2000-01-01 00:00:00Z')
            + make_interval(secs => greatest(1, want.seconds / 60.0));
        SELECT coalesce(sum(t.used), 0), coalesce(sum(t.amount), 0) INTO calls_before, sum_before
        FROM approvals_tally t
        WHERE t.organization_id = of_organization AND t.key = want.key
          AND t.until > moment - make_interval(secs => want.seconds);
        INSERT INTO approvals_tally AS t (id, organization_id, key, until, used, amount)
        VALUES (gen_random_uuid(), of_organization, want.key, sixtieth, 1, want.asks)
        ON CONFLICT (organization_id, key, until)
        DO UPDATE SET used = t.used + 1, amount = t.amount + excluded.amount;
        INSERT INTO approvals_reservation (id, organization_id, action, key, limit_id, seconds, until, asks, unit,
                                           used_before, amount_before, at, unused)
        VALUES (gen_random_uuid(), of_organization, of_action, want.key, want.limit_id, want.seconds, sixtieth,
                want.asks, want.unit, calls_before, sum_before, moment, false);
        counted := want.key;
        RETURN NEXT;
    END LOOP;
END $body$;
"""

# Only what is known to have no effect is given back, and this function looks itself. Its caller cannot name a live one.
RELEASE = """
CREATE FUNCTION approvals_give_back(old approvals_reservation) RETURNS boolean
LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
BEGIN
    UPDATE approvals_reservation r SET released_at = clock_timestamp() WHERE r.id = old.id AND r.released_at IS NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE approvals_tally t SET used = t.used - 1, amount = t.amount - old.asks
    WHERE t.organization_id = old.organization_id AND t.key = old.key AND t.until = old.until;
    RETURN true;
END $body$;
CREATE FUNCTION approvals_release(actions uuid[]) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    one approvals_reservation%ROWTYPE;
    given integer := 0;
BEGIN
    FOR one IN
        SELECT r.* FROM approvals_reservation r JOIN approvals_action a ON a.id = r.action
        WHERE r.action = ANY (actions) AND r.released_at IS NULL
          AND a.status IN ('denied', 'rejected', 'expired', 'withdrawn', 'halted', 'failed')
        ORDER BY r.organization_id, r.key COLLATE "C", r.id
    LOOP
        PERFORM pg_advisory_xact_lock(approvals_limit_lock(one.organization_id, one.key));
        IF approvals_give_back(one) THEN
            given := given + 1;
        END IF;
    END LOOP;
    RETURN given;
END $body$;
"""

# The sweep finds what to give back by a mark that the change of status sets, not by looking at everything that is
# under review.
UNUSED = """
CREATE FUNCTION approvals_action_unused() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $guard$
BEGIN
    UPDATE approvals_reservation r SET unused = true WHERE r.action = NEW.id AND r.released_at IS NULL;
    RETURN NULL;
END $guard$;
CREATE TRIGGER approvals_action_unused AFTER UPDATE OF status ON approvals_action FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status
          AND NEW.status IN ('denied', 'rejected', 'expired', 'withdrawn', 'halted', 'failed'))
    EXECUTE FUNCTION approvals_action_unused();
"""

# Asked at the commit, when the action is where its transaction leaves it: counted with its action or not at all, and
# given back or counted anew only while nothing can run.
HELD = """
CREATE FUNCTION approvals_reservation_held() RETURNS trigger LANGUAGE plpgsql AS $guard$
DECLARE
    action record;
BEGIN
    SELECT a.organization_id, a.status INTO action FROM approvals_action a WHERE a.id = NEW.action;
    IF action.organization_id IS DISTINCT FROM NEW.organization_id THEN
        RAISE EXCEPTION 'approvals_reservation: there is no action % in this organization', NEW.action
            USING ERRCODE = 'CS001';
    END IF;
    IF NEW.released_at IS NOT NULL AND action.status NOT IN (
        'proposed', 'in_review', 'denied', 'rejected', 'expired', 'withdrawn', 'halted', 'failed') THEN
        RAISE EXCEPTION 'approvals_reservation: % is %, and what it uses stays counted', NEW.action, action.status
            USING ERRCODE = 'CS001';
    END IF;
    RETURN NULL;
END $guard$;
CREATE CONSTRAINT TRIGGER approvals_reservation_held_insert AFTER INSERT ON approvals_reservation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION approvals_reservation_held();
CREATE CONSTRAINT TRIGGER approvals_reservation_held AFTER UPDATE OF released_at ON approvals_reservation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.released_at IS DISTINCT FROM NEW.released_at) EXECUTE FUNCTION approvals_reservation_held();
"""

# What was judged stays with the revision for ever; these rows are only for counting. A window has 31 days at most.
FORGET = """
CREATE FUNCTION approvals_forget() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    tallies bigint;
    reservations bigint;
BEGIN
    DELETE FROM approvals_tally t WHERE t.until <= clock_timestamp() - interval '31 days';
    GET DIAGNOSTICS tallies = ROW_COUNT;
    DELETE FROM approvals_reservation r USING approvals_action a
    WHERE a.id = r.action AND a.settled_at IS NOT NULL AND r.until <= clock_timestamp() - interval '31 days';
    GET DIAGNOSTICS reservations = ROW_COUNT;
    RETURN tallies + reservations;
END $body$;
"""

RIGHTS = """
REVOKE ALL ON FUNCTION approvals_limit_lock(uuid, text), approvals_give_back(approvals_reservation),
    approvals_reserve(uuid, uuid, text[], text[], integer[], numeric[], text[]), approvals_release(uuid[]),
    approvals_action_unused(), approvals_forget() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    approvals_reserve(uuid, uuid, text[], text[], integer[], numeric[], text[]), approvals_release(uuid[])
    TO countersign_web, countersign_worker;
GRANT EXECUTE ON FUNCTION approvals_forget() TO countersign_worker;
"""


def _id() -> models.UUIDField:
    return models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)


def _organization() -> models.ForeignKey:
    return models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization")


def _sum() -> models.DecimalField:
    return models.DecimalField(decimal_places=18, max_digits=60)


class Migration(migrations.Migration):
    """Two tables, the functions that write them, and who may call those."""

    dependencies: ClassVar = [("approvals", "0005_judged"), ("accounts", "0001_initial")]
    operations: ClassVar = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", _id()),
                ("key", models.TextField()),
                ("until", models.DateTimeField()),
                ("used", models.BigIntegerField()),
                ("amount", _sum()),
                ("organization", _organization()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "key", "until"), name="tally_once_a_sixtieth"),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0), ("used__gte", 0)), name="tally_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", _id()),
                ("action", models.UUIDField()),
                ("key", models.TextField()),
                ("limit_id", models.TextField()),
                ("seconds", models.IntegerField()),
                ("until", models.DateTimeField()),
                ("asks", _sum()),
                ("unit", models.TextField(blank=True)),
                ("used_before", models.BigIntegerField()),
                ("amount_before", _sum()),
                ("at", models.DateTimeField()),
                ("unused", models.BooleanField(default=False)),
                ("released_at", models.DateTimeField(null=True)),
                ("organization", _organization()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("released_at__isnull", True), ("unused", True)),
                        fields=["at"],
                        name="reservation_unused",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("released_at__isnull", True)),
                        fields=("action", "key"),
                        name="counted_once_a_key",
                    )
                ],
            },
        ),
        run(RELEASE + RESERVE + UNUSED + HELD + FORGET),
        run(grant("approvals_tally", web="SELECT", worker="SELECT")),
        run(grant("approvals_reservation", web="SELECT", worker="SELECT")),
        run(RIGHTS),
    ]
