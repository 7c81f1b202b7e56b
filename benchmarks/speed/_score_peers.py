"""Others' seconds on the rows of ``benchmarks.score``, in an environment of their own: prints a JSON object."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from pyod.models.vae import VAE


def network(weights: dict[str, np.ndarray], n_latent: int) -> bytes:
    """The article's network as ONNX, encoder to the latent mean and decoder to the mean absolute error, float32."""
    nodes, constants, value = [], [], "rows"

    def constant(name: str, array: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(array, name))
        return name

    for index, layer in enumerate(("encoder_0", "encoder_1", "decoder_0", "decoder_1")):
        weight, bias = weights[f"{layer}_weight"], weights[f"{layer}_bias"]
        if layer == "encoder_1":  # the latent mean alone is needed
            weight, bias = weight[:, :n_latent], bias[:n_latent]
        inputs = [value, constant(f"w{index}", np.ascontiguousarray(weight)), constant(f"b{index}", bias)]
        nodes.append(helper.make_node("Gemm", inputs, [f"h{index}"]))
        value = f"h{index}"
        if layer in ("encoder_0", "decoder_0"):
            nodes.append(helper.make_node("Relu", [value], [f"r{index}"]))
            value = f"r{index}"
    nodes += [
        helper.make_node("Sigmoid", [value], ["reconstruction"]),
        helper.make_node("Sub", ["rows", "reconstruction"], ["error"]),
        helper.make_node("Abs", ["error"], ["absolute"]),
        helper.make_node("ReduceMean", ["absolute", constant("axis", np.array([1]))], ["score"], keepdims=0),
    ]
    width = weights["encoder_0_weight"].shape[0]
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, width])
    score = helper.make_tensor_value_info("score", TensorProto.FLOAT, [None])
    graph = helper.make_graph(nodes, "article", [rows], [score], constants)
    opsets = [helper.make_opsetid("", 18)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString())


def main(path: str, rounds: int) -> None:
    torch.set_num_threads(1)
    with np.load(path) as stored:
        weights = {name: stored[name] for name in stored.files}
    rows = weights.pop("rows")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    model = network(weights, weights["decoder_0_weight"].shape[0])
    onnx.checker.check_model(onnx.load_from_string(model))
    session = onnxruntime.InferenceSession(model, options)
    detector = VAE(epoch_num=1, encoder_neuron_list=[60], decoder_neuron_list=[60], latent_dim=40, verbose=0)
    detector.fit(rows[:5_000])
    runs = {
        "ONNX Runtime, the same network": lambda: session.run(None, {"rows": rows}),
        "PyOD VAE, the same layers": lambda: detector.decision_function(rows),
    }
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            started = time.process_time()
            run()
            seconds[name].append(time.process_time() - started)
    print(json.dumps({name: float(np.median(taken[1:])) for name, taken in seconds.items()}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
