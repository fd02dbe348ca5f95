"""Measures the layers of layers.json with libraries from Python.

    peers.py serve mxnet|ort|ncnn               answers report.ts, which measures it in turns with us
    peers.py mxnet|ort|ncnn|cudnn|cudnn-half FILE [SECONDS]

The second form appends one JSON object for each layer and direction to FILE, for `report.ts --also FILE`: best and
median of all runs that fit into SECONDS (default 0.5), five at least, after two to warm up.
"""

import json
import os
import statistics
import sys
import time

from peer_libraries import LIBRARIES, THREADS, Unable

FOLDER = os.path.dirname(os.path.abspath(__file__))


def read_layers():
    with open(os.path.join(FOLDER, "layers.json")) as file:
        return json.load(file)


def measure(run, seconds, at_least=5):
    """Milliseconds of each run; slow ones get fewer of them."""
    times = []
    start = time.perf_counter()
    while not times or (spent := time.perf_counter() - start) < seconds or (
            len(times) < at_least and spent < 4 * seconds):
        before = time.perf_counter()
        run()
        times.append((time.perf_counter() - before) * 1e3)
    return times


def serve(library, say):
    """Answers requests of peer_protocol.ts, one JSON object a line."""
    layers = {layer["id"]: layer for layer in read_layers()}
    say({"version": library.version, "threads": THREADS, "simd": True,
         "runtime": f"Python {sys.version.split()[0]}"})
    run = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "layer":
                if request["id"] not in layers:
                    raise Unable(f"unknown layer {request['id']}")
                run = None
                run = library.make(layers[request["id"]], request.get("direction", "fwd"))
                run()
                say({})
            elif run is None:
                raise Unable("nothing was made yet")
            elif request["op"] == "time":
                say({"milliseconds": measure(run, request["milliseconds"] / 1e3, request["atLeast"])})
            elif request["op"] == "sample":
                flat = library.array(run()[0]).reshape(-1)
                say({"values": [float(flat[at]) for at in request["indices"]]})
            else:
                raise Unable(f"no {request['op']}")
        except Exception as error:  # whatever a library throws, the next request is answered
            say({"error": (str(error).splitlines() or [repr(error)])[-1]})


def write(library, path, seconds):
    """Measures all layers and directions."""
    with open(path, "a") as out:
        say = lambda line: print(json.dumps(line), file=out, flush=True)  # noqa: E731
        say({"direction": "info", "peer": library.peer, "version": library.version, "threads": THREADS})
        for layer in read_layers():
            for direction in layer["directions"]:
                try:
                    run = library.make(layer, direction)
                    for _ in range(2):
                        run()
                    times = getattr(library, "measure", measure)(run, seconds)
                except Exception as error:  # whatever a library throws, the next row is measured
                    print(f"{layer['id']} {direction}: {str(error).splitlines()[-1]}", file=sys.stderr)
                    continue
                best = min(times)
                memory_bound = layer["family"] in ("pool", "shuffle+pad")
                gflop = 0 if memory_bound else layer["gflop"][direction]
                say({
                    "peer": library.peer, "id": layer["id"], "direction": direction,
                    "ms_min": round(best, 4), "ms_median": round(statistics.median(times), 4),
                    "gflops": round(gflop / best * 1e3, 3),
                    "gbps": round(layer["bytes"][direction] / best / 1e6, 3), "ok": True,
                })


def main():
    if sys.argv[1] == "serve":
        # Libraries print advice; standard output belongs to the protocol.
        replies = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)
        serve(LIBRARIES[sys.argv[2]](), lambda line: print(json.dumps(line), file=replies, flush=True))
    else:
        write(LIBRARIES[sys.argv[1]](), sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 0.5)


main()
