"""Where and how a model is hosted: device, numbers, context and memory, with bars of what each device has left."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, cast, get_args

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.widgets.setting_field import SettingField, number_of
from refact_tui.widgets.waiting import waiting_in_title
from refact_tui.words_of_placement import plan_lines

Plan = Callable[[wire.HostModel], Awaitable[wire.PlacementPlan]]
Load = Callable[[wire.HostModel], Awaitable[wire.Serving]]
DTYPES, PACKINGS = get_args(wire.HostDtype), get_args(wire.HostQuantisation)
NO_MODEL = "Which model?"


class PlacementDialog(ModalScreen[wire.Serving | None]):
    """Returns the host that loads now, or None. `plan` is the engine's word on what the fields say."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="placement.cancel"),
        Binding("ctrl+s", "load", "load", id="placement.load"),
    ]
    DEFAULT_CSS = """
    PlacementDialog {
        align: center middle;
        & > Vertical { width: 78; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        #placement-about { height: auto; max-height: 11; margin: 1 0 0 0; }
        #placement-text { height: auto; }
        #placement-problem { height: auto; color: $text-error; display: none; }
        #placement-problem.-open { display: block; }
        #placement-buttons { height: 1; margin: 1 0 0 0; }
        #placement-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(self, plan: Plan, load: Load, models: Sequence[str], host: wire.Serving | None = None) -> None:
        """`models` may be hosted; with `host` it is that one which is placed anew."""
        super().__init__()
        self._plan, self._load, self._models, self._host = plan, load, models, host
        self._touched = ""

    def compose(self) -> ComposeResult:
        host = self._host
        was = host.placement if host else wire.Placement()
        with Vertical() as box:
            box.border_title = f"Place {clean(host.model)}" if host else "Host a model"
            box.border_subtitle = "enter load · tab next · ctrl+s load · esc cancel"
            if host is None:
                names = [clean(model) for model in self._models]
                first = names[0] if len(names) == 1 else ""
                yield SettingField("model", hint="", value=first, limits=" or ".join(names[:2]))
            yield SettingField("device", hint="auto", value=_text(was.device, "auto"), limits="cpu, 0, or several: 0,1")
            yield SettingField("dtype", hint="auto", value=_text(was.dtype, "auto"), limits=" ".join(DTYPES))
            packed = _text(was.quantisation, "none")
            yield SettingField("quantisation", hint="none", value=packed, limits=" ".join(PACKINGS))
            yield SettingField("context", hint="all that it can", value=str(was.context or ""), limits="tokens")
            memory = "" if was.memory_gb is None else f"{was.memory_gb:g}"
            yield SettingField("memory", hint="part of what is free", value=memory, limits="GB, caches and all")
            yield SettingField("share", hint="yes", value="" if was.share else "no", limits="its GPUs with others")
            yield VerticalScroll(Static("", id="placement-text", markup=False), id="placement-about", can_focus=False)
            yield Static("", id="placement-problem", markup=False)
            with Horizontal(id="placement-buttons"):
                yield Button("Load", id="placement-load", variant="primary", compact=True)
                yield Button("Cancel", id="placement-cancel", compact=True)

    def on_mount(self) -> None:
        if self._host is None and len(self._models) > 1:
            self.query(SettingField).first().input.focus()
        else:
            self.query_one("#placement-load", Button).focus()
        self.plan()

    def request(self) -> wire.HostModel:
        """What the fields say. Raises ValueError in words."""
        typed = {field.name: field.typed for field in self.query(SettingField)}
        model = self._host.model if self._host else self._named(typed["model"])
        dtype, packed = typed["dtype"] or "auto", typed["quantisation"] or "none"
        if dtype not in DTYPES:
            raise ValueError(f"dtype is one of {', '.join(DTYPES)}.")
        if packed not in PACKINGS:
            raise ValueError(f"quantisation is one of {', '.join(PACKINGS)}.")
        if typed["share"] not in ("", "yes", "no"):
            raise ValueError("share is yes or no.")
        return wire.HostModel(
            model=model,
            placement=wire.Placement(
                device=typed["device"] or "auto",
                dtype=cast(wire.HostDtype, dtype),
                quantisation=cast(wire.HostQuantisation, packed),
                context=number_of(typed["context"], "context", int),
                memory_gb=number_of(typed["memory"], "memory", float),
                share=typed["share"] != "no",
            ),
        )

    def _named(self, typed: str) -> str:
        if not typed:
            raise ValueError(f"model: {NO_MODEL} {', '.join(clean(one) for one in self._models)}")
        return next((one for one in self._models if clean(one) == typed), typed)

    @work(exclusive=True, group="placement")
    async def plan(self) -> None:
        """Show what the fields come to, or why that cannot be."""
        await self._planned()

    async def _planned(self) -> wire.HostModel | None:
        """What was asked for, if it can be."""
        try:
            request = self.request()
            with waiting_in_title(self.query_one(Vertical), "looking for room…"):
                plan = await self._plan(request)
        except ValueError as error:
            if NO_MODEL not in str(error) or self._touched:
                self._refuse(str(error))
        except (EngineError, EngineUnreachable) as error:
            self._refuse(f"{error.message} {error.hint}".strip())
        else:
            self._refuse("")
            self.query_one("#placement-text", Static).update("\n".join(plan_lines(plan)))
            return request
        return None

    def _refuse(self, text: str) -> None:
        """Say what is wrong at the field that it is about, else below."""
        first = text.partition(" ")[0].rstrip(":")
        names = [field.name for field in self.query(SettingField)]
        about = first if first in names else self._touched
        for field in self.query(SettingField):
            field.refuse(text.removeprefix("model: ") if text and field.name == about else "")
        problem = self.query_one("#placement-problem", Static)
        problem.update(f"✗ {clean(text)}")
        problem.set_class(bool(text) and about not in names, "-open")

    @on(Input.Blurred)
    def _left(self, event: Input.Blurred) -> None:
        self._touched = event.input.name or ""
        self.plan()

    @on(Input.Submitted)
    @on(Button.Pressed, "#placement-load")
    def action_load(self) -> None:
        """Load it so; what cannot be stays here with its reason."""
        focused = self.focused
        self._touched = (focused.name if isinstance(focused, Input) else self._touched) or "model"
        self._go()

    @work(exclusive=True, group="placement")
    async def _go(self) -> None:
        request = await self._planned()
        if request is None:
            return
        try:
            with waiting_in_title(self.query_one(Vertical), "asking…"):
                found = await self._load(request)
        except (EngineError, EngineUnreachable) as error:
            self._refuse(f"{error.message} {error.hint}".strip())
        else:
            self.dismiss(found)

    @on(Button.Pressed, "#placement-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)


def _text(value: str, usual: str) -> str:
    """What a field says: nothing where it is as usual."""
    return "" if value == usual else value
