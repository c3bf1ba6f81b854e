"""The plan of a run, shown before anything starts: Start has the focus, every value may be overridden."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, cast

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
from refact_tui.words_of_runs import plan_lines, value_of, value_text
from refact_tui.words_of_settings import limits

Ask = Callable[[wire.StartRun], Awaitable[wire.Plan]]
Start = Callable[[wire.StartRun], Awaitable[wire.Run]]
STEPS = "train_steps"
"""The setting that the field `steps` stands for."""
MEASURED_S = 2.0
"""Until a plan whose time is being measured is asked for again."""
FROM, READ, SERVE, BESIDE = "from", "read", "serve", "beside"


class PlanDialog(ModalScreen[wire.Run | None]):
    """Returns the run that was started, or None. `ask` is the engine's planner, which also judges every value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "cancel", id="plan.cancel"),
        Binding("ctrl+s", "start", "start", id="plan.start"),
        Binding("ctrl+t", "advanced", "advanced", id="plan.advanced"),
        Binding("ctrl+o", "fit", "make it fit", id="plan.fit"),
    ]
    DEFAULT_CSS = """
    PlanDialog {
        align: center middle;
        & > Vertical { width: 78; max-width: 100%; height: auto; max-height: 100%; }
        & > Vertical { border: round $primary; padding: 0 1; background: $surface; }
        #plan-fields { height: auto; }
        #plan-text { height: auto; margin: 1 0 0 0; }
        #plan-problem { height: auto; color: $text-error; display: none; }
        #plan-problem.-open { display: block; }
        #plan-advanced { height: 50vh; display: none; margin: 1 0 0 0; }
        #plan-advanced.open { display: block; }
        &.-advanced #plan-text, &.-advanced #plan-advanced, &.-advanced #plan-buttons { margin: 0; }
        #plan-buttons { height: 1; margin: 1 0 0 0; }
        #plan-buttons Button { margin: 0 2 0 0; min-width: 12; }
        #plan-fit { display: none; }
        #plan-fit.-open { display: block; }
    }
    """

    def __init__(self, ask: Ask, start: Start, infos: Sequence[wire.SettingInfo], models: Sequence[str] = ()) -> None:
        super().__init__()
        self._ask, self._begin = ask, start
        self._infos = {info.name: info for info in infos}
        self._models = models
        self._shown: dict[str, str] = {}
        """What the plan chose for each setting, as text: a field that says something else is the user's."""
        self._touched = ""
        self._offer: dict[str, Any] = {}
        """Settings with which a run fits that does not."""

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Plan a run"
            box.border_subtitle = "enter start · tab next · ctrl+t advanced · ctrl+s start · esc cancel"
            with Vertical(id="plan-fields"):
                yield SettingField("name", hint="chosen for you")
                names = [clean(model) for model in self._models]
                yield SettingField("model", hint="", limits=" or ".join(names[:3]))
                most = self._infos[STEPS].high if STEPS in self._infos else None
                yield SettingField("steps", limits=f"1 … {value_text(most)}" if most else "")
                yield SettingField("minutes", limits="about how long to train")
            yield VerticalScroll(*_of_the_run(), id="plan-advanced", can_focus=False)
            yield Static("Planning…", id="plan-text", markup=False)
            yield Static("", id="plan-problem", markup=False)
            with Horizontal(id="plan-buttons"):
                yield Button("Start", id="plan-start", variant="primary", compact=True)
                yield Button("Make it fit", id="plan-fit", compact=True)
                yield Button("Advanced", id="plan-more", compact=True)
                yield Button("Cancel", id="plan-cancel", compact=True)

    def on_mount(self) -> None:
        self.query_one("#plan-start", Button).focus()
        self.plan()

    def request(self) -> wire.StartRun:
        """What the fields say now; a field left empty is planned. Raises ValueError in words."""
        typed = {field.name or "": field.typed for field in self._fixed()}
        return wire.StartRun(
            name=typed["name"] or None,
            model=typed["model"] or None,
            steps=number_of(typed["steps"], "steps", int),
            minutes=number_of(typed["minutes"], "minutes", float),
            settings=self._overrides(),
            continue_from=typed[FROM] or None,
            new_only=_either(typed[READ], READ, "all", "new"),
            only_if_better=_either(typed[SERVE], SERVE, "always", "better"),
            beside=_beside(typed[BESIDE]),
        )

    def _overrides(self) -> dict[str, Any]:
        typed = {field.name or "": field.typed for field in self._advanced()}
        return {name: value_of(text) for name, text in typed.items() if text and text != self._shown[name]}

    def _fixed(self) -> list[SettingField]:
        """The fields that are there whatever the plan says."""
        return list(self.query("#plan-fields SettingField, .of-the-run").results(SettingField))

    def _advanced(self) -> list[SettingField]:
        return [
            one for one in self.query("#plan-advanced SettingField").results(SettingField) if one.name in self._shown
        ]

    @work(exclusive=True, group="plan")
    async def plan(self) -> None:
        """Ask for the plan of what the fields say and show it, or why it is refused."""
        await self._planned()

    async def _planned(self) -> wire.StartRun | None:
        """What was asked for, if the engine has a plan for it."""
        try:
            request = self.request()
            with waiting_in_title(self.query_one(Vertical), "planning…"):
                plan = await self._ask(request)
        except ValueError as error:
            self._refuse(str(error), "")
        except (EngineError, EngineUnreachable) as error:
            self._refuse(error.message, error.hint)
        else:
            self._refuse("", "")
            self.query_one("#plan-text", Static).update("\n".join(plan_lines(plan)))
            self._fixed()[1].input.placeholder = clean(plan.model)
            await self._show_settings(plan, request)
            self._offer = plan.offer or {}
            if plan.speed == "measuring":
                self.set_timer(MEASURED_S, self.plan)
            self.query_one("#plan-fit", Button).set_class(bool(self._offer), "-open")
            return request
        return None

    def _refuse(self, message: str, hint: str) -> None:
        """Say what is wrong below the field that it is about, or else below the plan; nothing clears it."""
        about = self._about(message)
        for field in self.query(SettingField):
            field.refuse(f"{message} {hint}".strip() if field.name == about and message else "")
        problem = self.query_one("#plan-problem", Static)
        problem.update("✗ " + clean(f"{message} {hint}".strip()))
        problem.set_class(bool(message) and not about, "-open")
        if message and not self._shown:
            self.query_one("#plan-text", Static).update("")

    def _about(self, message: str) -> str:
        """The field that a refusal is about: the one it begins with, the name it quotes, or the one typed in last."""
        first = message.partition(" ")[0]
        names = [field.name or "" for field in self.query(SettingField)]
        if first in names:
            return first
        if first == STEPS:
            return "steps"
        for field in self._fixed():
            if field.name in ("name", "model", FROM) and field.typed and field.typed in message:
                return field.name
        return self._touched if self._touched in ("steps", "minutes") else ""

    async def _show_settings(self, plan: wire.Plan, request: wire.StartRun) -> None:
        """The advanced fields follow the plan, except those the user has changed or is typing in."""
        texts = {
            name: value_text(value)
            for name, value in plan.settings.items()
            if name not in request.settings and name != STEPS
        }
        if not self._shown:
            self._shown = texts
            box = self.query_one("#plan-advanced", VerticalScroll)
            await box.mount_all([self._field(name, text) for name, text in texts.items()])
            return
        for field in self._advanced():
            name = field.name or ""
            if name in texts and not field.input.has_focus:
                field.input.value = self._shown[name] = texts[name]
            field.own(name in request.settings)

    def _field(self, name: str, text: str) -> SettingField:
        info = self._infos.get(name)
        about = {"limits": limits(info), "meaning": clean(info.meaning)} if info else {}
        return SettingField(name, value=text, **about)

    @on(Input.Blurred)
    @on(Input.Submitted)
    def _read(self, event: Input.Blurred | Input.Submitted) -> None:
        self._touched = event.input.name or ""
        self.plan()

    @on(Button.Pressed, "#plan-start")
    def action_start(self) -> None:
        """Start what was planned; what is refused stays here with its reason."""
        self._start()

    @work(exclusive=True, group="start")
    async def _start(self) -> None:
        request = await self._planned()
        if request is None:
            return
        try:
            with waiting_in_title(self.query_one(Vertical), "starting…"):
                run = await self._begin(request)
        except (EngineError, EngineUnreachable) as error:
            self._refuse(error.message, error.hint)
        else:
            self.dismiss(run)

    @on(Button.Pressed, "#plan-more")
    def action_advanced(self) -> None:
        """Open or close the list of every setting."""
        if not self._shown:
            self.app.bell()
            return
        box = self.query_one("#plan-advanced", VerticalScroll)
        box.toggle_class("open")
        self.set_class(box.has_class("open"), "-advanced")
        if box.has_class("open"):
            box.query_one(SettingField).input.focus()
        else:
            self.query_one("#plan-start", Button).focus()

    @on(Button.Pressed, "#plan-fit")
    def action_fit(self) -> None:
        """Take the settings that the plan offers where the run does not fit."""
        if not self._offer:
            self.app.bell()
            return
        for field in self._advanced():
            if field.name in self._offer:
                field.input.value = value_text(self._offer[field.name])
        self.query_one("#plan-start", Button).focus()
        self.plan()

    @on(Button.Pressed, "#plan-cancel")
    def action_cancel(self) -> None:
        self.dismiss(None)


def _of_the_run() -> list[SettingField]:
    """Fields for what a run begins with and what becomes of it."""
    return [
        SettingField(
            FROM,
            hint="the base model",
            limits="a checkpoint RUN:STEP",
            meaning="Its adapters are trained further.",
            classes="of-the-run",
        ),
        SettingField(
            READ,
            hint="all",
            limits="all or new",
            meaning="new: only files that it has not seen, and as many that it has.",
            classes="of-the-run",
        ),
        SettingField(
            SERVE,
            hint="always",
            limits="always or better",
            meaning="better: it becomes the latest best only where it beats what is served.",
            classes="of-the-run",
        ),
        SettingField(
            BESIDE,
            hint="refuse",
            limits="pause or wait",
            meaning="Where memory is short: what is served pauses meanwhile, or the run waits.",
            classes="of-the-run",
        ),
    ]


def _beside(text: str) -> wire.Beside:
    if text not in ("", "pause", "wait"):
        raise ValueError(f"{BESIDE} must be pause or wait, not {text!r}.")
    return cast(wire.Beside, text)


def _either(text: str, name: str, usual: str, other: str) -> bool:
    """Whether the other of two words was typed."""
    if text not in ("", usual, other):
        raise ValueError(f"{name} must be {usual} or {other}, not {text!r}.")
    return text == other
