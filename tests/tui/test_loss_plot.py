"""The plot widget: another run at once, the same run not more than once a second, and only changed rows."""

from textual.app import App, ComposeResult

import themes
from refact_tui.chart import Curves
from refact_tui.widgets import loss_plot
from refact_tui.widgets.loss_plot import LossPlot


class Host(App[None]):
    def compose(self) -> ComposeResult:
        yield LossPlot()

    def get_theme_variable_defaults(self) -> dict[str, str]:
        found: dict[str, str] = themes.load("dark")["variables"]
        return found


def text(plot: LossPlot) -> str:
    return "\n".join(plot.render_line(y).text for y in range(plot.size.height))


async def test_shows_the_curves_of_a_run() -> None:
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LossPlot)
        assert "first point" in text(plot)
        plot.show("a", Curves(100, ((1, 2.0), (50, 1.0)), ((50, 1.2),)))
        await pilot.pause()
        assert "★" in text(plot)
        assert "first point" not in text(plot)


async def test_the_same_run_waits_for_its_second(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(loss_plot, "EVERY_S", 60.0)
    app = Host()
    async with app.run_test(size=(60, 12)) as pilot:
        plot = app.query_one(LossPlot)
        plot.show("a", Curves(100, ((1, 2.0), (50, 1.0))))
        await pilot.pause()
        before = text(plot)
        plot.show("a", Curves(100, ((1, 2.0), (50, 1.0), (90, 1.5))))
        await pilot.pause()
        assert text(plot) == before
        plot.show("b", Curves(100, ((1, 2.0), (50, 1.0), (90, 1.5))))
        await pilot.pause()
        assert text(plot) != before


async def test_only_changed_rows_are_repainted(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(loss_plot, "EVERY_S", 0.0)
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        plot = app.query_one(LossPlot)
        points = tuple((step, 2.0 - step / 100) for step in range(1, 64))
        plot.show("a", Curves(100, points[:60], base=1.0))
        await pilot.pause()
        painted: list[int] = []
        monkeypatch.setattr(plot, "refresh", lambda *regions, **_: painted.extend(region.y for region in regions))
        plot.show("a", Curves(100, points, base=1.0))
        await pilot.pause(0.1)
        assert 0 < len(painted) < 4
