"""A topic, read and written by confluent-kafka, which knows nothing of us."""

import functools
import time
from dataclasses import dataclass

from confluent_kafka import Consumer, Producer, TopicPartition


@dataclass
class Record:
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: list
    append_ms: int

    @property
    def at(self):
        return self.partition, self.offset


def read_topic(brokers, topic, seconds=30):
    """Every record of a topic, from its start to its end of now."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "checker",
                         "enable.auto.commit": False,
                         "auto.offset.reset": "error",
                         "enable.partition.eof": True})
    try:
        metadata = consumer.list_topics(topic, timeout=seconds)
        places, ends = [], {}
        for number in metadata.topics[topic].partitions:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(topic, number), timeout=seconds)
            if low < high:
                places.append(TopicPartition(topic, number, low))
                ends[number] = high
        consumer.assign(places)
        return _until(consumer, ends, seconds)
    finally:
        consumer.close()


def log_starts(brokers, topic, seconds=30):
    """The first offset that is still there, of each partition."""
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": "checker"})
    try:
        metadata = consumer.list_topics(topic, timeout=seconds)
        return {number: consumer.get_watermark_offsets(
                    TopicPartition(topic, number), timeout=seconds)[0]
                for number in metadata.topics[topic].partitions}
    finally:
        consumer.close()


def _until(consumer, ends, seconds):
    found = []
    deadline = time.monotonic() + seconds
    while ends:
        messages = consumer.consume(1000, timeout=0.1)
        if messages:
            deadline = time.monotonic() + seconds
        assert time.monotonic() < deadline, f"not read: up to {ends}"
        for m in messages:
            if m.error() is not None:  # the end of a partition
                ends.pop(m.partition(), None)
                continue
            found.append(Record(m.partition(), m.offset(), m.key(), m.value(),
                                m.headers() or [], m.timestamp()[1]))
            if m.offset() + 1 >= ends.get(m.partition(), 1 << 62):
                ends.pop(m.partition(), None)
    return found


@functools.cache
def _producer(brokers):
    """Kept: the first record of an idempotent producer takes half a second."""
    return Producer({"bootstrap.servers": brokers, "acks": "all",
                     "log_level": 0,
                     "enable.idempotence": True,
                     "message.max.bytes": 2_000_000})


def produce(brokers, topic, *records, seconds=30):
    """Puts records straight into a topic, past the door.

    Each is a dictionary of Producer.produce()'s arguments. Returns where each
    came to lie, as (partition, offset), in the order given.
    """
    places = {}
    producer = _producer(brokers)

    def note(n):
        def noted(error, message):
            assert error is None, error
            places[n] = message.partition(), message.offset()
        return noted

    for n, record in enumerate(records):
        producer.produce(topic, on_delivery=note(n), **record)
    assert producer.flush(seconds) == 0
    return [places[n] for n in range(len(records))]
