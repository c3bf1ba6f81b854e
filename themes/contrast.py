"""How well one colour can be read on another: the ratio of WCAG 2, from 1 (not at all) to 21 (black on white)."""

BODY = 4.5
"""What WCAG asks of ordinary text."""


def ratio(one: str, other: str) -> float:
    """Of two colours, each `#rgb` or `#rrggbb`."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance, 0 … 1."""
    digits = colour.removeprefix("#")
    parts = [digit * 2 for digit in digits] if len(digits) == 3 else [digits[at : at + 2] for at in (0, 2, 4)]
    red, green, blue = (_linear(int(part, 16) / 255) for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)
