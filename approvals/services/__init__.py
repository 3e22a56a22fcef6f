"""The gate's verbs, one a module. Nothing else writes the gate's rows."""
