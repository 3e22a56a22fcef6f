"""The model that ships with Countersign: a small deterministic matcher behind the OpenAI chat API.

It is no language model and says so. It lets everything else be real: the request, the schema, the tokens and their
probabilities, the gate. It knows general English words, and nothing about any tool: what it can do is read off the
catalogue in the request. Only the standard library and its own modules, so that it starts at once.
"""

NAME = "countersign-stand-in"
