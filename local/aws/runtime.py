"""Lambda workers more like the real runtime. MiniStack runs Lambda code in warm local processes; four things differ here:

- A worker saw every package of our own virtual environment, so a package the layer forgot was found all the same and the
  mistake showed in a real account only. The real runtime has Python, boto3 and what boto3 needs: so has ours.
- A layer was unpacked anew for every worker, and compiled anew (seconds). Here it is unpacked once per content, like /opt
  of a warm host, and its byte code is kept.
- Output reached CloudWatch Logs after the invocation, as one lump; here every line also lands in a file as it is written.
- A worker whose emulator was killed in the middle of an invocation went on for ever; here it watches its parent.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

# What the AWS Lambda Python runtimes bring: the SDK and what it depends on.
RUNTIME_PACKAGES = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")

# Runs first in every Python worker. {packages} is the folder with the runtime's own packages.
_PREAMBLE = """
import os as _os, sys as _sys, threading as _threading, time as _time

def _watch_parent(parent=_os.getppid()):
    while _os.getppid() == parent:
        _time.sleep(0.5)
    _os._exit(1)

_threading.Thread(target=_watch_parent, daemon=True).start()
_sys.path[:] = [p for p in _sys.path if "site-packages" not in p and "dist-packages" not in p] + [{packages!r}]
_sys.path[:] = [p for p in _sys.path if p not in set({hidden!r})]
_sys.meta_path[:] = [f for f in _sys.meta_path if not getattr(f, "__module__", "").startswith("__editable__")]
"""


def install(home: Path) -> None:
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    logs = home / "logs" / "lambda"
    logs.mkdir(parents=True, exist_ok=True)
    preamble = _PREAMBLE.format(packages=str(runtime_packages(home)), hidden=_editable_paths())
    lambda_runtime._PYTHON_WORKER_SCRIPT = preamble + lambda_runtime._PYTHON_WORKER_SCRIPT
    _share_layers(lambda_runtime.Worker, lambda_svc, home / "state" / "layers")
    _write_logs(lambda_runtime.Worker, lambda_svc, logs)


def runtime_packages(home: Path) -> Path:
    """A folder that holds the runtime's packages and nothing else (links into our environment)."""
    folder = home / "state" / "runtime"
    folder.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ImportError(f"{name} is not installed, so Lambdas cannot be run as the real runtime runs them")
        origin = Path(spec.origin)
        source = origin.parent if origin.name == "__init__.py" else origin
        link = folder / source.name
        if not link.exists():
            link.symlink_to(source)
    return folder


def _editable_paths() -> list[str]:
    """Folders that an editable install put on the path: the library's sources, which must come from the layer."""
    import site

    found: list[str] = []
    for folder in site.getsitepackages():
        for pointer in Path(folder).glob("__editable__*.pth"):
            lines = [line for line in pointer.read_text().splitlines() if line and not line.startswith("import")]
            found += [os.path.normpath(Path(folder, line)) for line in lines]  # one may be given from that folder on
    return found


def _share_layers(worker: Any, lambda_svc: Any, cache: Path) -> None:
    spawn, lock = worker._spawn, threading.Lock()

    def unpack(content: bytes) -> Path:
        target = cache / hashlib.sha256(content).hexdigest()[:32]
        with lock:
            if not target.exists():
                part = target.with_suffix(".part")
                with zipfile.ZipFile(io.BytesIO(content)) as layer:
                    for name in layer.namelist():
                        if not (part / name).resolve().is_relative_to(part.resolve()):
                            raise ValueError(f"the layer holds a path that leaves it: {name}")
                    layer.extractall(part)
                part.rename(target)
        return target

    def _spawn(self: Any) -> None:
        attached = self.config
        folders = []
        for layer in attached.get("Layers", []):
            content = lambda_svc._resolve_layer_zip(layer)
            if content is None:
                raise RuntimeError(f"layer {layer} cannot be read")
            folders.append(str(unpack(content)))
        variables = {**attached.get("Environment", {}).get("Variables", {}), "_LAMBDA_LAYERS_DIRS": ":".join(folders)}
        self.config = {**attached, "Layers": [], "Environment": {"Variables": variables}}
        try:
            spawn(self)
        finally:
            self.config = attached

    worker._spawn = _spawn


def _write_logs(worker: Any, lambda_svc: Any, logs: Path) -> None:
    def append(function: str, line: str) -> None:
        with (logs / f"{function}.log").open("a") as log:
            log.write(line + "\n")

    def _read_stderr(self: Any) -> None:
        lines = self._stderr_queue
        with (logs / f"{self.func_name}.log").open("a", buffering=1) as log:
            for line in self._proc.stderr:
                log.write(line)
                lines.put(line.rstrip("\n"))

    invoke, emit = worker.invoke, lambda_svc._emit_lambda_logs

    def invoke_and_tell(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            result = invoke(self, *arguments, **named)
        except Exception as failed:  # the code could not be loaded: the one line that says why must not be lost
            append(self.func_name, f"{type(failed).__name__}: {failed}")
            raise
        if result.get("status") == "error":
            append(self.func_name, str(result.get("trace") or result.get("error")))
        return result

    def _emit_lambda_logs(
        func: Any, request_id: str, log_text: str, error: bool, duration_ms: int, **rest: Any
    ) -> None:
        emit(func, request_id, log_text, error, duration_ms, **rest)
        name = (func.get("config") or func).get("FunctionName", "unknown")
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        append(
            name,
            f"REPORT RequestId: {request_id} {stamp} Duration: {duration_ms} ms{' Status: error' if error else ''}",
        )

    worker._read_stderr = _read_stderr
    worker.invoke = invoke_and_tell
    lambda_svc._emit_lambda_logs = _emit_lambda_logs
