"""The benchmarks in small, so that they still run on the day somebody needs them."""

import gzip
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks import corpus, ingest, load, processes, reads, report, servers
from benchmarks.load import Plan
from benchmarks.report import Report

NEWEST = 1_790_000_000.0


# Events -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", corpus.PROFILES)
def test_a_corpus_is_the_same_for_the_same_seed(name: str) -> None:
    events = list(corpus.make(name, 20, newest=NEWEST))
    assert events == list(corpus.make(name, 20, newest=NEWEST))
    others = list(corpus.make(name, 20, seed="2", newest=NEWEST))
    assert not {event.event_id for event in events} & {event.event_id for event in others}


def test_an_event_is_an_envelope_of_the_promised_size() -> None:
    [event] = corpus.make("full", 1, newest=NEWEST)
    envelope = gzip.decompress(event.body)
    assert len(envelope) == event.size
    assert 16_000 < event.size < 22_000
    headers, item, payload = map(json.loads, envelope.splitlines())
    assert headers["event_id"] == payload["event_id"] == event.event_id
    assert item["type"] == "event"
    assert payload["timestamp"].startswith("2026-09-21T14:13:20.")
    assert len(payload["exception"]["values"][0]["stacktrace"]["frames"]) == 20
    [tiny] = corpus.make("tiny", 1, newest=NEWEST)
    assert tiny.size < 2_000


def test_issues_are_as_frequent_as_zipf_has_it_and_all_occur() -> None:
    numbers = corpus.assign_issues(corpus.Draws("1"), 600, 500)
    assert set(numbers) == set(range(500))
    numbers = corpus.assign_issues(corpus.Draws("1"), 10_000, 500)
    assert 0.15 < numbers.count(0) / len(numbers) < 0.25
    assert {event.issue for event in corpus.make("hot", 5, newest=NEWEST)} == {0}


# Load and accounting ------------------------------------------------------------------------------


@pytest.mark.live
def test_load_against_a_server_that_does_nothing() -> None:
    with servers.noop("body_reader", workers=1) as server:
        requests = [load.post("/", b"x" * 100, content_encoding="gzip")] * 50
        with servers.Meter(server) as meter:
            outcome = load.run(Plan(server.port, requests, connections=4))
        assert (outcome.statuses, outcome.unanswered) == ({200: 50}, 0)
        assert sorted(outcome.succeeded) == list(range(50))
        assert 0 < outcome.p50 <= outcome.p99 <= outcome.slowest
        assert outcome.problems == []
        assert meter.server.processes == 2
        assert meter.server.rss >= meter.server.pss > 0
        assert meter.postgres_cpu == 0

        again = load.run(Plan(server.port, requests[:1], connections=2, seconds=0.2))
        assert len(again.succeeded) > 2
        port = server.port
    gone = load.run(Plan(port, requests, connections=4))
    assert (gone.statuses, gone.succeeded) == ({}, [])


@pytest.mark.live
def test_a_view_that_does_nothing_is_served() -> None:
    with servers.noop("django_bridge", workers=1) as server:
        row = reads.measure_at(server, "no-op", [load.get("/noop/")], 2, 0.2)
    assert row.problems == []
    assert row.requests > 2


def test_answers_are_told_from_parts_of_answers() -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    for answer in (whole, chunked):
        assert load.is_complete(answer)
        assert not any(load.is_complete(answer[:end]) for end in range(len(answer)))


def test_processes_are_accounted_for() -> None:
    program = "sum(range(3_000_000)); print(flush=True); import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert child.pid in processes.tree(os.getpid())
        assert child.pid not in processes.tree(os.getpid(), without=child.pid)
        usage = processes.usage_of([child.pid])
        child.kill()
    assert usage.processes == 1
    assert usage.cpu > 0
    assert usage.peak_rss >= usage.rss > 1_000_000
    assert processes.usage_of([child.pid]).processes == 0
    busy, there = processes.machine()
    assert 0 < busy < there


# The report ---------------------------------------------------------------------------------------

EVENTS = ingest.Row(
    name="full",
    workers=2,
    events=100,
    rate=500.0,
    p50=20.0,
    p99=90.0,
    cpu=1.5,
    postgres_cpu=0.7,
    rss=240.0,
    pss=180.0,
    noop_rate=9000.0,
    noop_cpu=0.05,
    load_cpu=0.03,
    foreign=0.1,
    problems=[],
)
READ = reads.Row(
    name="issue details",
    workers=2,
    connections=1,
    requests=100,
    rate=300.0,
    p50=3.0,
    p99=9.0,
    bytes=5000,
    cpu=3.0,
    postgres_cpu=1.5,
    load_cpu=0.02,
    foreign=0.1,
    problems=[],
)


def test_the_report_says_which_bars_are_met() -> None:
    found = Report([EVENTS], [replace(READ, name=reads.NOOP, cpu=0.5, postgres_cpu=0.0), READ])
    assert [bar.is_met for bar in found.bars()] == [True, False, True]
    text = found.as_text()
    assert "CPU of a full event, 2 workers: 2.20 of 2.5 ms, met" in text
    assert "4.50 of 4 ms, NOT MET" in text
    assert json.loads(json.dumps(found.as_json()))["ingest"][0]["total_cpu"] == 2.2
    assert found.problems == []


def test_the_report_says_what_is_wrong() -> None:
    found = Report([replace(EVENTS, problems=["issues: counted (1,1,2,0)"])], [])
    assert found.problems == ["full, 2 workers: issues: counted (1,1,2,0)"]
    assert "WRONG: full, 2 workers: issues: counted (1,1,2,0)" in found.as_text()


def test_columns_are_aligned() -> None:
    assert report.table("name|n", [("a", "1000"), ("long name", "1")]) == (
        "name          n\na          1000\nlong name     1\n"
    )


def test_help() -> None:
    command = [sys.executable, "-m", "benchmarks", "--help"]
    result = subprocess.run(
        command, cwd=servers.ROOT, capture_output=True, text=True, timeout=30, check=True
    )
    assert "python -m benchmarks reads" in result.stdout
