"""Telling people: what happened that somebody has to know, who that is, and through what they are told.

An *occasion* is written by the database in the transaction of the event that people are to be told of, so that none is
lost and none is made up. A worker turns it into *notices*, one a person, and *deliveries*, one a letter or call. Both
happen behind the gate and never in its way: what cannot be told waits, and is shown to wait.

A notice says which tool, how risky, who, and where to look. It never carries arguments, and what it links to is a page
behind a session: looking at it decides nothing.
"""
