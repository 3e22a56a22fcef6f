"""Tools that come with the product: one module a tool, each registering itself. To add one, add a file."""
