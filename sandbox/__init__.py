"""A small shop's back office, for the demo and the tests. It is not part of the product and imports nothing of it.

`python -m sandbox --port 8100` serves it: some thirty operations with an OpenAPI document, a store of its own, and a
ledger of what it really did, so that anybody can compare what an agent says with what happened.
"""

__version__ = "1.0.0"
