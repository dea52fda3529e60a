from __future__ import annotations

import math
import struct

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.model.metrics.event_file import FILE_VERSION, START, crc32c, event
from neo_assets_tests.model.events import read_events

SCALARS = st.lists(st.tuples(st.text(max_size=200), st.floats(width=32)), max_size=6)


def protobuf_event() -> type:
    """Event as tensorflow/core/util/event.proto and framework/summary.proto define it, fields used here only."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="t", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int, str | None]) -> None:
        described = file.message_type.add(name=name)
        for field_name, number, kind, of in fields:
            repeated = field_name == "value"
            label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            described.field.add(name=field_name, number=number, type=kind, label=label, type_name=of and f".t.{of}")

    message("Value", ("tag", 1, field.TYPE_STRING, None), ("simple_value", 2, field.TYPE_FLOAT, None))
    message("Summary", ("value", 1, field.TYPE_MESSAGE, "Value"))
    message("SessionLog", ("status", 1, field.TYPE_INT32, None))
    message(
        "Event",
        ("wall_time", 1, field.TYPE_DOUBLE, None),
        ("step", 2, field.TYPE_INT64, None),
        ("file_version", 3, field.TYPE_STRING, None),
        ("summary", 5, field.TYPE_MESSAGE, "Summary"),
        ("session_log", 7, field.TYPE_MESSAGE, "SessionLog"),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Event"))


EVENT = protobuf_event()


@given(st.floats(0, 1e12), st.integers(0, 2**63 - 1), SCALARS)
def test_google_protobuf_reads_what_was_written(wall_time: float, step: int, scalars: list[tuple[str, float]]) -> None:
    frame = event(wall_time, step, scalars=scalars)
    (length,) = struct.unpack("<Q", frame[:8])
    assert len(frame) == 8 + 4 + length + 4
    read = EVENT.FromString(frame[12:-4])
    assert (read.wall_time, read.step) == (wall_time, step)
    assert [value.tag for value in read.summary.value] == [tag for tag, _ in scalars]
    for value, (_, wanted) in zip(read.summary.value, scalars, strict=True):
        assert value.simple_value == wanted or (math.isnan(value.simple_value) and math.isnan(wanted))


def test_the_other_kinds_of_event() -> None:
    assert EVENT.FromString(event(1.5, 0, file_version=FILE_VERSION)[12:-4]).file_version == "brain.Event:2"
    assert EVENT.FromString(event(1.5, 9, session=START)[12:-4]).session_log.status == 1  # SessionLog.START


def test_a_value_beyond_float32_is_infinite() -> None:
    assert read_events(event(0, 1, scalars=[("a", 1e300), ("b", -1e300)]))[0].scalars == {"a": math.inf, "b": -math.inf}


def test_crc32c_of_the_standard() -> None:
    # RFC 3720, appendix B.4
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"123456789") == 0xE3069283


def test_the_reader_of_these_tests_sees_damage() -> None:
    frame = bytearray(event(0, 1, scalars=[("a", 1.0)]))
    frame[20] ^= 1
    with pytest.raises(AssertionError):
        read_events(bytes(frame))
