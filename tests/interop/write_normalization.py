"""Writes tests/golden/normalization.json: values and gradients that MXNet 2.0.0b1 itself computes for normalizations and
the relatives of the leaky rectifier. Run once, with the environment that scripts/interop makes:

    .tools/interop/mx2/bin/python tests/interop/write_normalization.py
"""
import json
import os

import mxnet as mx
from mxnet import autograd, np, npx
from mxnet.gluon import nn

npx.set_np()


def numbers(shape, seed, scale=1.0, shift=0.0):
    """Numbers that any language makes again: a multiplicative walk modulo a prime, from -1 to 1."""
    count = 1
    for size in shape:
        count *= size
    values = []
    state = seed * 7919 + 17
    for _ in range(count):
        state = state * 16807 % 2147483647
        values.append(round((state / 2147483647 * 2 - 1) * scale + shift, 4))
    return np.array(values).reshape(shape)


def listed(array):
    return [float("%.7g" % value) for value in array.asnumpy().astype("float64").ravel()]


def case(name, layer, options, shape, mode):
    """One call: values, gradients with a head of numbers, and the parameters afterwards."""
    layer.initialize()
    x = numbers(shape, 1, 2.0, 0.5)
    layer(x)  # makes the parameters
    seed = 2
    params = layer.collect_params()
    given = {}
    for key in sorted(params):
        values = numbers(params[key].shape, seed)
        if key == "running_var":
            values = values + 1.5
        params[key].set_data(values)
        given[key] = listed(values)
        seed += 1
    x.attach_grad()
    with autograd.record(train_mode=mode == "train"):
        y = layer(x)
    head = numbers(y.shape, 9)
    y.backward(head, train_mode=mode == "train")
    npx.waitall()
    return {
        "layer": name, "options": options, "shape": list(shape), "mode": mode, "text": repr(layer),
        "x": listed(x), "head": listed(head), "parameters": given, "y": listed(y), "dx": listed(x.grad),
        "gradients": {k: listed(p.grad()) for k, p in params.items() if p.grad_req != "null"},
        "after": {k: listed(p.data()) for k, p in params.items() if k.startswith("running")},
    }


cases = []
for mode in ["train", "predict"]:
    cases += [
        case("BatchNorm", nn.BatchNorm(), {}, (3, 2, 4, 3), mode),
        case("BatchNorm", nn.BatchNorm(axis=-1, momentum=0.75, epsilon=1e-2), {"axis": -1, "momentum": 0.75, "epsilon": 1e-2}, (2, 3, 4), mode),
        case("BatchNorm", nn.BatchNorm(scale=False), {"scale": False}, (4, 3), mode),
        case("BatchNorm", nn.BatchNorm(center=False, use_global_stats=True), {"center": False, "useGlobalStats": True}, (2, 3, 5), mode),
    ]
cases += [
    case("LayerNorm", nn.LayerNorm(), {}, (3, 7), "train"),
    case("LayerNorm", nn.LayerNorm(axis=1, epsilon=1e-2), {"axis": 1, "epsilon": 1e-2}, (2, 5, 3), "train"),
    case("GroupNorm", nn.GroupNorm(2), {"numGroups": 2}, (2, 4, 3, 2), "train"),
    case("InstanceNorm", nn.InstanceNorm(scale=True), {"scale": True}, (2, 3, 4, 2), "train"),
    case("InstanceNorm", nn.InstanceNorm(axis=2, scale=True), {"axis": 2, "scale": True}, (2, 3, 3), "train"),
    case("LeakyReLU", nn.LeakyReLU(0.1), {"alpha": 0.1}, (2, 9), "train"),
    case("PReLU", nn.PReLU(), {}, (2, 3, 4), "train"),
    case("PReLU", nn.PReLU(in_channels=3), {"inChannels": 3}, (2, 3, 4), "train"),
    case("ELU", nn.ELU(0.5), {"alpha": 0.5}, (2, 9), "train"),
    case("SELU", nn.SELU(), {}, (2, 9), "train"),
    case("GELU", nn.GELU(), {}, (2, 9), "train"),
    case("SiLU", nn.SiLU(), {}, (2, 9), "train"),
    case("Swish", nn.Swish(1.5), {"beta": 1.5}, (2, 9), "train"),
]
texts = {"Dropout": repr(nn.Dropout(0.5)), "DropoutAxes": repr(nn.Dropout(0.25, axes=(2, 3))),
         "BatchNorm": repr(nn.BatchNorm(in_channels=64)), "BatchNormUnknown": repr(nn.BatchNorm())}
folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
with open(os.path.join(folder, "normalization.json"), "w") as file:
    file.write(json.dumps({"mxnet": mx.__version__, "texts": texts, "cases": cases}, separators=(",", ":")) + "\n")
