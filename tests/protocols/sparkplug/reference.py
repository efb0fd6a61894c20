"""The Sparkplug B payload for Google's library, built from the tables of chapter 6 by numbers: no generated code."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "reference.sparkplug"
_Field = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64,
    "float": _Field.TYPE_FLOAT,
    "double": _Field.TYPE_DOUBLE,
    "bool": _Field.TYPE_BOOL,
    "string": _Field.TYPE_STRING,
    "bytes": _Field.TYPE_BYTES,
}
# message -> (field, number, type, one of: "" once, "*" many, "|" member of the oneof)
MESSAGES: dict[str, tuple[tuple[str, int, str, str], ...]] = {
    "PropertyValue": (
        ("type", 1, "uint32", ""),
        ("is_null", 2, "bool", ""),
        ("int_value", 3, "uint32", "|"),
        ("long_value", 4, "uint64", "|"),
        ("float_value", 5, "float", "|"),
        ("double_value", 6, "double", "|"),
        ("boolean_value", 7, "bool", "|"),
        ("string_value", 8, "string", "|"),
    ),
    "PropertySet": (("keys", 1, "string", "*"), ("values", 2, "PropertyValue", "*")),
    "Metric": (
        ("name", 1, "string", ""),
        ("alias", 2, "uint64", ""),
        ("timestamp", 3, "uint64", ""),
        ("datatype", 4, "uint32", ""),
        ("is_historical", 5, "bool", ""),
        ("is_transient", 6, "bool", ""),
        ("is_null", 7, "bool", ""),
        ("properties", 9, "PropertySet", ""),
        ("int_value", 10, "uint32", "|"),
        ("long_value", 11, "uint64", "|"),
        ("float_value", 12, "float", "|"),
        ("double_value", 13, "double", "|"),
        ("boolean_value", 14, "bool", "|"),
        ("string_value", 15, "string", "|"),
        ("bytes_value", 16, "bytes", "|"),
    ),
    "Payload": (
        ("timestamp", 1, "uint64", ""),
        ("metrics", 2, "Metric", "*"),
        ("seq", 3, "uint64", ""),
        ("uuid", 4, "string", ""),
        ("body", 5, "bytes", ""),
    ),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="reference_sparkplug.proto", package=PACKAGE, syntax="proto2")
    for name, rows in MESSAGES.items():
        message = file.message_type.add(name=name)
        if any(row[3] == "|" for row in rows):
            message.oneof_decl.add(name="value")
        for field_name, number, kind, many in rows:
            field = message.field.add(name=field_name, number=number)
            field.label = _Field.LABEL_REPEATED if many == "*" else _Field.LABEL_OPTIONAL
            field.type = _TYPES.get(kind, _Field.TYPE_MESSAGE)
            if kind not in _TYPES:
                field.type_name = f".{PACKAGE}.{kind}"
            if many == "|":
                field.oneof_index = 0
    return file


def payload_class() -> Any:
    """The message class of a payload, by Google's library."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.Payload"))
