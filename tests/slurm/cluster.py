"""A throw-away SLURM cluster on one machine: munged, slurmctld and two slurmd from the system's packages.

All of it lies in one folder, nothing in /etc; ports are free ones; what is ended is ended by the process ids noted
there. To try the workflow on it by hand, `cd tests; python -m slurm.cluster` prints two variables to export and stays
until Ctrl-C.
"""

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import waiting

NODES = ("c1", "c2")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # where Debian keeps daemons

# CPUs and memory are only said to be there. Memory is sampled, and a job over its share killed, without cgroups. No
# daemon gives another up because it is slow to answer: what a node's end means is said by `kill_node`.
_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
SlurmdParameters=config_overrides
SchedulerParameters=bf_interval=2,sched_interval=2,batch_sched_delay=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
JobAcctGatherParams=OverMemoryKill
MinJobAge=3600
ReturnToService=2
SlurmdTimeout=0
MessageTimeout=100
TCPTimeout=100
BatchStartTimeout=3600
UnkillableStepTimeout=3600
KillWait=2
JobRequeue=0
"""
_NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 Boards=1 SocketsPerBoard=1 "
    "CoresPerSocket=4 ThreadsPerCore=1 RealMemory=32000 State=UNKNOWN\n"
)


def missing() -> list[str]:
    """The programs that are not installed; Debian and Ubuntu have them as `slurm-wlm` and `munge`."""
    return [name for name in PROGRAMS if not shutil.which(name, path=_PATH)]


class Cluster:
    """The cluster of one folder; `environment` is what a process needs to submit to it."""

    def __init__(self, folder: Path):
        self.folder = folder
        shims = folder / "bin"
        shims.mkdir(parents=True)
        conf, srun = folder / "slurm.conf", shutil.which("srun", path=_PATH)
        # Snakemake's job step drops all SLURM variables but the job's own; a site has its slurm.conf in /etc
        (shims / "srun").write_text(f'#!/bin/sh\nSLURM_CONF="{conf}" exec {srun} "$@"\n')
        (shims / "srun").chmod(0o755)
        self.environment = {**os.environ, "SLURM_CONF": str(conf), "PATH": f"{shims}{os.pathsep}{_PATH}"}

    def start(self) -> None:
        """Start every daemon and wait until the nodes are idle."""
        folder, host = self.folder, socket.gethostname().split(".")[0]
        for name in ("state", *NODES):
            (folder / name).mkdir()
        with contextlib.ExitStack() as held:
            sockets = [held.enter_context(socket.socket()) for _ in ("slurmctld", *NODES)]
            for each in sockets:
                each.bind(("127.0.0.1", 0))
            first, *others = (each.getsockname()[1] for each in sockets)
        conf = _CONF.format(folder=folder, host=host, port=first, user=getpass.getuser())
        for name, port in zip(NODES, others, strict=True):
            conf += _NODE.format(name=name, host=host, port=port)
        (folder / "slurm.conf").write_text(
            conf + "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP\n"
        )
        key = folder / "munge.key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(1024))
        options = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self._run(
            "munged",
            "--force",
            f"--key-file={key}",
            *(f"--{name}={folder}/munge.{ending}" for name, ending in options.items()),
        )
        self._run("slurmctld", "-c")
        for name in NODES:
            self.start_node(name)
        self.wait("idle nodes", lambda: self.ask("sinfo", "-hN", "-o%t").split() == ["idle"] * len(NODES))

    def start_node(self, name: str) -> None:
        """Start one slurmd; of a node that was lost the controller hears that it is back."""
        self._run("slurmd", "-N", name)

    def kill_node(self, name: str) -> None:
        """SIGKILL a node's slurmd, its step daemons and their processes, as a machine that loses power would."""
        parents = waiting.processes()
        steps = [pid for pid in parents if f"{self.folder}/{name}.log" in waiting.open_files(pid)]
        self._kill(self.folder / f"{name}.pid")
        for pid in steps:  # before what they watch, or they would tell of its end
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in [child for child, parent in parents.items() if parent in steps]:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(os.getpgid(pid), signal.SIGKILL)

    def lose_node(self, name: str) -> None:
        """Kill a node amid its work and tell the controller, which would find out when the node answers no more."""
        self.kill_node(name)
        self.ask("scontrol", "update", f"nodename={name}", "state=down", "reason=lost")

    def stop(self) -> None:
        """Cancel what runs and end the daemons."""
        with contextlib.suppress(subprocess.SubprocessError, waiting.Stuck):
            self.ask("scancel", "--quiet", f"--user={getpass.getuser()}")
            self.wait("the last job", lambda: not self.ask("squeue", "-h"), still=60)
        for name in NODES:
            self.kill_node(name)
        for daemon in ("slurmctld", "munge"):
            self._kill(self.folder / f"{daemon}.pid")

    def ask(self, *command: str) -> str:
        """What a program of SLURM prints."""
        options = {"env": self.environment, "check": True}
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, **options).stdout

    def wait(self, what: str, reached: Callable[[], object], **options: float) -> object:
        """The first true answer of `reached`, while the daemons' logs tell of something."""
        try:
            return waiting.until(what, reached, self.told, **options)
        except waiting.Stuck as stuck:
            logs = "\n".join(path.read_text()[-1500:] for path in self.folder.glob("*.log"))
            raise waiting.Stuck(f"{stuck}\n{logs}") from None

    def told(self) -> tuple[int, ...]:
        """How much each daemon has written to its log."""
        return tuple(path.stat().st_size for path in sorted(self.folder.glob("*.log")))

    def _run(self, *command: str) -> None:
        subprocess.run(command, env=self.environment, check=True)

    @staticmethod
    def _kill(pidfile: Path) -> None:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError):
            os.kill(int(pidfile.read_text()), signal.SIGKILL)
        pidfile.unlink(missing_ok=True)


@contextlib.contextmanager
def running():
    """A cluster of its own for a while."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:  # a short path: munged's socket bears no long one
        cluster = Cluster(Path(name))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


if __name__ == "__main__":
    with running() as demo:
        for variable in ("SLURM_CONF", "PATH"):
            print(f"export {variable}={demo.environment[variable]!r}")
        print(f"# {demo.folder}: until Ctrl-C", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
