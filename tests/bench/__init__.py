"""`make bench`: how fast governed actions go by the whole road, beside what this disk and this PostgreSQL allow."""
