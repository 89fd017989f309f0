from __future__ import annotations

import numpy as np
import pytest
from tests.networks import mean_network, threshold_network

from diaphane import zoo
from diaphane.engine.bundle import open_bundle
from diaphane.engine.header import read_header
from diaphane.errors import BundleError

onnx = pytest.importorskip("onnx")


def network() -> onnx.ModelProto:
    return onnx.load_from_string(threshold_network((1, 8, 9), [0.1]))


def refused(model: onnx.ModelProto, says: str) -> None:
    with pytest.raises(BundleError, match=says):
        read_header(model.SerializeToString(), "odd")


@pytest.mark.parametrize("name", [name for name in zoo.names() if any(zoo.path(name).glob("*.onnx"))])
def test_header_says_of_shipped_networks_what_the_onnx_library_says(name: str) -> None:
    weights = open_bundle(name).members[0]
    (image,) = onnx.load_from_string(weights).graph.input
    header = read_header(weights, name)
    assert header.input == image.name
    assert [n or 0 for n in header.takes] == [d.dim_value for d in image.type.tensor_type.shape.dim]
    assert not header.is_int8


def test_structure_is_of_sizes_and_operators_and_not_of_weights() -> None:
    of = {key: read_header(threshold_network((1, 8, 9), levels), "x").structure for key, levels in {"a": [0.1], "b": [0.2], "two": [0.1, 0.2]}.items()}
    assert of["a"] == of["b"] != of["two"]
    assert read_header(mean_network((1, 8, 9), [0, 1]), "x").structure not in of.values()


def test_tensor_that_declares_a_hundred_gigabytes_is_refused() -> None:
    model = network()
    model.graph.initializer[0].dims[:] = [25_000_000_000, 1, 1, 1]
    refused(model, r"a tensor of shape \[25000000000, 1, 1, 1\] declares 1e\+11 bytes and holds 8")
    model = network()
    tensor = model.graph.initializer[1]
    numbers = onnx.numpy_helper.to_array(tensor).tolist()
    tensor.ClearField("raw_data")
    tensor.float_data.extend(numbers)
    assert read_header(model.SerializeToString(), "x").takes == (None, 1, 8, 9)
    tensor.dims[:] = [2**62]
    refused(model, "declares 4.61e.18 bytes and holds 8")


def test_tensor_of_a_constant_is_looked_at_too() -> None:
    model = network()
    node = onnx.helper.make_node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(np.zeros(4, np.float32)))
    node.attribute[0].t.dims[:] = [2**40]
    model.graph.node.append(node)
    refused(model, "a tensor of shape .1099511627776. declares")


def test_weights_outside_of_the_file_are_refused() -> None:
    model = network()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")
    refused(model, "its weights lie outside of the file")


@pytest.mark.parametrize(
    ("kind", "domain"), [("Conv", "com.example"), *((kind, "") for kind in ("Loop", "ConstantOfShape", "Pad", "Tile", "Upsample", "Reluish"))]
)
def test_unknown_operators_and_those_that_loop_or_fill_memory_are_refused(kind: str, domain: str) -> None:
    model = network()
    model.graph.node[0].op_type, model.graph.node[0].domain = kind, domain
    refused(model, f"odd: the network is refused: unknown operator .*{kind}")


def test_functions_graphs_within_sparse_tensors_and_odd_types_are_refused() -> None:
    model = network()
    model.functions.add(name="f", domain="d")
    refused(model, "functions of its own")
    model = network()
    model.graph.node[0].attribute.add(name="body", type=onnx.AttributeProto.GRAPH).g.name = "inner"
    refused(model, "holds a graph")
    model = network()
    model.graph.sparse_initializer.add()
    refused(model, "sparse")
    model = network()
    model.graph.initializer[0].data_type = onnx.TensorProto.STRING
    refused(model, "data type 8")
    model = network()
    model.graph.input.add(name="second")
    refused(model, "must take one input, takes 2")


def varint(number: int) -> bytes:
    return bytes([number & 127]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def long_field(number: int, data: bytes, hide: bool = False) -> bytes:
    return varint((number << 3 | 2) + (hide << 32)) + varint(len(data)) + data


def with_graph(model: onnx.ModelProto, graph: bytes) -> bytes:
    model.ClearField("graph")
    return model.SerializeToString() + long_field(7, graph)


@pytest.mark.parametrize("hide", [False, True])
def test_second_operator_is_refused_even_where_other_readers_cut_its_field_number(hide: bool) -> None:
    model = network()
    node = model.graph.node[0].SerializeToString() + long_field(4, b"ConstantOfShape", hide)
    del model.graph.node[:]
    with pytest.raises(BundleError, match="a field numbered 536870916" if hide else "unknown operator 'ConstantOfShape'"):
        read_header(with_graph(model, model.graph.SerializeToString() + long_field(1, node)), "odd")


@pytest.mark.parametrize("hide", [False, True])
def test_weights_outside_of_the_file_are_refused_even_where_other_readers_cut_their_field_number(hide: bool) -> None:
    model = network()
    tensor = model.graph.initializer[1].SerializeToString() + long_field(13, long_field(1, b"location") + long_field(2, b"secret.bin"), hide)
    del model.graph.initializer[1]
    with pytest.raises(BundleError, match="a field numbered 536870925" if hide else "lie outside"):
        read_header(with_graph(model, model.graph.SerializeToString() + long_field(5, tensor)), "odd")


@pytest.mark.parametrize(
    ("field", "says"),
    [
        (varint(0) + varint(5), "a field numbered 0"),
        (varint(30 << 3 | 3) + varint(30 << 3 | 4), "a field of kind 3"),
        (varint(30 << 3 | 6), "a field of kind 6"),
        (varint(30 << 3) + b"\xff" * 9 + b"\x02", "more than 64 bits"),
        (varint(30 << 3) + b"\xff" * 10 + b"\x01", "more than 64 bits"),
    ],
)
def test_fields_that_protocol_buffers_do_not_have_are_refused(field: bytes, says: str) -> None:
    whole = threshold_network((1, 8, 9), [0.1])
    assert read_header(whole + varint(30 << 3) + b"\xff" * 9 + b"\x01", "x") == read_header(whole, "x")
    with pytest.raises(BundleError, match=says):
        read_header(whole + field, "odd")


def node(kind: str, inputs: list[str], outputs: list[str], **attributes: object) -> onnx.NodeProto:
    return onnx.helper.make_node(kind, inputs, outputs, **attributes)


def with_nodes(*nodes: onnx.NodeProto, **numbers: object) -> onnx.ModelProto:
    model = network()
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items())
    return model


def test_expand_takes_the_shape_of_another_array_and_no_numbers() -> None:
    shape = np.array([25_000, 1000, 1000], np.int64)
    spread = node("Expand", ["image", "shape"], ["spread"])
    read_header(with_nodes(node("Shape", ["logits"], ["shape"]), spread).SerializeToString(), "x")
    refused(with_nodes(spread, shape=shape), "Expand must take the shape of another array")
    refused(with_nodes(node("Mul", ["a", "a"], ["shape"]), spread, a=shape), "Expand must take the shape")
    refused(with_nodes(node("Shape", ["logits"], ["shape"]), spread, shape=shape), "two of its arrays have the same name")


def test_resize_takes_small_factors_of_the_file_and_nothing_else() -> None:
    scaled = node("Resize", ["image", "", "factors"], ["scaled"])
    ones, four = np.ones(2, np.float32), np.full(2, 4, np.float32)
    joined = node("Concat", ["ones", "four"], ["factors"], axis=0)
    read_header(with_nodes(scaled, factors=np.array([1, 1, 32, 32], np.float32)).SerializeToString(), "x")
    read_header(with_nodes(joined, scaled, ones=ones, four=four).SerializeToString(), "x")
    constant = node("Constant", [], ["four"], value=onnx.numpy_helper.from_array(four))
    read_header(with_nodes(constant, joined, scaled, ones=ones).SerializeToString(), "x")
    for factor in (33, 0, -1, np.nan, np.inf):
        refused(with_nodes(joined, scaled, ones=ones, four=np.float32([1, factor])), "factor that is not above 0 and at most 32")
    refused(with_nodes(node("Mul", ["four", "four"], ["factors"]), scaled, four=four), "must take its factors from the file")
    refused(with_nodes(scaled, factors=four.astype(np.float64)), "not of float32")
    sizes = np.array([1, 1, 10**6, 10**6], np.int64)
    refused(with_nodes(node("Resize", ["image", "", "", "sizes"], ["scaled"]), sizes=sizes), "must take factors, not sizes")
    refused(with_nodes(node("Resize", ["image", "sizes"], ["scaled"]), sizes=sizes.astype(np.float32)), "must take factors, not sizes")


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose", "MaxPool"])
def test_windows_are_small(kind: str) -> None:
    read_header(with_nodes(node(kind, ["image"], ["out"], strides=[32, 1], pads=[0, 0, 32, 0], group=2048)).SerializeToString(), "x")
    for name in ("kernel_shape", "strides", "pads", "dilations", "output_padding", "output_shape"):
        for number in (33, 10**6, -1):
            refused(with_nodes(node(kind, ["image"], ["out"], **{name: [1, number]})), f"{name} of {kind} is more than 32 or negative")


def test_numbers_held_twice_count_once() -> None:
    model = network()
    model.graph.initializer[0].float_data.extend([1.0] * 8)
    refused(model, "holds its numbers twice")
    model = with_nodes(node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(np.zeros(4, np.float32))))
    attribute = model.graph.node[-1].attribute[0]
    twice = attribute.SerializeToString() + long_field(5, attribute.t.SerializeToString())
    constant = long_field(2, b"c") + long_field(4, b"Constant") + long_field(5, twice)
    del model.graph.node[-1]
    with pytest.raises(BundleError, match="two tensors where one belongs"):
        read_header(with_graph(model, model.graph.SerializeToString() + long_field(1, constant)), "odd")


def test_every_cut_of_a_network_is_refused_or_read_and_never_anything_else() -> None:
    whole = threshold_network((1, 8, 9), [0.1])
    read = 0
    for length in range(len(whole)):
        try:
            read_header(whole[:length], "cut")
            read += 1
        except BundleError:
            pass
    assert read < 5  # where a field ends


def test_noise_is_refused_and_never_anything_else(rng: np.random.Generator) -> None:
    whole = bytearray(threshold_network((1, 8, 9), [0.1]))
    for _ in range(500):
        noisy = bytearray(whole)
        noisy[rng.integers(len(whole))] = rng.integers(256)
        try:
            read_header(bytes(noisy), "noisy")
        except BundleError as problem:
            assert "noisy: " in str(problem)
