"""Ways of reaching a tool. Only the registry imports them; they share one interface (``tools.connecting``)."""
