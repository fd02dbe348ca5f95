"""Exports the networks of MXNet's model zoo, gives them weights of a generator that tests share, and
notes what they compute: `python zoo.py OUTPUT.json.gz`, under MXNet 1.9.1 or 2.0.0b1."""
import gzip
import json
import os
import sys
import tempfile

import mxnet as mx
import numpy as np
from mxnet.gluon import SymbolBlock
from mxnet.gluon.model_zoo import vision

NEW = mx.__version__.startswith("2")
CLASSES = 10
NETS = [
    "alexnet", "densenet121", "densenet161", "densenet169", "densenet201", "inception_v3",
    "mobilenet0_25", "mobilenet0_5", "mobilenet0_75", "mobilenet1_0",
    "mobilenet_v2_0_25", "mobilenet_v2_0_5", "mobilenet_v2_0_75", "mobilenet_v2_1_0",
    "resnet18_v1", "resnet34_v1", "resnet50_v1", "resnet101_v1", "resnet152_v1",
    "resnet18_v2", "resnet34_v2", "resnet50_v2", "resnet101_v2", "resnet152_v2",
    "squeezenet1_0", "squeezenet1_1",
    "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
]


def size_of(name):
    """The smallest images that a network takes, rounded up."""
    if name.startswith("densenet") or name.startswith("squeezenet"):
        return 224  # ends in a pooling of 7 or 13
    if name.startswith("inception"):
        return 299  # ends in a pooling of 8
    return 64 if name == "alexnet" else 32


def uniform(seed, count):
    """Numbers in [-1, 1): murmur3's finalizer of a counter."""
    with np.errstate(over="ignore"):
        x = np.arange(count, dtype=np.uint32) + np.uint32((seed * 0x9E3779B9) & 0xFFFFFFFF)
        x ^= x >> np.uint32(16)
        x *= np.uint32(0x85EBCA6B)
        x ^= x >> np.uint32(13)
        x *= np.uint32(0xC2B2AE35)
        x ^= x >> np.uint32(16)
    return ((x >> np.uint32(8)).astype(np.float64) / 2**23 - 1).astype(np.float32)


def values(name, seed, shape):
    numbers = uniform(seed, int(np.prod(shape))).reshape(shape)
    if name.endswith("weight"):
        return numbers * np.float32(np.sqrt(6 / np.prod(shape[1:])))
    if name.endswith("gamma"):
        return 1 + numbers * np.float32(0.25)
    if name.endswith("running_var"):
        return 1 + numbers * np.float32(0.5)
    return numbers * np.float32(0.125)


def array(data):
    return mx.np.array(data) if NEW else mx.nd.array(data)


def record(name, folder):
    size = size_of(name)
    net = getattr(vision, name)(classes=CLASSES)
    net.initialize()
    net.hybridize()
    net(array(np.zeros((1, 3, size, size), np.float32)))
    path = os.path.join(folder, "net")
    net.export(path)
    with open(path + "-symbol.json") as file:
        symbol = file.read()
    shapes = {key.split(":", 1)[1]: (key, value.shape)
              for key, value in (mx.npx if NEW else mx.nd).load(path + "-0000.params").items()}
    variables = [node["name"] for node in json.loads(symbol)["nodes"] if node["op"] == "null"]
    filled = {}
    for seed, variable in enumerate(variables):
        if variable != "data":
            key, shape = shapes[variable]
            filled[key] = array(values(variable, seed, shape))
    if NEW:
        mx.npx.savez(path + ".params", **filled)
    else:
        mx.nd.save(path + ".params", filled)
    loaded = SymbolBlock.imports(path + "-symbol.json", ["data"], path + ".params")
    x = uniform(1000, 3 * size * size).reshape(1, 3, size, size)
    output = loaded(array(x)).asnumpy()
    print(name, output.ravel()[:4], flush=True)
    return {
        "name": name,
        "input": [1, 3, size, size],
        "shapes": {variable: list(shape) for variable, (_, shape) in shapes.items()},
        "output": [float(value) for value in output.ravel()],
        "symbol": symbol,
    }


def main():
    with tempfile.TemporaryDirectory() as folder:
        nets = [record(name, folder) for name in NETS]
    text = json.dumps({"writer": "MXNet " + mx.__version__, "nets": nets}, separators=(",", ":"))
    with gzip.GzipFile(sys.argv[1], "wb", 9, mtime=0) as file:
        file.write(text.encode())


main()
