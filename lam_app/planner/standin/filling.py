"""Fills a tool's arguments: walks its schema, and asks `finding` for each value."""

from dataclasses import dataclass, replace

from lam_app.planner.standin import finding
from lam_app.planner.standin.finding import Asked, Wanted
from lam_app.planner.standin.matching import Tool
from lam_app.planner.standin.words import JSON

DEEPEST = 12


@dataclass(frozen=True)
class Missing:
    """A required argument that the goal does not hold."""

    path: str
    description: str


def fill(tool: Tool, asked: Asked) -> tuple[dict[str, JSON], list[Missing]]:
    """The arguments as far as the goal has them, and what it lacks."""
    missing: list[Missing] = []
    return _object(tool.parameters, tool, asked, "", missing), missing


def resolved(schema: JSON, root: dict[str, JSON], depth: int = 0) -> dict[str, JSON]:
    """The schema behind references, `allOf`, and "or null"."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return {}
    found: dict[str, JSON] = schema
    if isinstance(found.get("$ref"), str):
        node: JSON = root
        for step in found["$ref"].lstrip("#/").split("/"):
            node = node.get(step, {}) if isinstance(node, dict) else {}
        found = {**resolved(node, root, depth + 1), **{word: value for word, value in found.items() if word != "$ref"}}
    for part in found.get("allOf", ()):
        inner = resolved(part, root, depth + 1)
        both = {**inner.get("properties", {}), **found.get("properties", {})}
        found = {**inner, **found, **({"properties": both} if both else {})}
    for word in ("anyOf", "oneOf"):
        real = [branch for branch in found.get(word, ()) if branch != {"type": "null"}]
        if real:
            around = {key: value for key, value in found.items() if key != word}
            found = {**around, **resolved(real[0], root, depth + 1), "nullable": len(real) < len(found[word])}
    if isinstance(found.get("type"), list):
        kinds = [kind for kind in found["type"] if kind != "null"]
        found = {**found, "type": kinds[0] if kinds else "null", "nullable": "null" in found["type"]}
    return found


def _object(schema: JSON, tool: Tool, asked: Asked, at: str, missing: list[Missing]) -> dict[str, JSON]:
    schema = resolved(schema, tool.parameters)
    needed, out = schema.get("required", ()), {}
    for name, inner in schema.get("properties", {}).items():
        plain = resolved(inner, tool.parameters)
        path = f"{at}.{name}" if at else name
        must = name in needed and not plain.get("nullable") and "default" not in plain
        wanted = Wanted(name, plain, tool, must)
        value = _value(wanted, asked, path, missing)
        if value is None and must and asked.attached:
            value = _value(wanted, replace(asked, widely=True), path, [])
        if value is not None:
            out[name] = value
        elif name in needed and ("default" in plain or plain.get("nullable")):
            out[name] = plain.get("default")
        elif must and not any(one.path.startswith(path) for one in missing):
            missing.append(Missing(path, str(plain.get("description", ""))))
    return out


def _value(wanted: Wanted, asked: Asked, path: str, missing: list[Missing]) -> JSON:
    """The value, or None where the goal has none."""
    schema = wanted.schema
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else finding.choice(schema["enum"], asked)
    found: JSON
    match schema.get("type", "object" if "properties" in schema else "string"):
        case "object":
            found = _inner_object(wanted, asked, path, missing)
        case "array":
            item = resolved(schema.get("items", {}), wanted.tool.parameters)
            one = Wanted(wanted.name.rstrip("s") or wanted.name, item, wanted.tool, wanted.must)
            value = _value(one, asked, f"{path}[0]", missing)
            found = None if value is None else [value]
        case "boolean":
            found = finding.yes_or_no(wanted, asked)
        case "integer" | "number":
            found = finding.number(wanted, asked)
        case _:
            found = finding.text(wanted, asked)
    return found


def _inner_object(wanted: Wanted, asked: Asked, path: str, missing: list[Missing]) -> JSON:
    """An optional object is only built where the goal holds all that it needs."""
    inner: list[Missing] = []
    found = _object(wanted.schema, wanted.tool, asked, path, inner)
    if wanted.must:
        missing += inner
        return None if inner else found
    return found if found and wanted.schema.get("required") and not inner else None
