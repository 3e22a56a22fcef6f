"""The planner: given what a run needs to know, one model call and one structured intent.

`intent` says what a model may answer and reads it strictly, `prompts` says what it is told, `providers` asks it,
`errors` names what can go wrong, `standin` is the small model that ships with the product. Nothing is imported here,
so that the stand-in starts without paying for the client.
"""
