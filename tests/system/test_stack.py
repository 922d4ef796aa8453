"""deploy/local keeps its word: ours, left alone when well, and gone at the end.

Its own small stack, because these tests take it apart.
"""

import os
import re
import socket
import subprocess
import sys

import pytest
from confluent_kafka.admin import AdminClient

from system import Stack, process, wait_until
from system.stack import LOCAL
from system.standby import Pair


@pytest.fixture(scope="module")
def own(folder):
    with Stack(folder / "own") as running:
        yield running


def servers(stack):
    return [*stack.kafka, stack.postgres, stack.redis]


def metadata(stack):
    admin = AdminClient({"bootstrap.servers": stack.brokers})
    return admin.list_topics(timeout=20)


def cluster_id(stack):
    return metadata(stack).cluster_id


def test_every_server_is_there_and_answers(own):
    assert cluster_id(own) == (own.folder / "kafka/cluster-id").read_text()
    assert own.sql("select current_user, current_database()") == [
        ("tidemill", "tidemill")]
    assert all(server.alive() for server in servers(own))


def test_a_second_up_starts_nothing_and_takes_a_moment(own):
    pids = [server.pid for server in servers(own)]
    printed = own._script("up", "--stack-only")
    assert [server.pid for server in servers(own)] == pids
    assert printed.count("ran already") == 3
    assert float(re.search(r"([\d.]+) s  in all", printed).group(1)) < 5


@pytest.mark.parametrize("name", ["kafka", "postgres", "redis"])
def test_a_killed_server_comes_back_with_what_it_stored(own, name):
    server = {"kafka": own.kafka[0], "postgres": own.postgres,
              "redis": own.redis}[name]
    own.sql("create table if not exists kept (n int)")
    own.sql("insert into kept values (1)")
    before, others = server.pid, [s.pid for s in servers(own) if s != server]
    server.kill()
    assert not server.alive()
    own.up()
    assert server.pid != before
    assert [s.pid for s in servers(own) if s != server] == others
    assert cluster_id(own) == (own.folder / "kafka/cluster-id").read_text()
    assert own.sql("select count(*) > 0 from kept") == [(True,)]


def test_a_frozen_server_is_ended_by_down(folder):
    with Stack(folder / "frozen") as stack:
        stack.redis.freeze()
        pid, start = stack.redis._identity()
        stack._script("down")
        assert not process.alive(pid, start)


def test_a_pid_that_belongs_to_somebody_else_by_now_is_left_alone(own):
    """A pid file from before, whose number another process has today."""
    bystander = subprocess.Popen([sys.executable, "-c",
                                  "import time; time.sleep(600)"])
    pid_file = own.folder / "run/redis.pid"
    kept = pid_file.read_text()
    boot = kept.split()[2]
    start = process.stat(bystander.pid)[1]
    try:
        pid_file.write_text(f"{bystander.pid} {start - 1} {boot}\n")
        with pytest.raises(RuntimeError, match="another program has port"):
            own.up()
        pid_file.write_text(f"{bystander.pid} {start} another-boot\n")
        with pytest.raises(RuntimeError, match="another program has port"):
            own.up()
        assert bystander.poll() is None
    finally:
        pid_file.write_text(kept)
        bystander.kill()
        bystander.wait()
    own.up()


def test_somebody_else_on_a_port_is_not_taken_for_ours(own):
    port = int(own.redis_url.rsplit(":", 1)[1].split("/")[0])
    own.redis.stop()
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(RuntimeError) as failure:
            own.up()
    assert f"another program has port {port}" in str(failure.value)
    assert "what to do" in str(failure.value)
    own.up()


def test_one_server_is_started_beside_one_that_hangs(own):
    own.redis.kill()
    own.kafka[0].freeze()
    try:
        own.redis.start()
        assert own.redis.alive()
    finally:
        own.kafka[0].thaw()


def test_down_ends_all_and_delete_removes_all(folder):
    with Stack(folder / "gone") as stack:
        known = [server._identity() for server in servers(stack)]
        own_data = stack.sql("show data_directory")[0][0]
        stack._script("down", "--delete")
        assert not any(process.alive(*one) for one in known)
        assert not stack.folder.exists()
        assert not os.path.exists(own_data)


def test_three_nodes_go_on_when_one_is_killed(folder):
    with Stack(folder / "three", nodes=3) as stack:
        before = cluster_id(stack)
        stack.kafka[0].kill()
        # Only a quorum can write down that the first is gone.
        wait_until("the other two know it",
                   lambda: sorted(metadata(stack).brokers) == [2, 3])
        stack.kafka[0].start()
        assert sorted(metadata(stack).brokers) == [1, 2, 3]
        assert cluster_id(stack) == before


def test_init_waits_until_every_node_has_the_topics(folder):
    with Stack(folder / "three", nodes=3) as stack:
        for _ in range(8):
            stack.fresh("init")


def test_a_standby_takes_over_with_what_it_has_heard(folder):
    with Stack(folder / "pair") as stack, Pair(stack) as pair:
        stack.fresh("pair")
        stack.sql("create table heard (n int)")
        stack.sql("insert into heard values (1)")
        pair.caught_up()
        pair.cut()
        stack.sql("insert into heard values (2)")
        pair.fail_over()
        assert stack.sql("select n from heard") == [(1,)]
        pair.rebuild()
        stack.sql("insert into heard values (3)")
        pair.caught_up()
        assert [node.is_standby() for node in (pair.primary, pair.standby)] \
            == [False, True]
        assert pair.fail_over() == 0
        assert stack.sql("select n from heard") == [(1,), (3,)]


@pytest.mark.parametrize("arguments, words", [
    (["--nodes", "2"], "--nodes is 1 or 3"),
    (["--ports-offset", "08"], "--ports-offset is 0 to 40000"),
    (["--ports-offset", "1x"], "--ports-offset is 0 to 40000"),
    (["--dir"], "--dir needs a value"),
    (["sideways"], "unknown: sideways"),
    (["--only", "mysql"], "no such server: mysql"),
])
def test_a_wrong_command_line_is_refused_in_words(folder, arguments, words):
    done = subprocess.run([LOCAL / "up", *arguments], capture_output=True,
                          text=True, timeout=20)
    assert done.returncode == 64
    assert words in done.stderr


def test_data_of_one_node_is_not_started_as_three(own):
    with pytest.raises(RuntimeError, match="has ports offset .* 1 Kafka"):
        own._script("up", "--stack-only", "--nodes", "3")
