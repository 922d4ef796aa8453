"""Every program starts, says that it is ready, and ends when it is told to."""

import functools
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from system import Account, wait_until

PROGRAMS = ["producer", "verifier", "notifier", "gateway"]


@pytest.fixture
def initialised(stack):
    stack.init()
    return stack


def ready(program):
    """Whether it says so, and why not."""
    answer = httpx.get(f"http://127.0.0.1:{program.management}/readyz",
                       timeout=5)
    assert answer.status_code in (200, 503)
    return answer.status_code == 200, answer.text


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_ready_and_ends_in_order(initialised, name):
    program = getattr(initialised, name)().ready()
    assert program.get("/livez")
    assert program.get("/version")
    assert program.status()
    assert program.metrics()["tidemill_build_info"]
    assert program.stop() == 0, program.tail()


def test_all_start_before_their_servers_and_become_ready(initialised):
    initialised.kafka[0].stop()
    initialised.postgres.stop()
    initialised.redis.stop()
    try:
        programs = [getattr(initialised, name)() for name in PROGRAMS]
        for program in programs:
            assert program.get("/livez")
            assert not ready(program)[0], program.name
    finally:
        initialised.up()
    for program in programs:
        program.ready()
    for program in programs:
        assert program.stop() == 0, program.tail()


@pytest.mark.parametrize("name, server, word", [
    ("producer", "kafka", "kafka"), ("verifier", "kafka", "kafka"),
    ("verifier", "postgres", "postgres"), ("notifier", "redis", "redis"),
    ("notifier", "kafka", "kafka")])
def test_it_is_ready_as_long_as_it_can_do_its_own_work(initialised, name,
                                                       server, word):
    """A dependency goes away and comes back: not ready, and ready again."""
    program = getattr(initialised, name)().ready()
    away = {"kafka": initialised.kafka[0], "postgres": initialised.postgres,
            "redis": initialised.redis}[server]
    away.stop()
    try:
        wait_until(f"{name} is not ready", lambda: not ready(program)[0],
                   seconds=20)
        assert word in ready(program)[1].lower()
        assert program.get("/livez")
    finally:
        initialised.up()
    program.ready()


def test_the_gateway_serves_while_either_wire_is_there(initialised):
    """Results come from Redis or from the topic; history is a third thing."""
    program = initialised.gateway().ready()
    initialised.redis.stop()
    initialised.postgres.stop()
    try:
        for _ in range(20):
            assert ready(program)[0]
        assert httpx.get(program.url).status_code == 200
    finally:
        initialised.up()
    assert ready(program)[0]


def test_without_kafka_the_door_says_503_and_when_to_come_back(initialised):
    door = initialised.producer().ready()
    initialised.kafka[0].stop()
    try:
        wait_until("it noticed", lambda: not ready(door)[0], seconds=20)
        answer = httpx.post(door.url + "/v1/transactions", timeout=10,
                            content=Account("away").sign().raw,
                            headers={"content-type":
                                     "application/octet-stream"})
        assert answer.status_code == 503
        assert 1 <= int(answer.headers["retry-after"]) <= 5
    finally:
        initialised.up()
    door.ready()


def test_a_door_that_is_stopped_answers_what_it_has_taken(initialised):
    """Kafka does not answer at the moment; the door waits for it, then ends."""
    door = initialised.producer().ready()
    signed = Account("drained").sign()
    post = functools.partial(httpx.post, door.url + "/v1/transactions",
                             timeout=20, content=signed.raw, headers={
                                 "content-type": "application/octet-stream"})
    initialised.kafka[0].freeze()
    try:
        with ThreadPoolExecutor() as threads:
            answer = threads.submit(post)
            wait_until("it is taken",
                       lambda: door.status()["under_way"] == 1)
            door.send(signal.SIGTERM)
            door.wait_for("service.signalled")
            initialised.kafka[0].thaw()
            assert answer.result().status_code == 202
        assert door.wait() == 0, door.tail()
    finally:
        initialised.kafka[0].thaw()


def test_a_verifier_that_is_stopped_hands_over_at_once(world):
    """It leaves its group; nobody waits for the session to run out."""
    first, second = (world.verifier(f"verifier-{n}") for n in (1, 2))
    wait_until("each has two", lambda: [
        len(v.status()["partitions"]) for v in (first, second)] == [2, 2])
    assert first.stop() == 0
    wait_until("the other one has all", lambda: len(
        second.status()["partitions"]) == 4, seconds=4)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_wrong_setting_stops_the_start_in_words(initialised, name):
    program = getattr(initialised, name)(LISTNE="127.0.0.1:0")
    assert program.wait() == 78
    assert "TIDEMILL_LISTNE" in program.text()
    assert "LISTEN" in program.text()
    program = getattr(initialised, name)(name=f"{name}-port",
                                         MANAGEMENT_PORT=70000)
    assert program.wait() == 78
    assert "MANAGEMENT_PORT" in program.text()
    assert "65535" in program.text()


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_prints_its_settings_and_ends(stack, name):
    done = subprocess.run([stack.build / f"tidemill-{name}", "--settings"],
                          env=stack.env, capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 0, done.stderr
    assert "TIDEMILL_MANAGEMENT_PORT" in done.stdout
    assert "TIDEMILL_KAFKA_BROKERS" in done.stdout


@pytest.mark.parametrize("arguments, status", [
    (["nonsense"], 64), ([], 64), (["init", "--nonsense"], 64),
    (["log", "pass", "not-an-id"], 64), (["--help"], 0)])
def test_the_command_ends_with_a_code_of_sysexits(stack, arguments, status):
    assert stack.tidemill(*arguments).returncode == status


def test_init_again_changes_nothing(initialised):
    again = initialised.init().stdout
    assert "0 positions planted" in again
