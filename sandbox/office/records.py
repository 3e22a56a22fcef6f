"""Data entry: rows in tables that the office keeps beside everything else."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, StrictInt, StrictStr

from sandbox.operations import operation
from sandbox.shapes import Shape
from sandbox.store import Store, now

RecordId = Annotated[str, Field(pattern=r"^R-\d{1,8}$", description="A record's id", examples=["R-601"])]
Table = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$", description="Which table", examples=["returns"])]


class Record(Shape):
    """One row."""

    record_id: RecordId
    table: Table
    values: dict[str, StrictStr | StrictInt | StrictBool]
    time: str


class WriteRecord(Shape):
    """Into which table, and what."""

    table: Table
    values: dict[str, StrictStr | StrictInt | StrictBool] = Field(
        min_length=1, max_length=50, description="The columns of the row and what stands in them"
    )


class OneRecord(Shape):
    """Which record."""

    record_id: RecordId


@operation(
    "POST",
    "/records",
    tag="records",
    status=201,
    example={"table": "returns", "values": {"order": 1009, "article": "KTL-1", "broken": True}},
    undo="erase_record",
)
def write_record(store: Store, asked: WriteRecord) -> Record:
    """Write a record into a table of the office.

    Use it for data entry: returns, meter readings, anything that is kept as rows.
    """
    record_id = f"R-{store.number('record')}"
    return store.put(record_id, Record(record_id=record_id, table=asked.table, values=asked.values, time=now()))


@operation("GET", "/records/{record_id}", tag="records", example={"record_id": "R-601"})
def read_record(store: Store, asked: OneRecord) -> Record:
    """Read a record.

    Use it to see what was entered.
    """
    return store.need(Record, asked.record_id, "record")


@operation("DELETE", "/records/{record_id}", tag="records", example={"record_id": "R-601"}, touches=("deletion",))
def erase_record(store: Store, asked: OneRecord) -> Record:
    """Erase a record. The answer says what stood in it.

    Use it to take back an entry that was a mistake.
    """
    record = store.need(Record, asked.record_id, "record")
    store.drop(record, record.record_id)
    return record


def furnish(store: Store) -> None:
    """One return was entered on the first day."""
    values: dict[str, str | int | bool] = {"order": 1012, "article": "TRY-7", "scratched": True}
    store.put("R-601", Record(record_id="R-601", table="returns", values=values, time=now()))
