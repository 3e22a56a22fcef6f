"""Tools that are Python functions: a typed argument model, a function, and what the contract says of them.

    class Greeting(BaseModel):
        to: str = Field(max_length=200, description="Who is greeted")

    @tool(title="Greet", tier=Tier.WRITE, idempotency=Idempotency.neither(), summary="Greet {to}", consent="Greet {to}")
    def greet(arguments: Greeting, call: Call) -> dict[str, JSON]:
        "Say hello to somebody."
        ...

The function raises ToolFailed only when it knows that nothing was done. Whatever else it raises leaves a doubt.
A preview raises it when the call would fail. Previews, lookups and checks run where our own database refuses every
write.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, cast, get_type_hints

from django.db import connection, transaction
from pydantic import BaseModel

from tools.connecting import Call, ToolFailed
from tools.contract import Category, Contract, Error, Idempotency, Outcome, OutcomeStatus, Tier
from tools.previews import Look, Preview, PreviewState, identifiers
from tools.verifying import Verified
from traces.canonical import JSON

Model = TypeVar("Model", bound=BaseModel)
Names = TypeVar("Names", bound=Callable[[str, Look], str | None])
Result = dict[str, JSON]


@dataclass
class PythonTool(Generic[Model]):
    """A registered function with its contract.

    ``probing`` adds the answer to "what became of this key?", ``previewing`` the one to "what would this do?",
    ``verifying`` the one to "did it hold?", and ``lookup`` the name behind an identifier.
    """

    contract: Contract
    model: type[Model]
    function: Callable[[Model, Call], Result]
    asks: Callable[[Call], Result | None] | None = None
    foresees: Callable[[Model, Look], Preview] | None = None
    checks: Callable[[Model, Call, Result], Verified] | None = None
    names: dict[str, Callable[[str, Look], str | None]] = field(default_factory=dict)

    def probing(self, asks: Callable[[Call], Result | None]) -> Callable[[Call], Result | None]:
        """Register how to find out what a key did: its result, or None when nothing is known of the key."""
        self.asks = asks
        return asks

    def previewing(self, foresees: Callable[[Model, Look], Preview]) -> Callable[[Model, Look], Preview]:
        """Register how to find out what a call would do."""
        self.foresees = foresees
        self.contract = replace(self.contract, preview=True).validate()
        return foresees

    def verifying(self, checks: Callable[[Model, Call, Result], Verified]) -> Callable[[Model, Call, Result], Verified]:
        """Register how to find out, after a call that answered, whether its effect holds."""
        self.checks = checks
        self.contract = replace(self.contract, verify=True).validate()
        return checks

    def lookup(self, argument: str, kind: str) -> Callable[[Names], Names]:
        """Register how to read the name of what an argument identifies: None where there is no such record."""

        def register(names: Names) -> Names:
            self.names[argument] = names
            self.contract = replace(self.contract, lookups={**self.contract.lookups, argument: kind}).validate()
            return names

        return register


TOOLS: dict[str, PythonTool[Any]] = {}


def tool(
    *,
    title: str,
    tier: Tier,
    idempotency: Idempotency,
    summary: str,
    consent: str,
    name: str = "",
    categories: frozenset[Category] = frozenset(),
    reversible: bool = False,
    inverse: str | None = None,
    inverse_arguments: Mapping[str, str] | None = None,
    secret_fields: tuple[str, ...] = (),
    recipient_fields: tuple[str, ...] = (),
    amount_field: str = "",
    currency: str = "",
    currency_field: str = "",
    scope_fields: Mapping[str, str] | None = None,
    lookups: Mapping[str, str] | None = None,
    trusted_output: bool = True,
    timeout: float = 10.0,
) -> Callable[[Callable[[Model, Call], Result]], PythonTool[Model]]:
    """Register a function as a tool. Raises ContractRefused, naming the path, for a contract that does not hold.

    ``inverse_arguments`` says where each argument of the inverse is found (``tools.saga``).
    """

    def register(function: Callable[[Model, Call], Result]) -> PythonTool[Model]:
        # Resolved, since a module may keep its annotations as text.
        model = cast("type[Model]", get_type_hints(function)["arguments"])
        slug = name or function.__name__
        contract = Contract(
            name=slug,
            title=title,
            description=" ".join((function.__doc__ or title).split()),
            arguments_schema=_schema(model),
            tier=tier,
            idempotency=idempotency,
            summary=summary,
            consent=consent,
            connector="python",
            binding={
                "tool": slug,
                **({"inverse": {"arguments": dict(inverse_arguments)}} if inverse_arguments else {}),
            },
            categories=categories,
            reversible=reversible,
            inverse=inverse,
            secret_fields=secret_fields,
            recipient_fields=recipient_fields,
            amount_field=amount_field,
            currency=currency,
            currency_field=currency_field,
            scope_fields=scope_fields or {},
            lookups=lookups or {},
            trusted_output=trusted_output,
            timeout=timeout,
        ).validate()
        if slug in TOOLS and TOOLS[slug].function.__module__ != function.__module__:
            raise ValueError(
                f"two tools are called {slug}: in {function.__module__} and {TOOLS[slug].function.__module__}"
            )
        TOOLS[slug] = PythonTool(contract, model, function)
        return TOOLS[slug]

    return register


def _schema(model: type[BaseModel]) -> dict[str, JSON]:
    schema: dict[str, JSON] = model.model_json_schema()
    schema["additionalProperties"] = False
    return schema


class PythonConnector:
    """Calls registered functions in this process."""

    def prepare(self, contract: Contract, arguments: Mapping[str, JSON]) -> JSON:
        """The request is the call itself: which tool, with which arguments."""
        return {"tool": contract.binding["tool"], "arguments": dict(arguments)}

    def call(self, contract: Contract, call: Call) -> Outcome:
        """Run the function. An exception that is not ToolFailed leaves the outcome UNCERTAIN."""
        found = self._find(contract)
        if found is None:
            return Outcome.failed("tool_missing", f"{contract.name} is not installed on this executor.")
        request: dict[str, Any] = call.request
        try:
            arguments = found.model.model_validate(request["arguments"])
            result = found.function(arguments, call)
        except ToolFailed as failed:
            return Outcome(
                OutcomeStatus.FAILED,
                error=Error(failed.code, failed.message),
                sent=True,
                evidence={"said": failed.message},
            )
        except Exception as error:
            kind = type(error).__name__
            return Outcome(
                OutcomeStatus.UNCERTAIN,
                error=Error("tool_raised", f"The tool stopped with {kind}."),
                sent=None,
                evidence={"raised": kind},
            )
        return Outcome.done(result)

    def probe(self, contract: Contract, call: Call) -> Outcome | None:
        """Ask the tool's own probe. A tool without one cannot say, which is UNCERTAIN and never "absent"."""
        found = self._find(contract)
        if found is None or found.asks is None:
            return Outcome.uncertain("no_probe", "The tool cannot be asked.")
        try:
            result = found.asks(call)
        except Exception as error:
            return Outcome.uncertain("probe_failed", f"Asking stopped with {type(error).__name__}.")
        return None if result is None else Outcome.done(result, probed=True)

    def preview(self, contract: Contract, asked: Look) -> Preview:
        """Ask the tool's own preview and lookups, where nothing can be written to our database."""
        found = self._find(contract)
        if found is None:
            return Preview.failed(f"{contract.name} is not installed on this executor.")
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION READ ONLY")
                arguments = found.model.model_validate(dict(asked.arguments))
                foreseen = found.foresees(arguments, asked) if found.foresees else Preview.done()
                if foreseen.state is not PreviewState.DONE:
                    return foreseen
                named = identifiers(asked.arguments, found.names)
                return replace(foreseen, records={path: found.names[name](one, asked) for name, path, one in named})
        except ToolFailed as failed:
            return Preview.refused(failed.message)
        except Exception as error:
            return Preview.failed(f"Asking stopped with {type(error).__name__}.")

    def verify(self, contract: Contract, call: Call, answer: JSON) -> Verified:
        """Ask the tool's own check, where nothing can be written to our database."""
        found = self._find(contract)
        if found is None or found.checks is None:
            return Verified.not_asked(f"{contract.name} has no check on this executor.")
        request: dict[str, Any] = call.request
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET TRANSACTION READ ONLY")
                return found.checks(found.model.model_validate(request["arguments"]), call, cast("Result", answer))
        except Exception as error:
            return Verified.not_asked(f"Asking stopped with {type(error).__name__}.")

    @staticmethod
    def _find(contract: Contract) -> PythonTool[Any] | None:
        found = TOOLS.get(str(contract.binding.get("tool")))
        # Another version than the permitted one is another tool: what was approved is not what is installed here.
        return found if found and found.contract.version_hash() == contract.version_hash() else None
