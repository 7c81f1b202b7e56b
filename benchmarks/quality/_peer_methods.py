"""Detectors of other packages as methods ``peer:NAME``: each runs in an environment under ``.venvs``, not in ours.

One child process an environment serves all runs of this process. It gets the encoded rows in files, and a run that
takes too long ends it. All detectors have their package's default settings.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks._peers import installed_versions, peer_python, python_of
from benchmarks.quality import _peer_worker
from benchmarks.quality._versions import code_version
from oddrow.comparison import MethodRows

PREFIX = "peer:"
WORKER = Path(_peer_worker.__file__)
LIMIT_SECONDS = 300.0
NUMERICS = ("numpy", "scipy", "scikit-learn", "torch")


class PeerError(RuntimeError):
    """A peer took too long, its process ended, or it cannot be installed."""


class PeerAnswerError(PeerError):
    """A peer raised an exception; its process goes on."""


@dataclass(frozen=True)
class Environment:
    """Packages of an environment, and those that are installed without what they ask for."""

    name: str
    packages: tuple[str, ...]
    alone: tuple[str, ...] = ()

    def install(self) -> None:
        """Install what is missing.

        Raises
        ------
        PeerError
            If that cannot be done.
        """
        if peer_python(self.name, *self.packages, alone=self.alone) is None:
            raise PeerError(f"{', '.join((*self.packages, *self.alone))} cannot be installed; leave its methods out")


TORCH = "torch==2.13.0"
"""Other versions of its default wheel bring gigabytes of libraries for graphics cards."""
RIVALS = Environment("rivals", (TORCH, "pyod==3.6.7", "combo==0.1.3", "aderh==1.0.0", "tqdm"))
# deepod 0.4.1 asks for a torch that no supported Python has
DEEPOD = Environment("deepod", (TORCH, "scipy", "scikit-learn", "pandas", "tqdm"), ("deepod==0.4.1",))


@dataclass(frozen=True)
class Peer:
    """A detector class with ``fit``, ``decision_scores_`` and ``decision_function`` (higher is odder)."""

    environment: Environment
    package: str
    module: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Device and amount of printing, nothing that decides what is found."""


def _pyod(module: str, kind: str, **settings: Any) -> Peer:
    return Peer(RIVALS, "pyod", f"pyod.models.{module}", kind, settings)


def _deepod(module: str, kind: str) -> Peer:
    return Peer(DEEPOD, "deepod", f"deepod.models.tabular.{module}", kind, {"device": "cpu", "verbose": 0})


PEERS: dict[str, Peer] = {
    "lunar": _pyod("lunar", "LUNAR"),
    "featurebagging": _pyod("feature_bagging", "FeatureBagging"),
    "inne": _pyod("inne", "INNE"),
    "kde": _pyod("kde", "KDE"),
    "mcd": _pyod("mcd", "MCD"),
    "copod": _pyod("copod", "COPOD"),
    "vae": _pyod("vae", "VAE", verbose=0),
    "autoencoder": _pyod("auto_encoder", "AutoEncoder", verbose=0),
    "aderh": Peer(RIVALS, "aderh", "aderh", "ADERH"),
    "icl": _deepod("icl", "ICL"),
    "slad": _deepod("slad", "SLAD"),
    "goad": _deepod("goad", "GOAD"),
}


class PeerProcess:
    """A running worker: one request at a time."""

    def __init__(self, python: Path, worker: Path) -> None:
        self.folder = TemporaryDirectory()
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.log = Path(self.folder.name, "stderr")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(python), str(worker)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment
            )

    def path(self, name: str) -> Path:
        """A file that the worker reads or writes."""
        return Path(self.folder.name, f"{name}.npy")

    def ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """The answer to a request.

        Raises
        ------
        PeerAnswerError
            If the answer is an error.
        PeerError
            If the worker ends, or there is no answer after so many seconds.
        """
        requests, answers = self.process.stdin, self.process.stdout
        try:
            requests.write(json.dumps(request).encode() + b"\n")  # type: ignore[union-attr]
            requests.flush()  # type: ignore[union-attr]
        except BrokenPipeError as error:
            raise PeerError(self._ended()) from error
        if not select.select([answers], [], [], seconds)[0]:
            raise PeerError(f"it took longer than the limit of {seconds:g} s (--limit)")
        line = answers.readline()  # type: ignore[union-attr] # one request, one line, written at once
        if not line:
            raise PeerError(self._ended())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PeerAnswerError(answer["error"])
        return answer

    def _ended(self) -> str:
        said = self.log.read_text("utf-8", "replace").strip().splitlines()
        return f"its process ended with status {self.process.wait()}: {said[-1] if said else 'it said nothing'}"

    def close(self) -> None:
        """End the process and remove its files."""
        self.process.kill()
        with self.process:  # waits, and closes the pipes
            pass
        self.folder.cleanup()


_running: dict[tuple[Path, Path], PeerProcess] = {}


@atexit.register
def close_all() -> None:
    """End all workers of this process."""
    while _running:
        _running.popitem()[1].close()


@dataclass
class PeerScorer:
    """Fits and scores in one request, once the rows to score are there; ``seconds`` then holds the peer's own times."""

    method: PeerMethod
    training: npt.NDArray[np.float64]
    seed: int
    seconds: dict[str, float] = field(default_factory=dict)

    def __call__(self, rows: MethodRows) -> npt.NDArray[np.float64]:
        """The scores float64 [m] that the peer gives."""
        peer, at = self.method.peer, (self.method.python, self.method.worker)
        if at not in _running:
            _running[at] = PeerProcess(*at)
        process = _running[at]
        files = {name: str(process.path(name)) for name in ("training", "test", "scores")}
        np.save(files["training"], self.training)
        np.save(files["test"], rows.encoded)
        request = {
            "module": peer.module,
            "name": peer.kind,
            "settings": dict(peer.settings),
            "seed": self.seed,
            **files,
        }
        try:
            self.seconds = process.ask(request, self.method.limit)
        except PeerAnswerError:
            raise
        except BaseException:
            _running.pop(at).close()  # the next run starts another
            raise
        return np.asarray(np.load(files["scores"]))


@dataclass(frozen=True)
class PeerMethod:
    """A peer as a method of the benchmark; a run may take ``limit`` seconds, imports included."""

    name: str
    peer: Peer
    python: Path
    limit: float = LIMIT_SECONDS
    worker: Path = WORKER

    def fit(self, rows: MethodRows, seed: int) -> PeerScorer:
        """Keep the rows; the peer gets them with those to be scored."""
        return PeerScorer(self, rows.encoded, seed)

    @property
    def version(self) -> str:
        """The package's version, and a hash of the wrapper, the settings, the encoding and what the package uses."""
        installed = installed_versions(self.peer.environment.name)
        numerics = [f"{name} {installed.get(name)}" for name in NUMERICS]
        code = code_version(
            repr((self.peer.module, self.peer.kind, dict(self.peer.settings), numerics)), _peer_worker.main
        )
        return f"{self.peer.package}-{installed.get(self.peer.package, 'missing')}+{code}"


def peer_method(name: str, limit: float = LIMIT_SECONDS) -> PeerMethod:
    """The method of a name such as "peer:lunar"; nothing is installed.

    Raises
    ------
    ValueError
        If there is no such peer.
    """
    peer = PEERS.get(name.removeprefix(PREFIX))
    if peer is None:
        raise ValueError(f"there is no method {name!r}; choose from {', '.join(PREFIX + one for one in PEERS)}")
    return PeerMethod(name, peer, python_of(peer.environment.name), limit)


def install(methods: Sequence[str]) -> None:
    """Install what the peers among the methods need.

    Raises
    ------
    PeerError
        If something cannot be installed.
    """
    named = [peer_method(name) for name in methods if name.startswith(PREFIX)]
    for environment in dict.fromkeys(method.peer.environment for method in named):
        environment.install()
