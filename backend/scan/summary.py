"""A scan in figures, counted in SQL from the files themselves, so that totals always add up."""

from backend import wire
from backend.context import Context
from backend.scan.filter import WARNED
from backend.scan.rules import ORDER
from backend.scan.table import language_counts
from backend.scan.verdict import Policy

BUCKET = 0.25
BUCKETS = 32
HELD_OUT: dict[wire.SplitBy, tuple[str, ...]] = {
    "time": ("Held out: the most recently changed.",),
    "hash": ("Held out: by hash.",),
    "mixed": ("Held out: the most recently changed where git tells, else by hash.",),
    "": (),
}


async def counted(ctx: Context, scan: wire.Scan, rule: Policy, notes: list[str], by: wire.SplitBy = "") -> wire.Scan:
    """`scan` with the figures of now."""
    reasons = await _counts(ctx, "reason", "verdict = 'rejected'")
    languages = await _counts(ctx, "language", "verdict = 'accepted'")
    sets = await _counts(ctx, "set_name", "verdict = 'accepted'")
    accepted, rejected = sum(languages.values()), sum(reasons.values())
    ordered = {reason: reasons[reason] for reason in ORDER if reason in reasons}
    of_model = reasons.get("loss_too_high", 0) + reasons.get("filter_empty", 0)
    rows = await ctx.db.fetch_all(
        "SELECT MIN(CAST(loss / ? AS INTEGER), ?) AS bucket, COUNT(*) AS files FROM files "
        "WHERE project_id = ? AND loss IS NOT NULL AND size > 0 GROUP BY bucket",
        (BUCKET, BUCKETS - 1, ctx.project),
    )
    histogram = [0] * BUCKETS
    for row in rows:
        histogram[row["bucket"]] = row["files"]
    counts = await language_counts(ctx)
    switches = [
        wire.LanguageCount(language=name, files=count, on=name in rule.on)
        for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    warned = await ctx.db.fetch_one(
        f"SELECT COUNT(*) AS files FROM files f WHERE f.project_id = ? AND {WARNED}", (ctx.project,)
    )
    warnings = warned["files"] if warned else 0
    return wire.Scan(
        id=scan.id,
        state=scan.state,
        stage=scan.stage,
        files=accepted + rejected,
        accepted=accepted,
        rejected=rejected,
        reasons=ordered,
        languages=dict(sorted(languages.items(), key=lambda item: (-item[1], item[0]))),
        train=sets.get("train", 0),
        test=sets.get("test", 0),
        elapsed_s=scan.elapsed_s,
        threshold=rule.threshold if rule.threshold < 1e6 else 0.0,
        stage1_accepted=accepted + of_model,
        warnings=warnings,
        model=scan.model,
        histogram=histogram if any(histogram) else [],
        switches=switches,
        split=by,
        detail=" ".join([sentence(accepted + rejected, accepted, ordered, warnings), *HELD_OUT[by], *notes]).strip(),
        ended=scan.ended,
        job=scan.job,
    )


def sentence(files: int, accepted: int, reasons: dict[str, int], warnings: int = 0) -> str:
    """What came of it, in words that name what is wrong where nothing was accepted."""
    if not files:
        return "The sources have no files."
    ordered = sorted(reasons.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{_apart(count)} {reason}" for reason, count in ordered)
    text = f"{_apart(accepted)} of {_apart(files)} files accepted" + (f": {parts}" if parts and not accepted else "")
    warned = f" {_apart(warnings)} of them may hold a secret (filter: warning:secret)." if warnings else ""
    return text + ("; nothing to train on." if not accepted else ".") + warned


def _apart(number: int) -> str:
    """`12 480`, as every screen writes it."""
    return f"{number:,}".replace(",", " ")


async def _counts(ctx: Context, column: str, where: str) -> dict[str, int]:
    rows = await ctx.db.fetch_all(
        f"SELECT {column} AS name, COUNT(*) AS files FROM files WHERE project_id = ? AND {where} GROUP BY {column}",
        (ctx.project,),
    )
    return {row["name"] or "": row["files"] for row in rows}
