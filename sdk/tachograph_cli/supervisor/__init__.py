"""Keeps a set of processes running: start in order, restart, give up loudly, stop cleanly."""

from tachograph_cli.supervisor.events import Event, EventKind
from tachograph_cli.supervisor.loop import Supervisor
from tachograph_cli.supervisor.policy import RestartPolicy
from tachograph_cli.supervisor.probes import AliveProbe, CommandProbe, HttpProbe, Probe
from tachograph_cli.supervisor.service import Service, ServiceSpec, State

__all__ = [
    "AliveProbe",
    "CommandProbe",
    "Event",
    "EventKind",
    "HttpProbe",
    "Probe",
    "RestartPolicy",
    "Service",
    "ServiceSpec",
    "State",
    "Supervisor",
]
