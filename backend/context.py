"""What every room of the engine is handed: where state lies, how to tell of changes, who may compute."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from backend import wire
from backend.bus import Bus
from backend.jobs.pauses import Pauses
from backend.jobs.queue import JobQueue
from backend.paths import Paths
from backend.store.database import Database

DEFAULT = 1
"""The number of the project that is always there."""


@dataclass
class Projects:
    """The projects by number, and the one that every screen shows; shared by all copies of a context."""

    names: dict[int, str] = field(default_factory=lambda: {DEFAULT: "default"})
    shown: int = DEFAULT


@dataclass
class Context:
    """One engine's parts; made by `engine`, closed there in reverse."""

    paths: Paths
    db: Database
    bus: Bus
    jobs: JobQueue
    hosts: Any
    """The hosted models (`serve.hosting.Hosts`), a room further down than this one may name."""
    public_url: str
    started: float
    """Seconds since the epoch."""
    on_run_finished: list[Callable[[wire.Run], Awaitable[None]]] = field(default_factory=list)
    projects: Projects = field(default_factory=Projects)
    pauses: Pauses = field(default_factory=Pauses)
    models: dict[str, Any] = field(default_factory=dict)
    """Base models that were added, by name (`models.catalog.ModelInfo`, a room further down than this one may name)."""
    within: int | None = None
    """The project that this copy is about; None: whichever is shown."""

    @property
    def project(self) -> int:
        """Number of the project that sources, scans and runs are looked for in."""
        return self.projects.shown if self.within is None else self.within

    @property
    def project_name(self) -> str:
        """Its name; empty where it has been removed."""
        return self.projects.names.get(self.project, "")

    def inside(self, project: int) -> "Context":
        """The same parts, about one project: a job stays with its own whatever is shown meanwhile."""
        return replace(self, within=project)

    def pinned(self) -> "Context":
        """The same parts, about the project of now."""
        return self.inside(self.project)

    def setting(self, name: str) -> str:
        """The name of a setting that each project has for itself."""
        return name if self.project == DEFAULT else f"{name}@{self.project}"

    def tell(self, kind: str, data: Any) -> None:
        """Tell every client of a change in this project; those who look at another learn of it when they come here."""
        if self.project == self.projects.shown:
            self.bus.publish(kind, data)
