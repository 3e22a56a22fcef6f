"""Stops at random moments under full load, judged by PostgreSQL's commit times and by a recorder outside."""
