"""Files of rows in the formats that are read beside JSONL, written by pyarrow and Python's csv, with the rows they hold."""

import csv
import datetime
import decimal
import gzip
import json

import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.parquet as parquet

from common import HERE

FOLDER = HERE / "tables"
ROWS = 5

PAIRS = [
    {
        "prompt": [{"role": "user", "content": f"What is {n} + {n}?", "name": None}],
        "chosen": [{"role": "assistant", "content": str(2 * n), "name": None}],
        "rejected": [{"role": "assistant", "content": "No idea.", "name": "b" if n % 2 else None}],
        "score": n / 4,
    }
    for n in range(ROWS)
]


def column(values: list, kind: pa.DataType, written: list | None = None) -> tuple[pa.Array, list]:
    return pa.array(values, kind), values if written is None else written


def columns() -> dict[str, tuple[pa.Array, list]]:
    """Columns of every type, each with what its values are as JSON."""
    time = datetime.datetime(2024, 2, 29, 13, 4, 5, 600)
    zone = pa.timestamp("ms", "Europe/Berlin")
    return {
        "prompt": column(['a "b"\\\n\t\x01 é🙂', "b", "c", "d", "e" * 40], pa.string()),
        "large": column(["x", None, "", "y", "é" * 20], pa.large_string()),
        "view": column(["short", "longer than twelve bytes", None, "", "z"], pa.string_view()),
        "dictionary": (pa.array(["u", None, "v", "u", "u"]).dictionary_encode(), ["u", None, "v", "u", "u"]),
        "boolean": column([True, False, None, True, False], pa.bool_()),
        "int8": column([-128, 127, 0, None, 1], pa.int8()),
        "int64": column([-(2**63), 2**63 - 1, 0, None, 1], pa.int64()),
        "uint64": column([2**64 - 1, 0, 1, None, 2], pa.uint64()),
        "half": column([0.5, None, 65504.0, -2.0, 1.0], pa.float16()),
        "float": column([0.1, float("nan"), 1.0, None, 1e-20], pa.float32(), [0.1, None, 1.0, None, 1e-20]),
        "double": column([0.1, float("inf"), 1e300, None, 123456789.0], pa.float64(), [0.1, None, 1e300, None, 123456789.0]),
        "decimal": column(
            [decimal.Decimal("12.340"), None, decimal.Decimal("-0.001"), decimal.Decimal(0), decimal.Decimal(7)],
            pa.decimal128(12, 3),
            [decimal.Decimal("12.340"), None, decimal.Decimal("-0.001"), decimal.Decimal("0.000"), decimal.Decimal("7.000")],
        ),
        "date": column([time.date(), None, datetime.date(1, 1, 1), None, None], pa.date32(), ["2024-02-29", None, "0001-01-01", None, None]),
        "time": column([time.time(), None, None, None, None], pa.time64("us"), ["13:04:05.000600", None, None, None, None]),
        "timestamp": column([time, None, None, None, None], pa.timestamp("us"), ["2024-02-29T13:04:05.000600", None, None, None, None]),
        "zoned": column([time, None, None, None, None], zone, ["2024-02-29T13:04:05.000Z", None, None, None, None]),
        "duration": column([datetime.timedelta(seconds=2), None, None, None, None], pa.duration("ms"), [2000, None, None, None, None]),
        "map": column(
            [[("a", 1), ("b", None)], None, [], [("c", 3)], []],
            pa.map_(pa.string(), pa.int32()),
            [[{"key": "a", "value": 1}, {"key": "b", "value": None}], None, [], [{"key": "c", "value": 3}], []],
        ),
        "list": column([[1, None, 3], None, [], [4], [5, 6]], pa.list_(pa.int32())),
        "pair": column([[1, 2], None, [3, 4], [5, 6], [7, 8]], pa.list_(pa.int32(), 2)),
        "messages": column(
            [[{"role": "user", "content": "Hi", "calls": [{"name": "f", "on": [[True]]}]}], [], None, [{"role": "a", "content": None, "calls": []}], []],
            pa.list_(pa.struct({"role": pa.string(), "content": pa.string(), "calls": pa.list_(pa.struct({"name": pa.string(), "on": pa.list_(pa.list_(pa.bool_()))}))})),
        ),
        "picture": column(
            [{"bytes": b"\x89PNG\r\n", "path": "a.png"}, None, {"bytes": None, "path": "b"}, {"bytes": b"text", "path": None}, None],
            pa.struct({"bytes": pa.binary(), "path": pa.string()}),
            [{"bytes": {"not_text": "6 bytes"}, "path": "a.png"}, None, {"bytes": None, "path": "b"}, {"bytes": "text", "path": None}, None],
        ),
        "null": column([None] * ROWS, pa.null()),
    }


def write_types() -> None:
    every = columns()
    table = pa.table({name: array for name, (array, _) in every.items()})
    parquet.write_table(table, FOLDER / "types.parquet", row_group_size=2, compression="zstd", store_schema=True)
    feather.write_feather(table, str(FOLDER / "types.arrow"), compression="lz4", chunksize=3)
    with pa.OSFile(str(FOLDER / "types.stream.arrow"), "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    exact = Exact()
    rows = [{name: values[row] for name, (_, values) in every.items()} for row in range(ROWS)]
    lines = [exact.text(json.dumps(exact.marked(row), ensure_ascii=False, separators=(",", ":"))) for row in rows]
    (FOLDER / "types.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


class Exact:
    """Writes decimals with all of their digits, which json does not."""

    def marked(self, value):
        if isinstance(value, decimal.Decimal):
            return f"<decimal {value}>"
        if isinstance(value, dict):
            return {key: self.marked(item) for key, item in value.items()}
        return [self.marked(item) for item in value] if isinstance(value, list) else value

    def text(self, line: str) -> str:
        return line.replace('"<decimal ', "").replace('>"', "")


def write_pairs() -> None:
    table = pa.Table.from_pylist(PAIRS)
    for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
        parquet.write_table(table, FOLDER / f"pairs.{codec}.parquet", row_group_size=2, compression=codec)
    parquet.write_table(table.slice(0, 0), FOLDER / "empty.parquet")
    lines = "".join(json.dumps(row) + "\n" for row in PAIRS)
    (FOLDER / "pairs.jsonl").write_text(lines)
    # 64 MiB of text in one row group, in few bytes.
    words = " ".join(f"word{n}" for n in range(250))
    long = pa.table({"prompt": [f"{n} {words}" for n in range(32768)]})
    parquet.write_table(long, FOLDER / "long.parquet", row_group_size=1 << 20, compression="zstd", compression_level=19, use_dictionary=False)
    # Two frames, as `cat a.zst b.zst` leaves them.
    half = len(lines) // 2
    frames = [pa.compress(lines[:half].encode(), codec="zstd", asbytes=True), pa.compress(lines[half:].encode(), codec="zstd", asbytes=True)]
    (FOLDER / "pairs.jsonl.zst").write_bytes(b"".join(frames))
    (FOLDER / "pairs.json.gz").write_bytes(gzip.compress(json.dumps(PAIRS, indent=2).encode(), mtime=0))


def write_csv() -> None:
    rows = [
        {"prompt": 'a, "b"\nc', "chosen": "42", "rejected": " x ", "score": "0.5", "label": "True", "id": "007", "note": ""},
        {"prompt": "q", "chosen": "é\r\n\r\n🙂", "rejected": '"', "score": "", "label": "False", "id": "8", "note": "n"},
        {"prompt": "\t;|", "chosen": "1e5", "rejected": "NA", "score": "-2", "label": "", "id": "null", "note": ""},
    ]
    for name, dialect in [("quoted.csv", dict()), ("quoted.tsv", dict(delimiter="\t")), ("quoted-all.csv", dict(quoting=csv.QUOTE_ALL))]:
        with open(FOLDER / name, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), **dialect)
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_types()
    write_pairs()
    write_csv()
