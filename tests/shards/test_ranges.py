"""Remote shards are read by ranges: how many bytes and round trips it takes, and that the rows are the file's."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from range_host import RangeHost

from laion_pairs.sample.loopback import Answer
from laion_pairs.shards.by_hand import list_by_hand
from laion_pairs.shards.formats import open_source
from laion_pairs.shards.ranges.crew import MAX_THREADS, submit
from laion_pairs.shards.ranges.merging import MAX_REQUEST_BYTES, merged
from laion_pairs.shards.ranges.pages import parse_page
from laion_pairs.shards.shard import Shard
from laion_pairs.shards.source import Source

ROWS = 200_000
DELAY_S = 0.2


def pairs(rows: int = ROWS) -> pa.Table:
    """Columns as in LAION-400M: unique numbers, long texts, narrow ones, one that is a single word."""
    random = np.random.default_rng(7)
    noise = random.integers(0, 16, (rows, 60), np.uint8)
    text = (noise + np.where(noise < 10, 48, 87)).astype(np.uint8).tobytes().decode()
    return pa.table(
        {
            "SAMPLE_ID": random.integers(0, 1 << 62, rows),
            "URL": [f"https://host.example/{text[60 * i : 60 * i + 50]}.jpg" for i in range(rows)],
            "TEXT": [text[60 * i : 60 * i + 5 + i % 50] for i in range(rows)],
            "HEIGHT": random.integers(50, 3000, rows).astype("int32"),
            "LICENSE": ["?"] * rows,
            "similarity": random.uniform(0.28, 0.45, rows),
        }
    )


TABLE = pairs()


def write(path: Path, rows_per_group: int, **options: object) -> Path:
    pq.write_table(TABLE, path, row_group_size=rows_per_group, **options)
    return path


@pytest.fixture(scope="module")
def one_group(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("shards") / "one.parquet", ROWS).read_bytes()


@pytest.fixture(scope="module")
def ten_groups(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("shards") / "ten.parquet", ROWS // 10).read_bytes()


@contextmanager
def opened(host: RangeHost, content: bytes) -> Iterator[Source]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", host.endpoint)
        with open_source(Shard(host.url, "train", len(content))) as source:
            yield source


def rows_of(source: Source, columns: list[str], first_row: int = 0) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of all row groups from one on, counted over the file."""
    groups, start = list(source.row_groups), 0
    for group in groups:
        rows = source.rows_in(group) or 0
        if start + rows > first_row:
            for part in source.parts(group, columns, max(0, first_row - start), upcoming=groups[group + 1 :]):
                yield start + part.first_row, part.batch
        start += rows


def is_table(batches: Iterator[tuple[int, pa.RecordBatch]], columns: list[str], first_row: int = 0) -> bool:
    row = first_row
    for start, batch in batches:
        assert start == row
        assert batch.equals(TABLE.select(columns).slice(row, batch.num_rows).combine_chunks().to_batches()[0])
        row += batch.num_rows
    return row == ROWS


@pytest.mark.parametrize("redirects", [False, True])
def test_the_first_row_costs_little(one_group: bytes, redirects: bool) -> None:
    with RangeHost(one_group, DELAY_S, redirects) as host, opened(host, one_group) as source:
        _, batch = next(rows_of(source, TABLE.column_names))
        assert batch.equals(TABLE.slice(0, batch.num_rows).to_batches()[0])
        assert host.moved < 4.5e6 < len(one_group) / 4
        assert host.round_trips <= 4
        assert sum(asked.is_redirect for asked in host.asked) == redirects  # resolved once


def test_a_scan_reads_every_byte_once_and_in_few_requests(one_group: bytes, ten_groups: bytes) -> None:
    for content in (one_group, ten_groups):
        with RangeHost(content, redirects=True) as host, opened(host, content) as source:
            assert is_table(rows_of(source, TABLE.column_names), TABLE.column_names)
            assert host.moved < len(content) + (64 << 10)
            assert len(host.asked) < 60


def test_requests_are_on_the_line_side_by_side(ten_groups: bytes) -> None:
    """The next row groups are fetched while one is read: far fewer round trips than row groups times two."""
    with RangeHost(ten_groups, DELAY_S) as host, opened(host, ten_groups) as source:
        assert is_table(rows_of(source, TABLE.column_names), TABLE.column_names)
        assert host.round_trips <= 10


def test_row_groups_of_one_batch_are_fetched_ahead_too() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE.slice(0, 60_000), sink, row_group_size=1000)
    content = sink.getvalue().to_pybytes()
    with RangeHost(content, DELAY_S) as host, opened(host, content) as source:
        assert sum(batch.num_rows for _, batch in rows_of(source, TABLE.column_names)) == 60_000
        assert host.round_trips <= 12  # of 60 row groups


def test_the_token_goes_to_the_hub_and_not_to_the_store(ten_groups: bytes) -> None:
    host = RangeHost(ten_groups, redirects=True)
    host.users["hf_mine"] = "me"
    with host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", host.endpoint)
        with open_source(Shard(host.url, "train", len(ten_groups)), "hf_mine") as source:
            assert sum(batch.num_rows for _, batch in rows_of(source, ["TEXT"])) == ROWS
    assert {line.authorization for line in host.requests()} == {"Bearer hf_mine"}
    assert {line.authorization for line in host.store.requests()} == {None}


def test_two_columns_move_only_theirs(one_group: bytes) -> None:
    columns = ["HEIGHT", "similarity"]
    group = pq.ParquetFile(pa.BufferReader(one_group)).metadata.row_group(0)
    theirs = sum(group.column(TABLE.column_names.index(name)).total_compressed_size for name in columns)
    with RangeHost(one_group) as host, opened(host, one_group) as source:
        assert is_table(rows_of(source, columns), columns)
        assert host.moved < theirs + (80 << 10)


@pytest.mark.parametrize("first_row", [1, 5_000, 95_000, 110_001, 199_999])
def test_a_resume_reads_its_row_group_only(ten_groups: bytes, first_row: int) -> None:
    group = pq.ParquetFile(pa.BufferReader(ten_groups)).metadata.row_group(first_row // (ROWS // 10))
    size = sum(group.column(number).total_compressed_size for number in range(group.num_columns))
    with RangeHost(ten_groups, DELAY_S) as host, opened(host, ten_groups) as source:
        batches = rows_of(source, TABLE.column_names, first_row)
        start, batch = next(batches)
        assert start == first_row
        assert batch.equals(TABLE.slice(first_row, batch.num_rows).combine_chunks().to_batches()[0])
        assert host.moved <= size + (64 << 10)
        assert host.round_trips <= 4
        assert is_table(iter([(start, batch), *batches]), TABLE.column_names, first_row)


def test_a_resume_deep_in_one_row_group_is_read_ahead_all_the_way() -> None:
    """What lies before is decoded, as pages cannot be passed over; but it is fetched in large windows."""
    rows, width = 60_000, 500
    noise = np.random.default_rng(3).bytes(rows * width)
    column = pa.Array.from_buffers(pa.binary(width), rows, [None, pa.py_buffer(noise)])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": column, "b": column}), sink, compression="none", use_dictionary=False)
    content = sink.getvalue().to_pybytes()
    with RangeHost(content, DELAY_S) as host, opened(host, content) as source:
        start, batch = next(rows_of(source, ["a", "b"], 59_000))
        assert (start, batch.column("b")[0].as_py()) == (59_000, noise[59_000 * width : 59_001 * width])
        assert host.moved <= len(content) * 1.01
        assert host.round_trips <= 16


def test_nothing_is_fetched_beyond_the_rows_of_a_part(one_group: bytes) -> None:
    with RangeHost(one_group) as host, opened(host, one_group) as source:
        parts = list(source.parts(0, TABLE.column_names, 10, 40_000))
        assert sum(part.batch.num_rows for part in parts) == 39_990
        assert (parts[0].first_row, parts[1].first_row, parts[-1].first_row) == (10, 4096, 32_768)
        assert host.moved < len(one_group) * 0.6  # 20 % of the rows, the dictionaries, a page of each column


def test_a_small_file_is_one_request() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE.slice(0, 300), sink)
    content = sink.getvalue().to_pybytes()
    with RangeHost(content) as host, opened(host, content) as source:
        assert sum(batch.num_rows for _, batch in rows_of(source, TABLE.column_names)) == 300
        assert len(host.asked) == 1


def test_a_footer_that_a_pinned_file_was_recognised_by_is_not_read_again() -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(TABLE.slice(0, 300), sink)
    with RangeHost(sink.getvalue().to_pybytes()) as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", host.endpoint)
        (shard,) = pickle.loads(pickle.dumps(list_by_hand(host.url))).shards
        with open_source(shard) as source:
            assert sum(batch.num_rows for _, batch in rows_of(source, TABLE.column_names)) == 300
        assert len(host.asked) == 1


def test_a_text_file_is_fetched_once_and_ahead(tmp_path: Path) -> None:
    text = "image_url,caption\n" + "".join(f"https://x.example/{i},caption {i}\n" for i in range(300_000))
    content = text.encode()
    host = RangeHost(content, DELAY_S)
    commit = host.repositories["me/pairs"].add_commit({"data/a.csv": content}, title="text")
    with host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", host.endpoint)
        shard = Shard(f"hf://datasets/me/pairs@{commit.commit_id}/data/a.csv", "train", len(content))
        with open_source(shard) as source:
            parts = source.parts(0, ["caption"])
            next(parts)
            assert host.moved <= 2 << 20
            assert source.rows_in(0) is None
            assert 4096 + sum(part.batch.num_rows for part in parts) == 300_000
    assert host.moved == len(content)
    assert host.round_trips <= 4


CODECS = [{"compression": codec} for codec in ("none", "snappy", "zstd", "gzip")]
LAYOUTS = [
    {"use_dictionary": False},
    {"data_page_size": 2000},
    {"data_page_version": "2.0"},
    {"write_page_index": True},
]


@pytest.mark.parametrize("options", [*CODECS, *LAYOUTS], ids=str)
def test_rows_are_the_files_whatever_the_writer(tmp_path: Path, options: dict) -> None:
    table = TABLE.slice(0, 30_000)
    pq.write_table(table, tmp_path / "x.parquet", row_group_size=13_000, **options)
    content = (tmp_path / "x.parquet").read_bytes()
    with RangeHost(content) as host, opened(host, content) as source:
        batches = [batch for _, batch in rows_of(source, table.column_names)]
    assert pa.Table.from_batches(batches).equals(table)


@given(
    st.integers(1, 3000), st.integers(1, 700), st.integers(0, 3200), st.integers(0, 3200), st.sampled_from([64, 4096])
)
@settings(max_examples=25, deadline=None)
def test_any_rows_of_any_row_groups(rows: int, per_group: int, first: int, end: int, step: int) -> None:
    """Nested columns too; the grid is the same wherever one begins."""
    table = pa.table(
        {"n": range(rows), "list": [[str(i)] * (i % 4) for i in range(rows)], "s": [{"a": i} for i in range(rows)]}
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=per_group, data_page_size=500)
    content = sink.getvalue().to_pybytes()
    with RangeHost(content) as host, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_ENDPOINT", host.endpoint)
        with open_source(Shard(host.url, "train", len(content)), max_batch_rows=step) as source:
            for group in source.row_groups:
                start, n_rows = group * per_group, source.rows_in(group) or 0
                found = list(source.parts(group, ["n", "list", "s"], first, end))
                wanted = list(range(rows))[start : start + n_rows][first:end]
                assert [n for part in found for n in part.batch.column("n").to_pylist()] == wanted
                assert all(part.first_row % step == 0 for part in found[1:])
                assert [start + part.first_row for part in found] == [
                    part.batch.column("n")[0].as_py() for part in found
                ]
                lists = [value for part in found for value in part.batch.column("list").to_pylist()]
                assert lists == [[str(i)] * (i % 4) for i in wanted]


def test_two_readers_of_one_file_do_not_disturb_each_other(ten_groups: bytes) -> None:
    """As when filter columns are read first, and the others after them."""
    with RangeHost(ten_groups) as host, opened(host, ten_groups) as source:
        first, second = (rows_of(source, [name]) for name in ("URL", "TEXT"))
        third = rows_of(source, ["URL"])
        for (row, urls), (_, texts), (_, again) in zip(first, second, third, strict=True):
            assert urls.column(0).equals(TABLE["URL"].slice(row, urls.num_rows).combine_chunks())
            assert texts.column(0).equals(TABLE["TEXT"].slice(row, urls.num_rows).combine_chunks())
            assert again.equals(urls)


def test_what_the_first_batch_was_made_of_is_not_fetched_again(one_group: bytes) -> None:
    """The first cell is short, and decoded by itself; the ones after it begin with the same pages."""
    with RangeHost(one_group) as host, opened(host, one_group) as source:
        found = list(rows_of(source, TABLE.column_names))
        assert [row for row, _ in found[:3]] == [0, 4096, 16_384]
        assert pa.concat_tables([pa.table(batch) for _, batch in found]).equals(TABLE)
        assert host.moved < len(one_group) * 1.01


def test_wide_rows_make_short_batches(tmp_path: Path) -> None:
    wide = pa.table({"text": ["x" * (1 << 20) + str(i) for i in range(40)]})
    pq.write_table(wide, tmp_path / "wide.parquet", use_dictionary=False)
    with open_source(Shard(str(tmp_path / "wide.parquet"), "train")) as source:
        assert source.batch_rows(0) == 3  # of 4 MiB, by the footer
        assert [part.batch.num_rows for part in source.parts(0, ["text"], 2)] == [1, *[3] * 12, 1]


def test_ctrl_c_is_heard_while_a_batch_is_waited_for(one_group: bytes) -> None:
    code = """
        import sys
        from laion_pairs.shards.formats import open_source
        from laion_pairs.shards.shard import Shard
        with open_source(Shard(sys.argv[1], "train")) as source:
            parts = source.parts(0, source.schema.names)
            next(parts)
            print("reading", flush=True)
            list(parts)
    """
    with RangeHost(one_group) as host:
        waits = threading.Event()

        def stall(number: int, answer: Answer) -> Answer:
            if answer.body_bytes < 200_000:
                return answer
            waits.set()
            return replace(answer, delay_s=60)

        command = [sys.executable, "-c", textwrap.dedent(code), host.url]
        environment = {**os.environ, **host.environment, "HF_HUB_DOWNLOAD_TIMEOUT": "100"}
        child = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline() == "reading\n"
        host.fault = stall
        assert waits.wait(30)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=30)
        assert errors.strip().splitlines()[-1] == "KeyboardInterrupt"


def test_memory_is_bounded_by_batches_and_pages_not_by_the_row_group(tmp_path: Path) -> None:
    """Twice the rows in one row group, the same peak, give or take what allocators keep."""
    peaks = []
    for copies in (2, 4):
        path = tmp_path / f"{copies}.parquet"
        pq.write_table(pa.concat_tables([TABLE] * copies).combine_chunks(), path, row_group_size=ROWS * copies)
        code = """
            import os, sys
            from laion_pairs.shards.formats import open_source
            from laion_pairs.shards.shard import Shard
            def peak_kib():
                return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
            before = peak_kib()
            with open_source(Shard(sys.argv[1], "train", int(sys.argv[2]))) as source:
                rows = sum(part.batch.num_rows for part in source.parts(0, source.schema.names))
            print(rows, peak_kib() - before)
        """
        content = path.read_bytes()
        with RangeHost(content) as host:
            command = [sys.executable, "-c", textwrap.dedent(code), host.url, str(len(content))]
            run = subprocess.run(
                command, env={**os.environ, **host.environment}, capture_output=True, text=True, timeout=60
            )
        rows, peak_kib = map(int, run.stdout.split())
        assert rows == ROWS * copies, run.stderr
        peaks.append(peak_kib << 10)
    assert peaks[1] < peaks[0] + (24 << 20)  # the row group is 40 MB longer


LEAVING = {
    "in the first batch": "next(parts)",
    "far into it": "[next(parts) for _ in range(9)]",
    "in a fork": """
next(parts), next(parts)
child = os.fork()
if not child:
    assert sum(part.batch.num_rows for part in source.parts(0, ["TEXT"])) == ROWS
    assert 16_384 + sum(part.batch.num_rows for part in parts) == ROWS
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
""",
    "closed": "next(parts); parts.close()",
    "while it waits": "import threading; threading.Thread(target=lambda: list(parts), daemon=True).start()",
}


@pytest.mark.parametrize("repeat", [1, pytest.param(4, marks=pytest.mark.ci), pytest.param(20, marks=pytest.mark.soak)])
def test_an_abandoned_reader_lets_the_process_exit(one_group: bytes, repeat: int) -> None:
    script = """
import os, sys
from laion_pairs.shards.formats import open_source
from laion_pairs.shards.shard import Shard
ROWS = int(sys.argv[2])
opened = open_source(Shard(sys.argv[1], "train"))
source = opened.__enter__()
parts = source.parts(0, source.schema.names)
{code}
print("done", flush=True)
"""
    codes = [*LEAVING.values()] if repeat > 1 else [LEAVING["in a fork"], LEAVING["while it waits"]]
    with RangeHost(one_group, 0.1) as host:

        def run(code: str) -> tuple[int, str, str]:
            command = [sys.executable, "-c", script.format(code=code), host.url, str(ROWS)]
            done = subprocess.run(
                command, env={**os.environ, **host.environment}, capture_output=True, text=True, timeout=60
            )
            return done.returncode, done.stdout, done.stderr

        with ThreadPoolExecutor(4) as pool:
            runs = list(pool.map(run, codes * repeat))
    assert set(runs) == {(0, "done\n", "")}


def test_ranges_share_requests() -> None:
    far = 100 << 20
    ranges = [(0, 10, "a"), (10, 20, "b"), (5000, 9000, "c"), (far, far + MAX_REQUEST_BYTES + 1, "d")]
    assert list(merged(ranges)) == [
        (0, 20, [(0, 10, "a"), (10, 20, "b")]),
        (5000, 9000, [(5000, 9000, "c")]),
        (far, far + MAX_REQUEST_BYTES, [(far, far + MAX_REQUEST_BYTES, "d")]),
        (
            far + MAX_REQUEST_BYTES,
            far + MAX_REQUEST_BYTES + 1,
            [(far + MAX_REQUEST_BYTES, far + MAX_REQUEST_BYTES + 1, "d")],
        ),
    ]


PAGE_HEADERS = [
    ("v1", "1500 15c8bb01 15c8bb01 2c 15c8bb01", 12_004, 12_004),
    ("with a crc", "1500 1502 1504 15feffffff0f 1c 150a", 2, 5),
    ("v2", "1506 1502 1504 5c 150a", 2, 5),
]


@pytest.mark.parametrize(("name", "header", "n_bytes", "values"), PAGE_HEADERS)
def test_page_headers(name: str, header: str, n_bytes: int, values: int) -> None:
    assert parse_page(bytes.fromhex(header.replace(" ", "")) + bytes(20)) == (n_bytes, values)


@pytest.mark.parametrize("start", [b"", b"\x15", b"\x15\x00\x15", b"PAR1" * 5, b"\x00" * 50, b"\xff" * 50])
def test_what_is_no_page_header(start: bytes) -> None:
    assert parse_page(start) is None


@given(st.binary(max_size=40))
def test_any_bytes_are_read_as_a_page_or_not(start: bytes) -> None:
    page = parse_page(start)
    assert page is None or min(page) >= 0


def test_pages_are_what_arrow_wrote(tmp_path: Path) -> None:
    """The first page of every column ends where the second begins: a reader that stops there needs no byte more."""
    content = write(tmp_path / "x.parquet", ROWS, use_dictionary=False, compression="none", data_page_size=10_000)
    file = pq.ParquetFile(content)
    column = file.metadata.row_group(0).column(0)
    data = content.read_bytes()[column.data_page_offset :]
    page = parse_page(data[:100])
    assert page is not None
    header = data.index(TABLE["SAMPLE_ID"][0].as_py().to_bytes(8, "little"))
    assert page.n_bytes <= page.values * 8 + 64  # definition levels besides
    second = parse_page(data[header + page.values * 8 :][:100])
    assert second is not None


def test_threads_are_few_and_go_on_after_an_error() -> None:
    def fail() -> None:
        raise ValueError("no")

    failed = [submit(fail) for _ in range(50)]
    assert {type(future.exception()) for future in failed} == {ValueError}
    names = [thread.name for thread in threading.enumerate() if thread.name == "laion-ranges"]
    assert len(names) <= MAX_THREADS
    done: SimpleNamespace = SimpleNamespace(at=0)
    work: Callable[[], int] = lambda: done.at  # noqa: E731
    assert submit(work).result(timeout=10) == 0
