"""The list of tools in a prompt is not searched by words: it stands in every call, so its words would find them all.

Which tool was chosen has a filter of its own, and the call's page shows the list as it was sent.
"""

from typing import ClassVar

from django.db import migrations

from traces.guards import run

WORDS = """
CREATE OR REPLACE FUNCTION traces_promptpart_words() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.words := CASE WHEN starts_with(NEW.content, E'Tools that you may propose:\\n') THEN ''
        ELSE traces_words_of(NEW.content) END;
    RETURN NEW;
END $$;
ALTER TABLE traces_promptpart DISABLE TRIGGER traces_promptpart_append_only;
UPDATE traces_promptpart SET words = '' WHERE starts_with(content, E'Tools that you may propose:\\n');
ALTER TABLE traces_promptpart ENABLE TRIGGER traces_promptpart_append_only;
"""

BACK = """
CREATE OR REPLACE FUNCTION traces_promptpart_words() RETURNS trigger LANGUAGE plpgsql
SET search_path = public, pg_temp AS $$
BEGIN
    NEW.words := traces_words_of(NEW.content);
    RETURN NEW;
END $$;
ALTER TABLE traces_promptpart DISABLE TRIGGER traces_promptpart_append_only;
UPDATE traces_promptpart SET words = traces_words_of(content)
    WHERE starts_with(content, E'Tools that you may propose:\\n');
ALTER TABLE traces_promptpart ENABLE TRIGGER traces_promptpart_append_only;
"""


class Migration(migrations.Migration):
    """The words of pieces that list tools, and of those to come."""

    dependencies: ClassVar = [("traces", "0009_forgetting")]
    operations: ClassVar = [run(WORDS, BACK)]
