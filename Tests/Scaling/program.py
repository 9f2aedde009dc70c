"""The program that is measured, the model it gets, and how it is started."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def binary():
    """MPO_BINARY, else what launch/build makes."""
    return os.environ.get("MPO_BINARY") or subprocess.run(
        [ROOT / "launch/build"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def model():
    """MPO_SMOLLM2, else .deps/smollm2."""
    directory = Path(os.environ.get("MPO_SMOLLM2", ROOT / ".deps/smollm2")).absolute()
    if not (directory / "tokenizer.json").is_file():
        sys.exit(f"{Path(sys.argv[0]).name}: {directory}: no tokenizer.json there; name a SmolLM2 with MPO_SMOLLM2")
    return directory


def start(command, directory=None):
    """Runs a command to its end; one that fails ends the measurement with its last words."""
    command = [str(part) for part in command]
    result = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"{Path(sys.argv[0]).name}: {' '.join(command)} failed:\n{result.stderr[-2000:]}")


def dpo_step(program, data, *options, ranks=1, threads):
    """One measured optimizer step of `mpo bench --only dpo`, after one that is not counted."""
    report = Path(data).with_suffix(".report")
    root = ["--allow-run-as-root"] if os.getuid() == 0 else []
    launcher = [os.environ.get("MPIRUN", "mpirun"), *root, "-n", ranks, "--bind-to", "none"] if ranks > 1 else []
    start([
        *launcher, program, "bench", "--only", "dpo", "--data", data, "--threads", threads, "--repeats", 1,
        "--json", report, *options])
    [sample] = json.loads(report.read_text())["measurements"][0]["samples"]
    return sample
