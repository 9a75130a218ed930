"""Do streamrun and the Arrow library (pyarrow) read each other's IPC streams?

usage: arrow_interop.py TOOL VENV

TOOL is the built arrow_interop_tool, VENV a directory for a virtual environment when this Python has no pyarrow.
Exits 77 (skipped) where pyarrow can be neither imported nor installed.
"""

import decimal
import os
import subprocess
import sys
import tempfile

SKIPPED = 77


def find_pyarrow(venv):
    """Runs this script again under a Python that has pyarrow; returns when this one does."""
    try:
        import pyarrow  # noqa: F401

        return
    except ImportError:
        pass
    python = os.path.join(venv, "bin", "python")
    if os.environ.get("STREAMRUN_INTEROP_CHILD"):
        print("skipped: the virtual environment has no usable pyarrow")
        sys.exit(SKIPPED)
    if not os.path.exists(os.path.join(venv, "ready")):
        try:
            subprocess.run([sys.executable, "-m", "venv", venv], check=True, timeout=60, capture_output=True)
            pip = [python, "-m", "pip", "install", "-q", "--retries", "1", "--timeout", "15", "pyarrow"]
            subprocess.run(pip, check=True, timeout=200, capture_output=True)
            with open(os.path.join(venv, "ready"), "w") as mark:
                mark.write("pyarrow\n")
        except (subprocess.SubprocessError, OSError) as error:
            print(f"skipped: pyarrow is not installed and could not be had: {error}")
            sys.exit(SKIPPED)
    environment = dict(os.environ, STREAMRUN_INTEROP_CHILD="1")
    sys.exit(subprocess.run([python, *sys.argv], env=environment).returncode)


def expect(name, got, wanted):
    if got != wanted:
        print(f"{name}:\n  got    {got!r}\n  wanted {wanted!r}")
        sys.exit(1)


def read_rows(tool, path):
    done = subprocess.run([tool, "read", path], capture_output=True, text=True)
    expect(f"reading {path}", (done.returncode, done.stderr), (0, ""))
    return done.stdout.splitlines()


def check_ours(tool, path):
    """pyarrow reads what streamrun wrote, value by value."""
    import pyarrow as pa

    with pa.ipc.open_stream(path) as reader:
        table = reader.read_all()
    table.validate(full=True)
    expect("rows", table.num_rows, 13)
    storage = [getattr(f.type, "storage_type", f.type) for f in table.schema]
    us = pa.timestamp("us")
    wanted = [
        pa.bool_(), pa.int32(), pa.int64(), pa.float64(), pa.decimal128(20, 3), pa.binary(24), pa.binary(16),
        pa.binary(18), pa.utf8(), pa.binary(), pa.date32(), us, pa.timestamp("us", tz="UTC"), pa.binary(16),
        pa.utf8(), pa.list_(pa.int64()), pa.list_(pa.utf8()), pa.list_(pa.bool_()), pa.list_(pa.binary(24)),
        pa.int64(), pa.int8(),
    ]  # fmt: skip
    for i, (got, want) in enumerate(zip(storage, wanted)):
        if i not in (15, 16, 17, 18):
            expect(f"type of column {i}", got, want)
    numbers = list(range(10)) + list(range(3))
    present = [n % 4 != 3 for n in numbers]

    def column(name, value):
        got = table.column(name).to_pylist()
        expect(name, got, [value(n) if p else None for n, p in zip(numbers, present)])

    column("c0", lambda n: n % 3 == 0)
    column("c1", lambda n: n * 7919 - 100)
    column("c2", lambda n: n * 1000003 - 7)
    column("c3", lambda n: n * 1.25 - 3)
    column("c4", lambda n: decimal.Decimal(n * 1234567890123 - 5).scaleb(-3))
    column("c8", lambda n: chr(ord("a") + n % 26) * (n % 20) + str(n))
    column("c15", lambda n: [None if i == 2 else (n + i) * 1000003 - 7 for i in range(n % 4)])
    expect("origin", table.column("__origin_offset").to_pylist(), [n * 100 for n in numbers])
    expect("change", table.column("__change").to_pylist(), [n % 4 for n in numbers])
    expect("event time", table.schema.metadata[b"streamrun.event_time"], b"11")


def check_copy(tool, ours, copy):
    """What pyarrow wrote from our batches reads the same as what we wrote."""
    import pyarrow as pa

    with pa.ipc.open_stream(ours) as reader, pa.ipc.new_stream(copy, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    expect("copy", read_rows(tool, copy), read_rows(tool, ours))


def check_theirs(tool, path):
    """streamrun reads a table that pyarrow made, sliced so that its buffers do not start at row 0."""
    import pyarrow as pa

    table = pa.table(
        {
            "i": pa.array([1, 2, None, 4, 5], pa.int32()),
            "t": pa.array(["zero", "", None, "drei", "Ä"]),
            "b": pa.array([True, False, None, True, False]),
            "l": pa.array([[1], [], None, [2, None], [3]], pa.list_(pa.int64())),
            "d": pa.array([None, 1, 2, 3, 4], pa.date32()),
            "z": pa.array([0, 1, 2, 3, None], pa.timestamp("us", tz="Europe/Berlin")),
            "m": pa.array([decimal.Decimal("1.50")] * 5, pa.decimal128(10, 2)),
        }
    )
    for piece in (table, table.slice(1, 4), table.slice(2, 0)):
        with pa.ipc.new_stream(path, piece.schema) as writer:
            writer.write_table(piece)
        rows = [
            "1|zero|t|{1}|NULL|1970-01-01 00:00:00+00|1.50",
            "2||f|{}|1970-01-02|1970-01-01 00:00:00.000001+00|1.50",
            "NULL|NULL|NULL|NULL|1970-01-03|1970-01-01 00:00:00.000002+00|1.50",
            "4|drei|t|{2,NULL}|1970-01-04|1970-01-01 00:00:00.000003+00|1.50",
            "5|Ä|f|{3}|1970-01-05|NULL|1.50",
        ]
        wanted = {5: rows, 4: rows[1:], 0: []}[piece.num_rows]
        header = "i integer, t text, b boolean, l bigint[], d date, z timestamp with time zone, m numeric(10,2)"
        got = read_rows(tool, path)
        expect("rows of pyarrow", got[1:], wanted)
        expect("schema of pyarrow", got[0].replace("timestamptz", "timestamp with time zone"), header)
    with pa.ipc.new_stream(path, pa.schema([("x", pa.float32())])):
        pass
    done = subprocess.run([tool, "read", path], capture_output=True, text=True)
    expect("float32", done.returncode, 1)
    expect("float32", "floating point below double" in done.stderr, True)


def main():
    tool, venv = sys.argv[1:3]
    find_pyarrow(venv)
    with tempfile.TemporaryDirectory() as folder:
        ours = os.path.join(folder, "ours.arrows")
        subprocess.run([tool, "write", ours], check=True)
        check_ours(tool, ours)
        check_copy(tool, ours, os.path.join(folder, "copy.arrows"))
        check_theirs(tool, os.path.join(folder, "theirs.arrows"))
    print("streamrun and pyarrow read each other")


if __name__ == "__main__":
    main()
