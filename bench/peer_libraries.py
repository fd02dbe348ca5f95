"""The libraries that peers.py measures: each makes a layer of layers.json, ready to run.

`make(layer, direction)` gives a function that runs it once and returns the outputs: the result, or the gradients
in the order of input, offset, mask, weight and bias. `array(output)` gives one as NumPy has it.
"""

import os
import tempfile
import time

THREADS = 2
os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))

import numpy as np  # noqa: E402  (after the number of threads is set)

WANTED = {
    "bwd_data": ("input", "offset", "mask"), "bwd_weight": ("weight", "bias"),
    "bwd_all": ("input", "offset", "mask", "weight", "bias"),
}


class Unable(Exception):
    """The library has no such layer or direction."""


def sides(widths):
    """Padding of ONNX: all begins, then all ends."""
    return [*widths, *widths]


class Mxnet:
    """Apache MXNet 2.0, the system whose layers these are, on the CPU."""

    peer = "mxnet"

    def __init__(self):
        # A name that old MXNet needs and new NumPy lacks costs nothing where both fit.
        import mxnet
        from mxnet import autograd, npx

        npx.set_np()
        self.mx, self.autograd, self.npx = mxnet, autograd, npx
        self.version = f"mxnet {mxnet.__version__}"

    def apply(self, layer, t):
        npx, args, name = self.npx, layer["args"], layer["class"]
        if "kernel_size" in args:
            common = dict(
                kernel=tuple(args["kernel_size"]), stride=tuple(args["strides"]),
                dilate=tuple(args["dilation"]), pad=tuple(args["padding"]),
                num_filter=args["channels"], num_group=args["groups"], no_bias=False,
            )
            if name == "DeformableConvolution":
                return npx.deformable_convolution(
                    t["input"], t["offset"], t["weight"], t["bias"],
                    num_deformable_group=args["num_deformable_group"], **common)
            if name == "ModulatedDeformableConvolution":
                return npx.modulated_deformable_convolution(
                    t["input"], t["offset"], t["mask"], t["weight"], t["bias"],
                    num_deformable_group=args["num_deformable_group"], **common)
            if name.endswith("Transpose"):
                y = npx.deconvolution(t["input"], t["weight"], t["bias"], **common)
            else:
                y = npx.convolution(t["input"], t["weight"], t["bias"], **common)
            factor = layer.get("then", {}).get("args", {}).get("factor")
            return y if factor is None else self.shuffle(y, (factor, factor))
        if name == "PixelShuffle2D":
            return self.shuffle(t["input"], args["factor"])
        if name == "ReflectionPad2D":
            p, q = args["padding"]
            return npx.pad(t["input"], mode="reflect", pad_width=(0, 0, 0, 0, p, p, q, q))
        if name == "GlobalAvgPool2D":
            return npx.pooling(t["input"], kernel=(1, 1), global_pool=True, pool_type="avg")
        return npx.pooling(
            t["input"], kernel=tuple(args["pool_size"]), stride=tuple(args["strides"]),
            pad=tuple(args["padding"]), pool_type="max" if name.startswith("Max") else "avg")

    def shuffle(self, x, factor):
        f, g = factor
        x = self.npx.reshape(x, (-2, -6, -1, f * g, -2, -2))
        x = self.npx.reshape(x, (-2, -2, -6, f, g, -2, -2))
        x = self.mx.np.transpose(x, (0, 1, 4, 2, 5, 3))
        return self.npx.reshape(x, (-2, -2, -5, -5))

    def make(self, layer, direction):
        tensors = {name: self.mx.np.array(value) for name, value in numbers(layer).items()}
        if direction == "fwd":
            def forward():
                y = self.apply(layer, tensors)
                y.wait_to_read()
                return [y]

            return forward
        leaves = [tensors[name] for name in WANTED[direction] if name in tensors]
        if not leaves:
            raise Unable("nothing to differentiate")
        for leaf in leaves:
            leaf.attach_grad()
        with self.autograd.record():
            y = self.apply(layer, tensors)
        head = self.mx.np.array(head_of(layer))

        def run():
            y.backward(head, retain_graph=True)
            self.mx.npx.waitall()
            return [leaf.grad for leaf in leaves]

        return run

    def array(self, output):
        return output.asnumpy()


class Onnx:
    """ONNX Runtime on the CPU."""

    peer = "ort"

    def __init__(self):
        import onnx
        import onnxruntime

        self.onnx, self.runtime = onnx, onnxruntime
        self.version = f"onnxruntime {onnxruntime.__version__}"

    def nodes(self, layer):
        make, args, name = self.onnx.helper.make_node, layer["args"], layer["class"]
        if "kernel_size" in args:
            common = dict(
                kernel_shape=args["kernel_size"], strides=args["strides"],
                dilations=args["dilation"], pads=sides(args["padding"]), group=args["groups"])
            inputs = ["input", "weight", "bias"]
            if "Deformable" in name:
                inputs = ["input", "weight", "offset", "bias", *(["mask"] if "mask" in layer else [])]
                return [make("DeformConv", inputs, ["y"],
                             offset_group=args["num_deformable_group"], **common)]
            kind = "ConvTranspose" if name.endswith("Transpose") else "Conv"
            if "then" not in layer:
                return [make(kind, inputs, ["y"], **common)]
            factor = layer["then"]["args"]["factor"]
            return [make(kind, inputs, ["c"], **common),
                    make("DepthToSpace", ["c"], ["y"], blocksize=factor, mode="CRD")]
        if name == "PixelShuffle2D":
            return [make("DepthToSpace", ["input"], ["y"], blocksize=args["factor"][0], mode="CRD")]
        if name == "ReflectionPad2D":
            return [make("Pad", ["input", "pads"], ["y"], mode="reflect")]
        if name == "GlobalAvgPool2D":
            return [make("GlobalAveragePool", ["input"], ["y"])]
        kind = "MaxPool" if name.startswith("Max") else "AveragePool"
        return [make(kind, ["input"], ["y"], kernel_shape=args["pool_size"],
                     strides=args["strides"], pads=sides(args["padding"]))]

    def make(self, layer, direction):
        if direction != "fwd":
            raise Unable("inference only")
        helper, numpy_helper = self.onnx.helper, self.onnx.numpy_helper
        data = numbers(layer)
        fixed = [numpy_helper.from_array(data[name], name) for name in ("weight", "bias") if name in data]
        fed = {name: value for name, value in data.items() if name not in ("weight", "bias")}
        if layer["class"] == "ReflectionPad2D":
            pads = np.array(sides([0, 0, *layer["args"]["padding"]]), np.int64)
            fixed.append(numpy_helper.from_array(pads, "pads"))
        info = lambda name, shape: helper.make_tensor_value_info(name, 1, shape)  # noqa: E731
        graph = helper.make_graph(
            self.nodes(layer), "layer", [info(name, value.shape) for name, value in fed.items()],
            [info("y", layer["output"])], fixed)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = THREADS
        session = self.runtime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, fed)

    def array(self, output):
        return output


class Ncnn:
    """ncnn on the Vulkan device that we use too."""

    peer = "ncnn-vk"

    def __init__(self):
        import ncnn

        self.ncnn = ncnn
        self.version = f"ncnn {ncnn.__version__}"
        if ncnn.get_gpu_count() == 0:
            raise SystemExit("error: ncnn sees no Vulkan device")

    def line(self, layer):
        args, name = layer["args"], layer["class"]
        if "kernel_size" in args:
            if name == "Conv1D":
                (k,), (s,), (p,), (d,) = (args[key] for key in ("kernel_size", "strides", "padding", "dilation"))
                size = int(np.prod(layer["weight"]))
                return "Convolution1D", f"0={args['channels']} 1={k} 2={d} 3={s} 4={p} 5=1 6={size}"
            if len(args["kernel_size"]) != 2 or "Deformable" in name:
                raise Unable("no Vulkan kernel")
            (kh, kw), (sh, sw) = args["kernel_size"], args["strides"]
            (ph, pw), (dh, dw) = args["padding"], args["dilation"]
            grouped = args["groups"] > 1
            kind = ("Deconvolution" if name.endswith("Transpose") else "Convolution") + (
                "DepthWise" if grouped else "")
            size = int(np.prod(layer["weight"]))
            text = (f"0={args['channels']} 1={kw} 11={kh} 2={dw} 12={dh} 3={sw} 13={sh} "
                    f"4={pw} 14={ph} 5=1 6={size}" + (f" 7={args['groups']}" if grouped else ""))
            return kind, text
        if name == "PixelShuffle2D":
            return "PixelShuffle", f"0={args['factor'][0]}"
        if name == "ReflectionPad2D":
            p, q = args["padding"]
            return "Padding", f"0={p} 1={p} 2={q} 3={q} 4=2"
        if name == "GlobalAvgPool2D":
            return "Pooling", "0=1 4=1"
        if name == "MaxPool2D":
            k, s, p = args["pool_size"][0], args["strides"][0], args["padding"][0]
            return "Pooling", f"0=0 1={k} 2={s} 3={p} 5=1"
        raise Unable("no Vulkan kernel")

    def make(self, layer, direction):
        if direction != "fwd":
            raise Unable("inference only")
        kind, text = self.line(layer)
        data = numbers(layer)
        shuffled = "then" in layer
        rows = ["7767517", f"{3 if shuffled else 2} {3 if shuffled else 2}", "Input in 0 1 in",
                f"{kind} layer 1 1 in {'mid' if shuffled else 'out'} {text}"]
        if shuffled:
            rows.append(f"PixelShuffle shuffle 1 1 mid out 0={layer['then']['args']['factor']}")
        folder = tempfile.mkdtemp()
        with open(f"{folder}/m.param", "w") as file:
            file.write("\n".join(rows) + "\n")
        with open(f"{folder}/m.bin", "wb") as file:
            if "weight" in data:
                weight = data["weight"]
                if kind.startswith("Deconvolution"):
                    weight = np.ascontiguousarray(np.swapaxes(weight, 0, 1))
                file.write(np.zeros(1, np.uint32).tobytes())
                file.write(weight.tobytes() + data["bias"].tobytes())
        net = self.ncnn.Net()
        net.opt.use_vulkan_compute = True
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.num_threads = THREADS
        if net.load_param(f"{folder}/m.param") != 0 or net.load_model(f"{folder}/m.bin") != 0:
            raise Unable("the layer was not loaded")
        # It knows no batches: one run is as many extractions as the batch has items.
        # A matrix of an array borrows its memory; the copy does not.
        items = [self.ncnn.Mat(np.ascontiguousarray(item)).clone() for item in data["input"]]

        def run():
            found = []
            for item in items:
                extractor = net.create_extractor()
                extractor.input("in", item)
                code, result = extractor.extract("out")
                if code != 0:
                    raise Unable(f"extract gives {code}")
                found.append(result)
            return [found]

        return run

    def array(self, output):
        return np.stack([np.array(item) for item in output])


class Cudnn:
    """PyTorch with cuDNN on an NVIDIA GPU: float32 without TF32, its fastest algorithm for each layer."""

    peer, dtype = "cudnn", "float32"

    def __init__(self):
        import torch

        self.torch = torch
        if not torch.cuda.is_available():
            raise SystemExit("error: PyTorch sees no GPU")
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        # Backward kernels run on the stream of their forward, which a graph can only then record.
        self.stream = torch.cuda.Stream()
        self.version = (f"torch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}, "
                        f"{torch.cuda.get_device_name()}")

    def apply(self, layer, t):
        functions, args, name = self.torch.nn.functional, layer["args"], layer["class"]
        if "kernel_size" in args:
            common = dict(stride=args["strides"], padding=args["padding"], dilation=args["dilation"])
            if "Deformable" in name:
                from torchvision.ops import deform_conv2d

                return deform_conv2d(t["input"], t["offset"], t["weight"], t["bias"], mask=t.get("mask"), **common)
            kind = "conv_transpose" if name.endswith("Transpose") else "conv"
            convolve = getattr(functions, f"{kind}{len(args['kernel_size'])}d")
            y = convolve(t["input"], t["weight"], t["bias"], groups=args["groups"], **common)
            factor = layer.get("then", {}).get("args", {}).get("factor")
            return y if factor is None else functions.pixel_shuffle(y, factor)
        if name == "PixelShuffle2D":
            return functions.pixel_shuffle(t["input"], args["factor"][0])
        if name == "ReflectionPad2D":
            return functions.pad(t["input"], [side for width in reversed(args["padding"]) for side in (width, width)], mode="reflect")
        if name == "GlobalAvgPool2D":
            return functions.adaptive_avg_pool2d(t["input"], 1)
        pool = getattr(functions, f"{'max' if name.startswith('Max') else 'avg'}_pool{len(args['pool_size'])}d")
        return pool(t["input"], tuple(args["pool_size"]), tuple(args["strides"]), tuple(args["padding"]))

    def make(self, layer, direction):
        with self.torch.cuda.stream(self.stream):
            return self.prepare(layer, direction)

    def prepare(self, layer, direction):
        torch = self.torch
        t = {name: torch.from_numpy(value).to("cuda", getattr(torch, self.dtype))
             for name, value in numbers(layer).items()}
        if direction == "fwd":
            return lambda: [self.apply(layer, t)]
        leaves = [t[name].requires_grad_() for name in WANTED[direction] if name in t]
        if not leaves:
            raise Unable("nothing to differentiate")
        y = self.apply(layer, t)
        head = torch.from_numpy(head_of(layer)).to("cuda", y.dtype)
        return lambda: torch.autograd.grad(y, leaves, head, retain_graph=True)

    def array(self, output):
        return output.float().cpu().detach().numpy()

    def measure(self, run, seconds):
        """Milliseconds of a run by the GPU's clock; launches cost nothing, as a graph replays them."""
        torch, repeat, stream = self.torch, 10, self.stream
        with torch.cuda.stream(stream):
            for _ in range(3):
                run()
            stream.synchronize()

            def several():
                for _ in range(repeat):
                    run()

            try:
                graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(graph, stream=stream):
                    several()
                replay = graph.replay
            except RuntimeError:
                replay = several
            # The GPU raises its clock within some tens of milliseconds of work.
            start = time.perf_counter()
            while time.perf_counter() - start < 0.1:
                replay()
                stream.synchronize()
            times, start = [], time.perf_counter()
            while len(times) < 5 or time.perf_counter() - start < seconds:
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record(stream)
                replay()
                end.record(stream)
                end.synchronize()
                times.append(begin.elapsed_time(end) / repeat)
        return times


class CudnnHalf(Cudnn):
    """The same in float16."""

    peer, dtype = "cudnn-fp16", "float16"


def values(name, shape, scale=1.0):
    """The numbers of data.ts: from -1 to 1, by name and position."""
    seed = 2166136261
    for character in name:
        seed = ((seed ^ ord(character)) * 16777619) & 0xFFFFFFFF
    with np.errstate(over="ignore"):
        word = np.arange(1, np.prod(shape, dtype=np.int64) + 1, dtype=np.uint32) * np.uint32(0x9E3779B1) ^ np.uint32(seed)
        word = (word ^ (word >> 15)) * np.uint32(0x85EBCA6B)
        word = (word ^ (word >> 13)) * np.uint32(0xC2B2AE35)
    word = (word ^ (word >> 16)).view(np.int32)
    return (word / 0x80000000 * scale).astype(np.float32).reshape(shape)


def numbers(layer):
    """Tensors of a layer by name, the same as every peer has."""
    make = lambda name, scale=1.0: values(f"{layer['id']} {name}", layer[name], scale)  # noqa: E731
    tensors = {"input": make("input")}
    if layer.get("weight"):
        tensors["weight"] = make("weight", np.sqrt(3 / np.prod(layer["weight"][1:])))
        tensors["bias"] = make("bias")
    if layer.get("offset"):
        tensors["offset"] = make("offset", 1.5)
    if layer.get("mask"):
        tensors["mask"] = make("mask", 0.5) + np.float32(0.5)
    return tensors


def head_of(layer):
    """The gradient given to the result."""
    return values(f"{layer['id']} head", layer["output"])


LIBRARIES = {"mxnet": Mxnet, "ort": Onnx, "ncnn": Ncnn, "cudnn": Cudnn, "cudnn-half": CudnnHalf}
