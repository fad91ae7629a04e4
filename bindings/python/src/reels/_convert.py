"""Owns the way between records and C structs, led by what the compiled module knows of each struct,
and between buffers and C arrays, without copies."""

import dataclasses
from typing import Any, Iterable

from ._library import ffi, text, utf8


def fill(struct, record: Any, keep: list) -> None:
    """Writes a record into a struct; texts and bytes it points to are put into keep."""
    struct.struct_size = ffi.sizeof(ffi.typeof(struct))
    for name, field in ffi.typeof(struct).fields:
        if name == 'struct_size' or not hasattr(record, name):
            continue
        value, kind = getattr(record, name), field.type
        if dataclasses.is_dataclass(value):
            fill(getattr(struct, name), value, keep)
        elif kind.kind == 'array' and kind.item.cname == 'char':
            data = utf8(value)
            if len(data) >= kind.length:
                raise ValueError(f'{name} has more than {kind.length - 1} bytes')
            ffi.memmove(getattr(struct, name), data + b'\0', len(data) + 1)
        elif kind.kind == 'array':
            if value and len(value) != kind.length:
                raise ValueError(f'{name} needs {kind.length} bytes')
            ffi.memmove(getattr(struct, name), value or bytes(kind.length), kind.length)
        elif kind.kind == 'pointer' and value:
            is_text = isinstance(value, str)
            data = ffi.new('char[]', utf8(value)) if is_text else ffi.new('uint8_t[]', bytes(value))
            keep.append(data)
            setattr(struct, name, data)
            if not is_text:
                setattr(struct, name + '_len', len(value))
        elif kind.kind == 'primitive':
            setattr(struct, name, value)


def struct_of(record: Any, keep: list):
    """A new struct with what a record says; NULL for None."""
    if record is None:
        return ffi.NULL
    struct = ffi.new(record.C_TYPE + ' *')
    fill(struct[0], record, keep)
    keep.append(struct)
    return struct


def structs_for(record_class: Any, count: int):
    """Room for count structs, the first with its size set."""
    room = ffi.new(record_class.C_TYPE + '[]', max(count, 1))
    room[0].struct_size = ffi.sizeof(record_class.C_TYPE)
    return room


def record_from(record_class: Any, struct) -> Any:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(record_class):
        value = getattr(struct, field.name)
        if isinstance(value, ffi.CData):
            kind = ffi.typeof(value)
            is_text = (kind.item if kind.kind in ('array', 'pointer') else kind).cname == 'char'
            values[field.name] = text(value) if is_text else bytes(ffi.buffer(value))
        else:
            # The default of a member has its type: a number, a truth value or an enumeration.
            values[field.name] = type(field.default)(value)  # type: ignore[misc]
    return record_class(**values)


def array(kind: str, values: Any, writable: bool = False):
    """(C array, how many): the caller's own memory for what has the buffer protocol, such as
    bytearray, array.array and NumPy arrays; a copy only of other sequences."""
    size = ffi.sizeof(kind)
    try:
        view = memoryview(values)
    except TypeError:
        if writable:
            raise
        items = list(values) if isinstance(values, Iterable) else [values]
        return ffi.new(f'{kind}[]', items), len(items)
    is_integer = view.format.lstrip('@=<') in tuple('bBhHiIlLqQ')
    if not is_integer or view.itemsize not in (1, size):
        raise TypeError(f'needs bytes or integers of {size} bytes, not of format {view.format!r}')
    if view.nbytes % size:
        raise ValueError(f'has {view.nbytes} bytes, which is no multiple of {size}')
    pointer = ffi.from_buffer(f'{kind}[]', values, require_writable=writable)
    if int(ffi.cast('uintptr_t', pointer)) % size:
        raise ValueError(f'is not aligned to {size} bytes')
    return pointer, view.nbytes // size
