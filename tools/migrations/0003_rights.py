"""Who holds which permission on which tool, as one view: what deciding and claiming ask inside their own transaction.

A right counts only while its holder is active and belongs to the tool's organization, whatever guardian's rows say.
Model-level permissions and superusers are left out on purpose.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import grant, run

VIEW = """
CREATE VIEW tools_right AS
SELECT u.id AS user_id, t.id AS tool_id, t.organization_id, p.codename
FROM (
    SELECT user_id, content_object_id, permission_id FROM tools_tooluserobjectpermission
    UNION
    SELECT ug.user_id, g.content_object_id, g.permission_id
    FROM tools_toolgroupobjectpermission g JOIN accounts_user_groups ug ON ug.group_id = g.group_id
) held
JOIN accounts_user u ON u.id = held.user_id AND u.is_active
JOIN tools_tool t ON t.id = held.content_object_id
JOIN accounts_membership m ON m.user_id = u.id AND m.organization_id = t.organization_id
JOIN auth_permission p ON p.id = held.permission_id;
"""


class Migration(migrations.Migration):
    """One view."""

    dependencies: ClassVar = [("tools", "0002_guards")]
    operations: ClassVar = [
        run(VIEW, "DROP VIEW tools_right;"),
        run(grant("tools_right", web="SELECT", worker="SELECT")),
    ]
