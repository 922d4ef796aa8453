"""Every program starts, says that it is ready, and ends when it is told to."""

import pytest

PROGRAMS = ["producer", "verifier", "notifier", "gateway"]


@pytest.fixture
def initialised(stack):
    stack.init()
    return stack


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_ready_and_ends_in_order(initialised, name):
    program = getattr(initialised, name)().ready()
    assert program.get("/livez")
    assert program.get("/version")
    assert program.metrics()["tidemill_build_info"]
    assert program.stop() == 0, program.tail()


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_starts_before_its_servers_and_becomes_ready(initialised, name):
    initialised.kafka[0].stop()
    initialised.postgres.stop()
    initialised.redis.stop()
    try:
        program = getattr(initialised, name)()
        assert program.get("/livez")
        with pytest.raises(TimeoutError):
            program.ready(seconds=1)
    finally:
        initialised.up()
    program.ready()
    assert program.stop() == 0, program.tail()


@pytest.mark.parametrize("name", PROGRAMS)
def test_an_unknown_setting_stops_the_start_in_words(initialised, name):
    program = getattr(initialised, name)(LISTNE="127.0.0.1:0")
    assert program.wait() == 78
    assert "TIDEMILL_LISTNE" in program.text()
    assert "LISTEN" in program.text()
