"""The AI sessions as a data source of Spark 4: `spark.read.format("konvo")` and `spark.readStream.format("konvo")`.

Spark finds it by the module `pyspark_konvo`, without registration. docs/distributed.md has its options and limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ._version import INSTALL_EXTRA

try:
    from pyspark.sql import types
    from pyspark.sql.datasource import DataSource, DataSourceReader, DataSourceStreamReader, InputPartition
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"konvoai.spark needs Spark: {INSTALL_EXTRA.format('spark')}", name="pyspark") from error

from ._arguments import validate_int, validate_time
from ._client import Konvo
from ._pagination.protocol import MILLISECOND
from ._pagination.window_plan import BEGINNING
from ._spans.plan import Span
from ._spans.reading import Batch, Task, drive, horizon, plan_spans, read_task
from ._tables.columns import Column, columns
from .errors import ConfigurationError
from .models import AISession

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql import DataFrame

__all__ = ["KonvoDataSource", "latest"]
AS_OF = "as_of"
"""The column that says up to when the API had been read when a row came."""
RAW = "raw"
ORDER = ("status__last_updated", AS_OF)
TYPES: dict[str, Any] = {"text": types.StringType(), "json": types.StringType(), "integer": types.LongType()}
TYPES |= {"number": types.DoubleType(), "boolean": types.BooleanType(), "date": types.DateType()}
TYPES |= {"time": types.TimestampType()}
OPTIONS = {"since", "until", "numpartitions", "baseurl", "pushdown"}
LOWER_BOUNDS = {"GreaterThan", "GreaterThanOrEqual", "EqualTo"}
PUSHED_COLUMNS = {("created_at",), ("status__last_updated",)}


def latest(frame: DataFrame) -> DataFrame:
    """Returns one row for each id, the latest, of a frame that was read by `format("konvo")`; it shuffles by id.

    Rows without an id all stay. The order is that of `status__last_updated`, where the frame has it, then of `as_of`.

    Raises:
        ValueError: The frame lacks `id` or `as_of`.
    """
    from pyspark.sql import functions as f

    for name in ("id", AS_OF):
        if name not in frame.columns:
            raise ValueError(f"the frame lacks the column {name!r}: name it in the schema that you read with")
    order = f.struct(*(name for name in ORDER if name in frame.columns))
    newest = f.max_by(f.struct(*frame.columns), order).alias("newest")
    rows = frame.where("id is not null").groupBy("id").agg(newest).select("newest.*")
    return rows.unionByName(frame.where("id is null"))


class KonvoDataSource(DataSource):
    """The data source `konvo`. The key is that of the environment of the driver and of each worker."""

    @classmethod
    def name(cls) -> str:
        return "konvo"

    def schema(self) -> types.StructType:
        return struct_of([*columns(AISession), Column(AS_OF, (), "time")])

    def reader(self, schema: types.StructType) -> Reader:
        options = Options.of(self.options)
        return (PushdownReader if options.pushdown else Reader)(options, schema)

    def streamReader(self, schema: types.StructType) -> StreamReader:
        return StreamReader(Options.of(self.options), schema)


class Options(NamedTuple):
    """The options of a reading; the key is none, since plans and logs show options."""

    since: datetime | None
    until: datetime | None
    partitions: int
    base_url: str | None
    pushdown: bool

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Options:
        """Checks the options as Spark has them, whose names are in any case."""
        values = {name.lower(): value for name, value in given.items()}
        if unknown := sorted(values.keys() - OPTIONS):
            names = "since, until, numPartitions, baseUrl, pushdown"
            raise ConfigurationError(f"unknown option {', '.join(unknown)}: the options of konvo are {names}")
        pushdown = values.get("pushdown", "false").lower()
        if pushdown not in ("true", "false"):
            raise ConfigurationError(f"pushdown must be true or false, not {pushdown!r}")
        partitions = values.get("numpartitions", "4")
        number = int(partitions) if partitions.isdecimal() else 0
        since, until = (parse_time(name, values.get(name)) for name in ("since", "until"))
        return cls(since, until, validate_int("numPartitions", number, 1), values.get("baseurl"), pushdown == "true")

    def client(self) -> Konvo:
        try:
            return Konvo(base_url=self.base_url, on_drift="ignore", max_retries=8)
        except ConfigurationError as error:
            raise ConfigurationError(f"{error} (on the driver and on every worker)") from None


def parse_time(name: str, text: str | None) -> datetime | None:
    try:
        return validate_time(name, None if text is None else datetime.fromisoformat(text))
    except ValueError:
        raise ConfigurationError(f"invalid {name} {text!r}: use a time with a zone, 2026-11-01T00:00:00Z") from None


class Partition(InputPartition):
    def __init__(self, task: Task) -> None:
        super().__init__(None)
        self.task = task


class SpanReader:
    """What batch and stream share: a task reads a span."""

    def __init__(self, options: Options, schema: types.StructType) -> None:
        known = {field.name: field.dataType for field in KonvoDataSource({}).schema()}
        known[RAW] = types.StringType()
        for field in schema.fields:
            if known.get(field.name) != field.dataType:
                kinds = ", ".join(f"{name} {kind.simpleString()}" for name, kind in known.items())
                raise ConfigurationError(f"unknown column {field.name} {field.dataType.simpleString()}: use {kinds}")
        self.options, self.schema = options, schema
        self.since = options.since

    def read(self, partition: Partition | None) -> Iterator[pyarrow.RecordBatch]:
        """Yields Arrow batches of the types that Spark derives from the schema."""
        from pyspark.sql.pandas.types import to_arrow_schema

        if partition is None:  # of a plan without partitions
            return
        target = to_arrow_schema(self.schema)
        names = [name for name in self.schema.names if name not in (AS_OF, RAW)] or ["id"]
        with self.options.client() as konvo:
            for batch in read_task(konvo, partition.task, names, raw=RAW in self.schema.names):
                yield spark_batch(batch, target)


def spark_batch(batch: Batch, target: pyarrow.Schema) -> pyarrow.RecordBatch:
    import pyarrow as pa

    arrays = [
        pa.array([batch.as_of] * len(batch.records), field.type)
        if field.name == AS_OF
        else batch.records.column(field.name).cast(field.type)
        for field in target
    ]
    return pa.record_batch(arrays, schema=target)


class Reader(SpanReader, DataSourceReader):
    """A batch read: spans up to now, each with what has left it meanwhile."""

    def partitions(self) -> Sequence[Partition]:
        since, until = self.since, self.options.until
        with self.options.client() as konvo:
            spans = plan_spans(konvo, since=since, until=until, spans=self.options.partitions)
        end = spans[-1].end
        changed_since = end if until is None or end < until else None
        return [Partition(Task(span, changed_since, until)) for span in spans]


class PushdownReader(Reader):
    """Spark refuses a reader with `pushFilters` unless `spark.sql.python.filterPushdown.enabled` is true."""

    def pushFilters(self, filters: list[Any]) -> Iterator[Any]:
        """Reads from a lower bound of a time on, as no session is updated before it is created; Spark filters too."""
        for condition in filters:
            if type(condition).__name__ in LOWER_BOUNDS and condition.attribute in PUSHED_COLUMNS:
                bound = condition.value.astimezone(UTC) - MILLISECOND
                self.since = max(bound, self.since or bound)
            yield condition


class StreamReader(SpanReader, DataSourceStreamReader):
    """A stream: an offset is a time of the server after which nothing can join what is before it."""

    def initialOffset(self) -> dict[str, str]:
        return {"end": (self.since or BEGINNING).isoformat()}

    def latestOffset(self, start: Mapping[str, str] | None = None, limit: Any = None) -> dict[str, str]:
        """Returns the end of what can be read now; Spark gives the arguments from 4.2 on."""
        with self.options.client() as konvo:
            end = horizon(konvo)
        end = end if self.options.until is None else min(end, self.options.until)
        return {"end": max(end, offset_time(start or self.initialOffset())).isoformat()}

    def partitions(self, start: Mapping[str, str], end: Mapping[str, str]) -> Sequence[Partition]:
        since, until = offset_time(start), offset_time(end)
        if until <= since:
            return []
        with self.options.client() as konvo:
            spans: list[Span] = drive(konvo, None if since == BEGINNING else since, until, self.options.partitions)
        return [Partition(Task(span)) for span in spans]


def offset_time(offset: Mapping[str, str]) -> datetime:
    return datetime.fromisoformat(offset["end"])


def struct_of(fields: Sequence[Column]) -> types.StructType:
    return types.StructType([types.StructField(column.name, spark_type(column)) for column in fields])


def spark_type(column: Column) -> Any:
    return types.ArrayType(struct_of(column.fields)) if column.kind == "list" else TYPES[column.kind]
