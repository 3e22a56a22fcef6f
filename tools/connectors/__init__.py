"""Ways of reaching a tool. Only the registry imports these; they share one interface, ``tools.connecting.Connector``."""
