"""What a planner is shown in the tests of its provider: two tools, a goal, and the context of a first step."""

from __future__ import annotations

from lam_app.planner.intent import PlannerContext, ToolCard

TO = {"type": "string", "description": "who the message is for"}
MESSAGE = ToolCard(
    "send_message",
    "Send a message to a customer.",
    {"type": "object", "properties": {"to": TO, "body": {"type": "string"}}, "required": ["to", "body"]},
    "write",
    "1",
)
NOTE = ToolCard(
    "write_note",
    "Write an internal note.",
    {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    "write",
    "1",
)
GOAL = "Tell the customer of order 1009 that it is delayed until Friday"
CONTEXT = PlannerContext("run-1", GOAL, "olga", "2026-11-20", "UTC", tools=(MESSAGE, NOTE))
