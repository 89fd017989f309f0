"""What the file of a network says of itself: read before an engine sees it, and without allocating more than the file holds.

An ONNX file is a protocol-buffers message. This walks its fields, which are lengths and views into the bytes at hand, and looks at what could do
harm: sizes that the file does not hold, data outside of it, operators that run for ever or make much out of a number, and fields that other readers
would see otherwise. It does not add up what a whole network needs. Source: ``onnx.proto`` of ONNX 1.16; Protocol Buffers, "Encoding".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from diaphane.errors import BundleError

OPERATORS = frozenset({
    "Add", "Cast", "Clip", "Concat", "Constant", "Conv", "ConvTranspose", "DequantizeLinear", "Div", "Expand", "Flatten", "Gemm", "GlobalAveragePool",
    "Greater", "Identity", "InstanceNormalization", "LeakyRelu", "Log", "Max", "MaxPool", "Mul", "Not", "QuantizeLinear", "ReduceMax", "ReduceMean", "Relu",
    "Reshape", "Resize", "Shape", "Slice", "Softmax", "Sqrt", "Sub", "Unsqueeze",
})  # fmt: skip
"""Of ONNX's own, those that the networks of ``diaphane.nets`` and their int8 forms are made of, and Flatten; none of them loops or calls.

Those whose result a number in the file could make as large as it likes are held to ``LARGEST`` or to the size of another array (``_check_growth``).
"""
WINDOWED = frozenset({"Conv", "ConvTranspose", "MaxPool"})
WINDOW = frozenset({"kernel_shape", "strides", "pads", "dilations", "output_padding", "output_shape"})
"""Attributes of those, each a number an axis."""
LARGEST = 32
"""Of a number in ``WINDOW``, and of the factor by which an axis is resized; the networks here have 18 and 4."""
ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Of a number of each of ONNX's data types that are taken."""
RAW = 9
NUMBERS = (4, 5, 7, RAW, 10, 11)
"""Fields of a tensor with its numbers; those in ``RAW`` are as they lie in memory, of the others each takes a byte or more."""
EMPTY = memoryview(b"")
Field = tuple[int, int | memoryview]


@dataclass(frozen=True, slots=True)
class Header:
    """A network's one input, and what it is made of."""

    input: str
    """Its name."""
    takes: tuple[int | None, ...]
    """(batch, channel, …); None: any."""
    is_int8: bool
    """Whether it was quantised."""
    structure: str
    """SHA-256 of operators and sizes, not of weights: networks alike take the same time."""


def read_header(weights: bytes, name: str) -> Header:
    """Of the bundle ``name``.

    Raises:
        BundleError: It is no network, or one that could do harm.
    """
    try:
        return _header(weights)
    except _DoubtError as problem:
        raise BundleError(f"{name}: the network is refused: {problem}; export it anew with diaphane train") from problem
    except (ValueError, IndexError, UnicodeDecodeError) as problem:
        raise BundleError(f"{name}: not an ONNX file, or cut short ({problem}); export or install the bundle anew") from problem


class _DoubtError(Exception):
    """What the network must not be."""


def _header(weights: bytes) -> Header:
    model = list(_fields(memoryview(weights)))
    graphs = [value for field, value in model if field == 7]
    if len(graphs) != 1:
        raise ValueError(f"expected one graph, found {len(graphs)}")
    if any(field == 25 for field, _ in model):
        raise _DoubtError("it defines functions of its own")
    graph = [(field, _view(value)) for field, value in _fields(_view(graphs[0])) if field in (1, 5, 11, 15)]
    if any(field == 15 for field, _ in graph):
        raise _DoubtError("it holds sparse tensors")
    nodes = [_node(value) for field, value in graph if field == 1]
    known = dict(_tensor(value) for field, value in graph if field == 5)
    _check_growth(nodes, [value for field, value in graph if field == 5])
    free = [(label, takes) for label, takes in (_value(value) for field, value in graph if field == 11) if label not in known]
    if len(free) != 1:
        raise _DoubtError(f"it must take one input, takes {len(free)}")
    structure = hashlib.sha256("".join(known.values()).encode())
    for value in (value for field, value in graph if field == 1):
        structure.update(value)
    return Header(*free[0], any(node.kind == "DequantizeLinear" for node in nodes), structure.hexdigest())


@dataclass(frozen=True, slots=True)
class _Node:
    """An operator of the graph, which is one of ``OPERATORS``."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensors: tuple[memoryview, ...]
    """In its attributes."""


def _node(node: memoryview) -> _Node:
    """Looked at."""
    fields = list(_fields(node))
    kind, domain = (next((_text(value) for field, value in reversed(fields) if field == number), "") for number in (4, 7))
    if domain not in ("", "ai.onnx") or kind not in OPERATORS:
        raise _DoubtError(f"unknown operator {domain + '.' if domain else ''}{kind[:60]!r}")
    tensors = [tensor for field, value in fields if field == 5 for tensor in _attribute(_view(value), kind)]
    inputs, outputs = (tuple(_text(value) for field, value in fields if field == number) for number in (1, 2))
    return _Node(kind, inputs, outputs, tuple(tensors))


def _attribute(attribute: memoryview, kind: str) -> list[memoryview]:
    """The tensors in an attribute of an operator, which are looked at."""
    fields = list(_fields(attribute))
    if any(field in (6, 11, 22, 23) for field, _ in fields):
        raise _DoubtError("an operator holds a graph or a sparse tensor of its own")
    numbers = [n for field, value in fields if field in (3, 8) for n in ([value] if isinstance(value, int) else _packed(value))]
    name = next((_text(value) for field, value in reversed(fields) if field == 1), "")
    if kind in WINDOWED and name in WINDOW and max(numbers, default=0) > LARGEST:
        raise _DoubtError(f"{name} of {kind} is more than {LARGEST} or negative")
    tensors = [_view(value) for field, value in fields if field in (5, 10)]
    if sum(field == 5 for field, _ in fields) > 1:
        raise _DoubtError("an attribute holds two tensors where one belongs")  # other readers join them
    for tensor in tensors:
        _tensor(tensor)
    return tensors


def _check_growth(nodes: Sequence[_Node], tensors: Sequence[memoryview]) -> None:
    """That what is spread takes the shape of another array, and what is resized a factor from the file."""
    made = [name for node in nodes for name in node.outputs if name] + [_tensor(tensor)[0] for tensor in tensors]
    if len(set(made)) < len(made):
        raise _DoubtError("two of its arrays have the same name")
    sources = {name: node for node in nodes for name in node.outputs}
    factors = {_tensor(tensor)[0]: tensor for tensor in tensors}
    factors |= {node.outputs[0]: node.tensors[0] for node in nodes if node.kind == "Constant" and len(node.tensors) == 1}
    for node in nodes:
        if node.kind == "Expand" and not (len(node.inputs) == 2 and node.inputs[1] in sources and sources[node.inputs[1]].kind == "Shape"):
            raise _DoubtError("Expand must take the shape of another array")
        if node.kind == "Resize":
            _check_resize(node, sources, factors)


def _check_resize(node: _Node, sources: Mapping[str, _Node], factors: Mapping[str, memoryview]) -> None:
    if len(node.inputs) != 3 or node.inputs[1]:
        raise _DoubtError("Resize must take factors, not sizes or a region")
    join = sources.get(node.inputs[2])
    names = join.inputs if join is not None and join.kind == "Concat" else (node.inputs[2],)
    if any(name not in factors for name in names):
        raise _DoubtError("Resize must take its factors from the file")
    found = [factor for name in names for factor in _floats(factors[name])]
    if not all(0 < factor <= LARGEST for factor in found):
        raise _DoubtError(f"Resize has a factor that is not above 0 and at most {LARGEST}")


def _floats(tensor: memoryview) -> tuple[float, ...]:
    """The numbers of a float32 tensor."""
    fields = list(_fields(tensor))
    data = b"".join(_view(value) for field, value in fields if field in (4, RAW))
    if dict(fields).get(2) != 1 or len(data) % 4:
        raise _DoubtError("a factor is not of float32")
    return struct.unpack(f"<{len(data) // 4}f", data)


def _tensor(tensor: memoryview) -> tuple[str, str]:
    """Name, and type and size in words.

    Raises:
        _DoubtError: Its numbers lie in another file, or it declares more of them than it holds.
    """
    fields = list(_fields(tensor))
    if any(field == 13 or (field == 14 and value != 0) for field, value in fields):
        raise _DoubtError("its weights lie outside of the file")
    single = dict(fields)
    kind = single.get(2)
    if not isinstance(kind, int) or kind not in ITEM_BYTES:
        raise _DoubtError(f"a tensor has the data type {kind}")
    dims = [n for field, value in fields if field == 1 for n in ([value] if isinstance(value, int) else _packed(value))]
    if RAW in single and any(field in NUMBERS and field != RAW for field in single):
        raise _DoubtError("a tensor holds its numbers twice")
    numbers = [_view(single[RAW])] if RAW in single else [value for field, value in fields if field in NUMBERS]
    held = sum(len(value) if isinstance(value, memoryview) else 1 for value in numbers)
    declared = prod(dims) * (ITEM_BYTES[kind] if RAW in single else 1)
    if declared > held:
        raise _DoubtError(f"a tensor of shape {dims} declares {declared:.3g} bytes and holds {held}")
    return _text(single.get(8, EMPTY)), f"{kind}{dims}"


def _value(info: memoryview) -> tuple[str, tuple[int | None, ...]]:
    """Name and shape of an input."""
    fields = dict(_fields(info))
    tensor = _inside(_inside(fields, 2), 1)  # its type: that of a tensor
    shape = [dict(_fields(_view(value))).get(1) for field, value in _fields(_view(tensor.get(2, EMPTY))) if field == 1]
    return _text(fields.get(1, EMPTY)), tuple(n if isinstance(n, int) else None for n in shape)


def _inside(fields: Mapping[int, int | memoryview], number: int) -> dict[int, int | memoryview]:
    return dict(_fields(_view(fields.get(number, EMPTY))))


def _fields(message: memoryview) -> Iterator[Field]:
    """Number and value of each field: an integer, or a view of bytes.

    Raises:
        ValueError: It is none, or other readers would cut its number or value to fewer bits and see another.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if not 8 <= key < 2**32:
            raise ValueError(f"a field numbered {key >> 3} before byte {at}")
        if kind == 0:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        length = {1: 8, 5: 4}.get(kind, -1)
        if kind == 2:
            length, at = _varint(message, at)
        if length < 0 or at + length > len(message):
            raise ValueError(f"a field of kind {kind} at byte {at} of {len(message)}")
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128 and value < 2**64:
            return value, at
        shift += 7
    raise ValueError(f"a number of more than 64 bits at byte {at}")


def _packed(values: memoryview) -> Sequence[int]:
    out, at = [], 0
    while at < len(values):
        value, at = _varint(values, at)
        out.append(value)
    return out


def _view(value: int | memoryview) -> memoryview:
    if isinstance(value, memoryview):
        return value
    raise ValueError("a message was expected")


def _text(value: int | memoryview) -> str:
    return bytes(_view(value)).decode()
