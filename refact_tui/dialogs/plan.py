"""The plan of a run, shown before anything starts: Start has the focus, every value may be overridden."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from backend import wire
from refact_tui.client import EngineError, EngineUnreachable
from refact_tui.signs import clean
from refact_tui.words_of_runs import plan_lines, value_of, value_text

Ask = Callable[[wire.StartRun], Awaitable[wire.Plan]]


class PlanDialog(ModalScreen[wire.StartRun | None]):
    """Returns what to start, or None; `ask` is the engine's planner, which also judges every value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="plan.cancel"),
        Binding("ctrl+s", "start", "start", id="plan.start"),
        Binding("ctrl+t", "advanced", "advanced", id="plan.advanced"),
    ]
    DEFAULT_CSS = """
    PlanDialog {
        align: center middle;
        & > Vertical { width: 76; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        #plan-fields { height: auto; }
        .plan-field { height: 1; }
        .plan-field Label { width: 20; }
        .plan-field Input { width: 1fr; border: none; height: 1; padding: 0 1; background: $surface-lighten-1; }
        .plan-field Input:focus { background: $primary-muted; }
        .mine Label { text-style: bold; }
        .refused Label { color: $text-error; text-style: bold; }
        #plan-text { height: auto; margin: 1 0 0 0; }
        #plan-problem { height: auto; color: $text-error; }
        #plan-advanced { height: auto; max-height: 9; display: none; margin: 1 0 0 0; }
        #plan-advanced.open { display: block; }
        #plan-buttons { height: 1; margin: 1 0 0 0; }
        #plan-buttons Button { margin: 0 2 0 0; min-width: 12; }
    }
    """

    def __init__(self, ask: Ask, model: str | None = None) -> None:
        super().__init__()
        self._ask = ask
        self._model = model
        self._shown: dict[str, str] = {}
        """What the plan chose for each setting, as text: a field that says something else is the user's."""
        self._touched = ""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Plan a run"
            box.border_subtitle = "enter start · tab next · ctrl+t advanced · esc cancel"
            with Vertical(id="plan-fields"):
                yield self._field("name", "name", "chosen for you")
                yield self._field("steps", "steps", "planned")
                yield self._field("minutes", "minutes", "planned")
            yield Static("Planning…", id="plan-text", markup=False)
            yield Static("", id="plan-problem", markup=False)
            yield VerticalScroll(id="plan-advanced", can_focus=False)
            with Horizontal(id="plan-buttons"):
                yield Button("Start", id="plan-start", variant="primary", compact=True)
                yield Button("Advanced", id="plan-more", compact=True)
                yield Button("Cancel", id="plan-cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one("#plan-start", Button).focus()
        self.plan()

    def _field(self, name: str, label: str, hint: str, value: str = "") -> Horizontal:
        return Horizontal(
            Label(label, markup=False),
            Input(value, placeholder=hint, name=name, select_on_focus=True),
            classes="plan-field",
            name=name,
        )

    def request(self) -> wire.StartRun:
        """What the fields say now; a field left empty is planned. Raises ValueError in words."""
        typed = {field.name or "": field.value.strip() for field in self.query("#plan-fields Input").results(Input)}
        return wire.StartRun(
            name=typed["name"] or None,
            model=self._model,
            steps=_number(typed["steps"], "steps", int),
            minutes=_number(typed["minutes"], "minutes", float),
            settings=self._overrides(),
        )

    def _overrides(self) -> dict[str, Any]:
        typed = {field.name or "": field.value.strip() for field in self.query("#plan-advanced Input").results(Input)}
        return {name: value_of(text) for name, text in typed.items() if text and text != self._shown[name]}

    @work(exclusive=True, group="plan")
    async def plan(self) -> None:
        """Ask for the plan of what the fields say and show it, or why it is refused."""
        await self._planned()

    async def _planned(self) -> wire.StartRun | None:
        """What was asked for, if the engine has a plan for it."""
        try:
            request = self.request()
            plan = await self._ask(request)
        except ValueError as error:
            self._refuse(str(error), "")
        except (EngineError, EngineUnreachable) as error:
            self._refuse(error.message, error.hint)
        else:
            self._mark("")
            self.query_one("#plan-text", Static).update("\n".join(plan_lines(plan)))
            self.query_one("#plan-problem", Static).update("")
            self._show_settings(plan, request)
            return request
        return None

    def _refuse(self, message: str, hint: str) -> None:
        self._mark(self._touched)
        if not self._shown:
            self.query_one("#plan-text", Static).update("")
        self.query_one("#plan-problem", Static).update("✗ " + clean(f"{message} {hint}".strip()))

    def _mark(self, name: str) -> None:
        for field in self.query(".plan-field"):
            field.set_class(field.name == name, "refused")

    def _show_settings(self, plan: wire.Plan, request: wire.StartRun) -> None:
        """The advanced fields follow the plan, except those the user has changed or is typing in."""
        box = self.query_one("#plan-advanced", VerticalScroll)
        texts = {name: value_text(value) for name, value in plan.settings.items() if name not in request.settings}
        if not self._shown:
            self._shown = texts
            box.mount_all(self._field(name, name, "planned", text) for name, text in texts.items())
            return
        for field in box.query(Input):
            if field.name in texts and not field.has_focus:
                field.value = self._shown[field.name] = texts[field.name]
            if field.parent is not None:
                field.parent.set_class(field.name in request.settings, "mine")

    @on(Input.Blurred)
    @on(Input.Submitted)
    def _read(self, event: Input.Blurred | Input.Submitted) -> None:
        self._touched = event.input.name or ""
        self.plan()

    @on(Button.Pressed, "#plan-start")
    def action_start(self) -> None:
        """Start what was planned; what is refused stays here with its reason."""
        self._start()

    @work(exclusive=True, group="plan")
    async def _start(self) -> None:
        request = await self._planned()
        if request is not None:
            self.dismiss(request)

    @on(Button.Pressed, "#plan-more")
    def action_advanced(self) -> None:
        """Open or close the list of every setting."""
        box = self.query_one("#plan-advanced", VerticalScroll)
        if not self._shown:
            self.app.bell()
            return
        box.toggle_class("open")
        fields = list(box.query(Input))
        if box.has_class("open") and fields:
            fields[0].focus()
        else:
            self.query_one("#plan-start", Button).focus()

    @on(Button.Pressed, "#plan-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)


def _number(text: str, name: str, kind: type[int] | type[float]) -> Any:
    if not text:
        return None
    try:
        return kind(text.replace(" ", ""))
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}.") from None
