"""What was counted against limits. Written by the database's own functions alone (migration ``0006_limits``).

No account of a process may write these rows. ``approvals_reserve`` counts, ``approvals_release`` gives back what came
to nothing, ``approvals_forget`` removes what no window reaches any more.
"""

from typing import ClassVar

from django.db import models

from accounts.models import Organization
from traces.ids import uuid7

DIGITS, PLACES = 60, 18
"""Of an amount, and of any sum of amounts: more than the policy lets one amount have."""


class Tally(models.Model):
    """How much was used under one key in one sixtieth of its window. A sliding window is the sum over its tallies."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    key = models.TextField()  # the limit, and whose use of it is counted together
    until = models.DateTimeField()  # the end of that sixtieth: everything in it happened before
    used = models.BigIntegerField()  # calls
    amount = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)  # what they asked for, one each for calls

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "key", "until"], name="tally_once_a_sixtieth"),
            models.CheckConstraint(condition=models.Q(used__gte=0, amount__gte=0), name="tally_not_negative"),
        ]


class Reservation(models.Model):
    """That one action was counted under one key, and how far its window was used before it.

    The gatekeeper reads this row instead of believing what was stored with the revision.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    action = models.UUIDField()  # counted before the action is written; the commit finds both, or neither
    key = models.TextField()
    limit_id = models.TextField()  # the limit's name in the policy
    seconds = models.IntegerField()  # the window
    until = models.DateTimeField()  # of the tally in which it was counted
    asks = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    unit = models.TextField(blank=True)  # the currency of an amount; empty for a number of calls
    used_before = models.BigIntegerField()
    amount_before = models.DecimalField(max_digits=DIGITS, decimal_places=PLACES)
    at = models.DateTimeField()
    unused = models.BooleanField(default=False)  # its action ended without effect; the sweep gives it back
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["action", "key"], condition=models.Q(released_at__isnull=True), name="counted_once_a_key"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["at"], condition=models.Q(unused=True, released_at__isnull=True), name="reservation_unused"
            ),
        ]
