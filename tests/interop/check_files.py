"""Reads the files of write_files.ts with a real library and compares every array.

usage: check_files.py READER FOLDER, where READER is numpy, safetensors, mx1 or mx2.
Prints one line for each difference and, last, how many files and networks were the same.
"""

import hashlib
import json
import os
import sys

import numpy as np

READER, FOLDER = sys.argv[1:]
if READER.startswith("mx"):
    import mxnet as mx

SAFE = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "F16": "float16",
    "BF16": "bfloat16", "I32": "int32", "U32": "uint32", "F32": "float32", "F64": "float64",
    "I64": "int64", "U64": "uint64",
}


def read(path):
    """The arrays of a file: pairs of name and (shape, dtype, bytes)."""
    if READER == "safetensors":
        import safetensors

        with open(path, "rb") as file:
            arrays = safetensors.deserialize(file.read())
        return [(n, (tuple(a["shape"]), SAFE[a["dtype"]], bytes(a["data"]))) for n, a in arrays]
    if READER == "numpy":
        loaded = np.load(path, allow_pickle=False)
    elif READER == "mx2":
        loaded = read_mx2(path)
    else:
        loaded = read_mx1(path)
    if hasattr(loaded, "items"):
        pairs = list(loaded.items())
    else:
        pairs = [("", a) for a in (loaded if isinstance(loaded, (list, tuple)) else [loaded])]
    return [(name, content(a)) for name, a in pairs]


def read_mx2(path):
    """Version 2 reads old lists only outside, and everything else only inside NumPy mode."""
    mx.npx.set_np()
    try:
        return mx.npx.load(path)
    except Exception:
        mx.npx.reset_np()
        try:
            return mx.nd.load(path)
        finally:
            mx.npx.set_np()


def read_mx1(path):
    try:
        return mx.nd.load(path)
    except Exception:
        with mx.util.np_shape(True):
            return mx.nd.load(path)


def content(array):
    host = array if isinstance(array, (np.ndarray, np.generic)) else array.asnumpy()
    dtype = str(host.dtype)
    if READER.startswith("mx") and str(array.dtype).find("bfloat16") >= 0 or dtype.startswith("[("):
        dtype = "bfloat16"
    elif READER.startswith("mx") and dtype == "uint16" and "bfloat16" in str(getattr(array, "dtype", "")):
        dtype = "bfloat16"
    return tuple(host.shape), dtype, np.ascontiguousarray(host).tobytes()


def check_file(listed):
    found = read(os.path.join(FOLDER, listed["path"]))
    expected = [
        (a["name"], (tuple(a["shape"]), a["dtype"], a["sha256"])) for a in listed["arrays"]
    ]
    digest = [(n, (s, d, hashlib.sha256(b).hexdigest())) for n, (s, d, b) in found]
    if READER != "numpy":  # their order is their own
        expected, digest = sorted(expected), sorted(digest)
    if expected != digest:
        raise AssertionError(f"found {digest}, expected {expected}")


def check_net(net):
    """Runs an exported network with parameters that we wrote."""
    values = np.load(net["io"], allow_pickle=False)
    inputs = [name for name in values.files if not name.startswith("out")]
    mode = mx.npx.set_np if READER == "mx2" else lambda: None
    mode()
    block = mx.gluon.SymbolBlock.imports(
        net["symbol"], inputs, os.path.join(FOLDER, net["params"])
    )
    array = mx.np.array if READER == "mx2" else mx.nd.array
    outputs = block(*(array(values[name], dtype=values[name].dtype) for name in inputs))
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    for index, output in enumerate(outputs):
        np.testing.assert_allclose(output.asnumpy(), values[f"out{index}"], rtol=1e-4, atol=1e-5)


def main():
    with open(os.path.join(FOLDER, "list.json"), encoding="utf-8") as file:
        listed = json.load(file)
    same = {"files": 0, "networks": 0}
    failed = 0
    jobs = [("files", check_file, f, f["path"]) for f in listed["files"] if READER in f["readers"]]
    if READER.startswith("mx"):
        jobs += [("networks", check_net, n, n["params"]) for n in listed["nets"] if n["reader"] == READER]
    for kind, check, job, path in jobs:
        try:
            check(job)
            same[kind] += 1
        except Exception as error:  # whatever the library throws is a difference
            failed += 1
            print(f"{READER}: {path}: {type(error).__name__}: {str(error)[:400]}")
    version = mx.__version__ if READER.startswith("mx") else np.__version__
    print(
        f"{READER} {version}: {same['files']} files and {same['networks']} networks the same, "
        f"{failed} different"
    )
    sys.exit(1 if failed else 0)


main()
