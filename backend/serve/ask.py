"""One question about code for the shell and the TUI, put to a model here or elsewhere."""

import time
from contextlib import aclosing
from typing import Any

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Elsewhere
from backend.serve import chat, passthrough, toolbox
from backend.serve.request import named
from backend.serve.upstreams import Found, find


async def ask(ctx: Context, question: wire.Ask) -> wire.Said:
    """What the model answers; milliseconds from here.

    Raises BadRequest for no question and for a model without a chat template, NotFound for an unknown command, model or
    checkpoint, Elsewhere for another server that fails, Overloaded, NotReady."""
    if not question.command and not question.said and not question.code:
        raise BadRequest("There is no question.", "Name a command of the toolbox, or say what you want to know.")
    messages = await _messages(ctx, question)
    limits = {"max_tokens": question.max_tokens, "temperature": question.temperature}
    began = time.perf_counter()
    if found := find(ctx, question.model or ""):
        return await _elsewhere(ctx, found, {**limits, "messages": messages}, began)
    body = chat.Body(messages=[chat.Message(**one) for one in messages], model=question.model, **limits)  # type: ignore[arg-type]
    (asked,) = await chat.understand(ctx, body)
    text = ""
    async with aclosing(ctx.hosts.generate(asked)) as pieces:
        async for delta in pieces:
            text += delta.text
    return wire.Said(
        text=text,
        model=named(asked.model, delta.checkpoint),
        tokens=delta.tokens,
        total_ms=_since(began),
        finish_reason=delta.finish_reason or "stop",
    )


async def _messages(ctx: Context, question: wire.Ask) -> list[dict[str, str]]:
    box = toolbox.read(ctx.paths.toolbox_toml)
    if question.command:
        command = box.commands.get(question.command)
        lines = len(question.code.splitlines())
        if command and not command.selection[0] <= lines <= max(command.selection[1], command.selection[0]):
            fewest, most = command.selection
            raise BadRequest(f"{question.command} wants {fewest} to {most} lines of code, not {lines}.")
        messages = toolbox.messages(box, question.command, question.code, question.file, question.line)
        said = question.said
    else:
        code = f"```\n{question.code}\n```" if question.code else ""
        messages = [{"role": "system", "content": box.system}, {"role": "user", "content": question.said}]
        said = code
    if said:
        messages[-1]["content"] = f"{messages[-1]['content']}\n\n{said}".strip()
    return messages


async def _elsewhere(ctx: Context, found: Found, body: dict[str, Any], began: float) -> wire.Said:
    answer = await passthrough.whole(ctx, found, "chat/completions", {**body, "model": found.model})
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"]
        usage = answer.get("usage") or {}
        tokens = int(usage.get("completion_tokens") or 0)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise Elsewhere(f"{found.upstream} answers what is no answer.", "Is it a server of OpenAI's form?") from error
    return wire.Said(
        text=text if isinstance(text, str) else "",
        model=found.name,
        tokens=tokens,
        total_ms=_since(began),
        leaves_box=True,
        finish_reason="length" if choice.get("finish_reason") == "length" else "stop",
    )


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def commands(ctx: Context) -> list[wire.ToolboxCommand]:
    """The questions that may be asked. Raises BadRequest where the user's file cannot be read."""
    return [
        wire.ToolboxCommand(name=name, title=one.title, fewest=one.selection[0], most=one.selection[1])
        for name, one in toolbox.read(ctx.paths.toolbox_toml).commands.items()
    ]


async def elsewhere(ctx: Context) -> list[wire.ModelElsewhere]:
    """The models of other servers; nothing secret is told."""
    return [
        wire.ModelElsewhere(
            name=one.name,
            server=one.server.url,
            chat=one.server.chat,
            completion=one.server.completion,
            credential=one.server.credential,
        )
        for one in await ctx.hosts.elsewhere.models()
    ]
