"""The two sides of the comparison as processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


class Failure(Exception):
    """A program ended where it should not have."""


class Mpo:
    """This program: a process a measurement."""

    def __init__(self, binary, model, threads, directory):
        self.command = [binary, "bench", "--model", model, "--threads", threads]
        self.output = directory / "mpo.json"

    def bench(self, item, data, repeats=1, **settings):
        """Measurements of an item by name."""
        command = [*self.command, "--only", item, "--data", data, "--repeats", repeats, "--json", self.output]
        command = [str(part) for part in command + flags(settings)]
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(f"{' '.join(command)} ended with {result.returncode}:\n{result.stderr[-4000:]}")
        return {entry["name"]: entry for entry in json.loads(self.output.read_text())["measurements"]}


class Peer:
    """A peer's program, which loads once, sleeps, and measures what it is asked to; a context.

    `ready` is what it answers first, when it has loaded.
    """

    def __init__(self, script, data, model, threads, directory, python=sys.executable, **settings):
        self.name, self.log = script, directory / f"{script}.log"
        reading, writing = os.pipe()
        command = [python, HERE / script, "--model", model, "--data", data, "--answers", writing, *flags(settings)]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [str(part) for part in command], stdin=subprocess.PIPE, stdout=log, stderr=log, bufsize=0,
                pass_fds=[writing], env=dict(os.environ, OMP_NUM_THREADS=str(threads)))
        os.close(writing)
        self.answers = os.fdopen(reading)
        self.ready = self.read()

    def ask(self, unit, **request):
        """What the peer answers to a request for a measurement."""
        try:
            self.process.stdin.write(json.dumps(dict(request, unit=unit)).encode() + b"\n")
        except BrokenPipeError:
            pass  # It has ended, as `read` is about to say.
        return self.read()

    def read(self):
        line = self.answers.readline()
        if not line:
            self.stop()
            raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")
        return json.loads(line)

    def stop(self):
        """Lets it end, for which it has ten seconds."""
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.answers.close()


def flags(settings):
    return [part for name, value in settings.items() for part in ("--" + name.replace("_", "-"), value)]
