"""The topics of a data folder, on the real file system."""

import gc
import os
from pathlib import Path

from iowitness.impl.batch_writer import encode_values
from iowitness.impl.log_config import LogConfig
from iowitness.impl.log_files import RealFiles
from iowitness.impl.topics import Topics


def open_descriptors(folder: Path) -> list[str]:
    """The open files of a folder, by this process."""
    gc.collect()
    paths = [os.path.realpath(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd")]
    return [path for path in paths if path.startswith(str(folder))]


def test_what_is_being_sent_of_a_removed_topic_is_still_sent(tmp_path: Path) -> None:
    topics = Topics.open(str(tmp_path), LogConfig(), RealFiles(), now_ms=1)
    before = open_descriptors(tmp_path)
    topic = topics.create("t", 3, now_ms=1)
    batch = encode_values([b"value"], 1)
    for partition in topic.partitions:
        partition.log.append(batch, now_ms=1)
    region = topic.partitions[1].log.read(0, 1_000).region
    assert region is not None
    topics.delete(topic)
    del topic, partition
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    assert len(region.read()) == len(batch)
    del region
    assert open_descriptors(tmp_path) == before
    topics.close()
