"""Numbers and times as the words a person reads; pure."""

from datetime import UTC, datetime

NONE = "–"
_UNITS = ("B", "KB", "MB", "GB", "TB")
_STEPS = ((86400, "d"), (3600, "h"), (60, "m"))


def count(number: int | None) -> str:
    """`12 480`: thousands apart, so that long numbers can be read."""
    return NONE if number is None else f"{number:,}".replace(",", " ")


def size(number: int | float | None) -> str:
    """Bytes as `18 MB`, 1024 to the step; one decimal below ten."""
    if number is None:
        return NONE
    value = float(number)
    for unit in _UNITS:
        if abs(value) < 1000 or unit == _UNITS[-1]:
            break
        value /= 1024
    if unit == "B" or abs(value) >= 9.95:
        return f"{value:.0f} {unit}"
    return f"{value:.1f} {unit}"


def parameters(number: int) -> str:
    """`8.0 M`, `1.5 B`: how large a model is; a dash where nobody knows."""
    if number <= 0:
        return NONE
    return f"{number / 1e9:.1f} B" if number >= 1e9 else f"{number / 1e6:.1f} M"


def duration(seconds: float | None) -> str:
    """`9s`, `22m`, `3h12m`, `2d4h`: the two largest steps that matter."""
    if seconds is None:
        return NONE
    left = max(0, round(seconds))
    if left < 60:
        return f"{left}s"
    if left < 3600:
        return f"{left // 60}m" if left >= 600 else f"{left // 60}m{left % 60:02}s"
    if left < 86400:
        return f"{left // 3600}h{left % 3600 // 60:02}m"
    return f"{left // 86400}d{left % 86400 // 3600}h"


def uptime(seconds: float) -> str:
    """A duration that ticks once a minute after the first: `9s`, `2m`, `3h12m`."""
    return f"{int(seconds // 60)}m" if 60 <= seconds < 3600 else duration(int(seconds))


def ago(when: str | None, now: datetime | None = None) -> str:
    """An ISO 8601 time as `2 m ago`; `–` for none or what is no time."""
    seconds = seconds_since(when, now)
    if seconds is None:
        return NONE
    for step, letter in _STEPS:
        if seconds >= step:
            return f"{int(seconds // step)} {letter} ago"
    return "just now"


def loss(value: float | None) -> str:
    """Nats per token with three decimals."""
    return NONE if value is None else f"{value:.3f}"


def percent(value: float | None) -> str:
    """A share of 0..1 as `21 %`."""
    return NONE if value is None else f"{value * 100:.0f} %"


def change(new: float | None, base: float | None) -> str:
    """How much `new` lies over or under `base`, as `−18 %`."""
    if new is None or not base:
        return NONE
    share = round((new - base) / base * 100)
    if share == 0:
        return "±0 %"
    return f"+{share} %" if share > 0 else f"−{-share} %"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 job`, `2 jobs`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def bar(share: float, width: int) -> str:
    """A share of 0..1 as blocks in at most `width` cells; something stays something."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return "█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")


def gauge(share: float, width: int) -> str:
    """The same in exactly `width` cells: what is still to come is dots, so that nothing behind it moves."""
    done = bar(share, width)
    return done + "·" * (width - len(done))


def amount(number: int, unit: str = "") -> str:
    """`12 480 files`, `1.2 MB` where the unit is bytes or KB."""
    if unit in ("bytes", "KB"):
        return size(number * (1024 if unit == "KB" else 1))
    return f"{count(number)} {unit}".rstrip()


def pace(
    done: int,
    total: int,
    unit: str = "",
    rate: float | None = None,
    elapsed_s: float | None = None,
    eta_s: float | None = None,
) -> list[str]:
    """How far something is, part by part: ` 41%`, `41/100 files`, `12 files/s`, `elapsed 9s`, `ETA 13s`.

    Where nobody knows of how much (`total` 0) there is neither a share nor a time left."""
    parts = []
    if total:
        part = amount(done, unit) if unit in ("bytes", "KB") else count(done)
        parts += [f"{min(1.0, done / total) * 100:3.0f}%", f"{part}/{amount(total, unit)}"]
    elif done:
        parts.append(amount(done, unit))
    if rate:
        parts.append(f"{amount(round(rate), unit) if rate >= 10 else f'{rate:.2g} {unit}'.rstrip()}/s")
    if elapsed_s is not None:
        parts.append(f"elapsed {duration(elapsed_s)}")
    if total:
        parts.append(f"ETA {duration(eta_s)}")
    return parts


def seconds_since(when: str | None, now: datetime | None = None) -> float | None:
    """Seconds from an ISO 8601 time to `now`; None for none or what is no time."""
    try:
        then = datetime.fromisoformat(when or "")
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, ((now or datetime.now(UTC)) - then).total_seconds())
