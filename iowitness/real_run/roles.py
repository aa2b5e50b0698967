"""What the processes of the real run do: the broker, and one client for each step."""

import os
import signal
from collections.abc import Callable

from iowitness.impl.consumer import Consumer, ConsumerConfig
from iowitness.impl.log_config import LogConfig
from iowitness.impl.producer import Producer, ProducerConfig
from iowitness.impl.server import Server
from iowitness.impl.server_config import ServerConfig
from iowitness.real_run.marks import mark
from iowitness.real_run.run_files import RunOrder
from iowitness.real_run.sabotage import broker_files, caller_hook, plant_in_broker
from iowitness.specs.workload import Consume, Produce

HOST = "127.0.0.1"


def broker_body(order: RunOrder) -> Callable[[int, int], None]:
    """The broker: writes its port, a line, to a descriptor, and serves until SIGTERM."""

    def serve(port: int, told: int) -> None:
        mark("role", "broker")
        plant_in_broker(order.sabotage)
        server = Server(
            order.data_folder, _server_config(order, port), broker_files(order.sabotage)
        )
        for topic, partition_count in order.workload.partitions.items():
            server.ensure_topic(topic, partition_count)
        # Ctrl-C reaches the whole process group; the driver decides when the broker ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        server.stop_on(signal.SIGTERM)
        os.write(told, b"%d\n" % server.port)
        os.close(told)
        server.run()

    return serve


def _server_config(order: RunOrder, port: int) -> ServerConfig:
    return ServerConfig(
        host=HOST,
        port=port,
        read_path="copy" if order.sabotage == "copying-reader" else "sendfile",
        log=LogConfig(
            segment_byte_count=order.workload.segment_byte_count,
            index_interval_byte_count=order.workload.index_interval_byte_count,
            index_byte_count=order.index_byte_count,
            flush_record_count=order.flush_record_count,
        ),
    )


def producer_body(order: RunOrder, step: Produce, port: int) -> Callable[[], int]:
    """One producer: sends every record of its step; returns how many were acknowledged."""

    def produce() -> int:
        mark("role", "producer")
        before_send = caller_hook(order.sabotage, (HOST, port))
        producer = Producer(f"{HOST}:{port}", _producer_config(order, step))
        try:
            futures = []
            for index, record in enumerate(step.records()):
                before_send(index)
                futures.append(
                    producer.send(
                        step.topic,
                        record.value,
                        key=record.key,
                        partition=record.partition,
                        timestamp_ms=record.timestamp_ms,
                    )
                )
            producer.flush()
        finally:
            producer.close(timeout_s=30)
        for future in futures:
            future.result(0)
        return len(futures)

    return produce


def _producer_config(order: RunOrder, step: Produce) -> ProducerConfig:
    return ProducerConfig(
        # One byte is less than any record: each becomes a batch, and a request, of its own.
        batch_size=1 if order.sabotage == "unbatched" else step.batch_size,
        linger_ms=step.linger_ms,
        acks=step.acks,
        buffer_memory=step.buffer_memory,
        max_batches_per_request=step.max_batches_per_request,
        max_in_flight=step.max_in_flight,
        codec=step.codec,
    )


def consumer_body(order: RunOrder, step: Consume, port: int) -> Callable[[], int]:
    """One consumer: reads every partition of its step to its end; returns the records it saw."""
    del order

    def consume() -> int:
        mark("role", "consumer")
        consumer = Consumer(
            f"{HOST}:{port}",
            ConsumerConfig(
                partition_byte_count=step.partition_byte_count,
                fetch_byte_count=step.fetch_byte_count,
            ),
        )
        try:
            partitions = consumer.partitions(step.topic)
            starts = consumer.start_offsets(partitions)
            ends = consumer.end_offsets(partitions)
            positions = {one: min(starts[one] + step.start_offset, ends[one]) for one in partitions}
            consumer.assign(positions, ends)
            record_count = 0
            while consumer.positions:
                for fetched in consumer.poll():
                    record_count += sum(1 for _ in fetched.records())
        finally:
            consumer.close()
        expected = sum(ends[one] - positions[one] for one in partitions)
        if record_count != expected:
            raise RuntimeError(f"{step.topic}: {record_count} records came, expected {expected}")
        return record_count

    return consume
