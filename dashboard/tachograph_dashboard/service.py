"""What every page of this process shares: settings, the reader, the sessions, the collector."""

from dataclasses import dataclass

from tachograph_dashboard.collector_client import CollectorClient
from tachograph_dashboard.sessions import Sessions
from tachograph_dashboard.settings import DashboardSettings
from tachograph_store.client import Store


@dataclass(frozen=True, slots=True)
class Service:
    """Built once by the command (or a test) and installed before the first page runs."""

    settings: DashboardSettings
    store: Store
    sessions: Sessions
    collector: CollectorClient


_installed: list[Service] = []


def build(settings: DashboardSettings, store: Store) -> Service:
    """A service over a reader `store`."""
    return Service(
        settings=settings,
        store=store,
        sessions=Sessions(settings.session_hours * 3600),
        collector=CollectorClient(settings.collector_base, settings.collector_timeout_s),
    )


def install(service: Service) -> None:
    """Make `service` the one that pages of this process use."""
    _installed[:] = [service]


def installed() -> Service:
    """The service in use. Raises RuntimeError when the script was started by other means."""
    if not _installed:
        raise RuntimeError("Start the dashboard with `tachograph dashboard`.")
    return _installed[0]
