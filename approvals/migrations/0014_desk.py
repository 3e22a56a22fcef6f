"""What the desk keeps: who looks at an action, what was set aside, what was asked, what people said."""

import django.db.models.deletion
import django.db.models.functions.datetime
import traces.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_grants'),
        ('approvals', '0013_hands'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='action',
            name='asked_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='action',
            name='assigned_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='action',
            name='assignee',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='action',
            name='held_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='action',
            name='held_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='action',
            name='held_reason',
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name='decision',
            name='code',
            field=models.CharField(blank=True, max_length=24),
        ),
        migrations.AddField(
            model_name='revision',
            name='considered',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='Remark',
            fields=[
                ('id', models.UUIDField(default=traces.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('comment', 'Comment'), ('question', 'Question'), ('answer', 'Answer')], max_length=10)),
                ('text', models.TextField()),
                ('created', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('action', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='remarks', to='approvals.action')),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['comment', 'question', 'answer'])), name='remark_kind_known'), models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='remark_says_something')],
            },
        ),
    ]
