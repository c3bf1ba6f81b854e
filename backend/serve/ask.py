"""One question about code for the shell and the TUI, put to a model here or elsewhere."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from backend import wire
from backend.context import Context
from backend.errors import BadRequest, Elsewhere
from backend.serve import chat, passthrough, toolbox
from backend.serve.request import Delta, named
from backend.serve.upstreams import Found, find

ROUTE = "chat/completions"


async def ask(ctx: Context, question: wire.Ask) -> wire.Said:
    """What the model answers; milliseconds from here.

    Raises BadRequest for no question and for a model without a chat template, NotFound for an unknown command, model or
    checkpoint, Elsewhere for another server that fails, Overloaded, NotReady."""
    asked, began = _body(ctx, question), time.perf_counter()
    if found := find(ctx, question.model or ""):
        answer = await passthrough.whole(ctx, found, ROUTE, {**asked, "model": found.model})
        return _read(found, answer, began)
    async with aclosing(_here(ctx, question, asked, began, stream=False)) as pieces:
        async for piece in pieces:
            if isinstance(piece, wire.Said):
                return piece
    raise AssertionError("an answer without an end")


async def pieces(ctx: Context, question: wire.Ask) -> AsyncGenerator[str | wire.Said, None]:
    """The same answer as it comes, and at its end the whole of it. Raises what `ask` raises."""
    asked, began = _body(ctx, question), time.perf_counter()
    found = find(ctx, question.model or "")
    told = _there(ctx, found, asked, began) if found else _here(ctx, question, asked, began, stream=True)
    async with aclosing(told):
        async for piece in told:
            yield piece


def _body(ctx: Context, question: wire.Ask) -> dict[str, Any]:
    """The question as OpenAI's chat has it, without its model."""
    if not question.command and not question.said and not question.code:
        raise BadRequest("There is no question.", "Name a command of the toolbox, or say what you want to know.")
    messages = _messages(ctx, question)
    return {"messages": messages, "max_tokens": question.max_tokens, "temperature": question.temperature}


async def _here(
    ctx: Context, question: wire.Ask, asked: dict[str, Any], began: float, stream: bool
) -> AsyncGenerator[str | wire.Said, None]:
    messages = [chat.Message(**one) for one in asked["messages"]]
    body = chat.Body(**{**asked, "messages": messages}, model=question.model, stream=stream)
    (request,) = await chat.understand(ctx, body)
    text, delta = "", Delta(text="", tokens=0)
    async with aclosing(ctx.hosts.generate(request)) as deltas:
        async for delta in deltas:
            text += delta.text
            if stream and delta.text:
                yield delta.text
    yield wire.Said(
        text=text,
        model=named(request.model, delta.checkpoint),
        tokens=delta.tokens,
        total_ms=_since(began),
        finish_reason=delta.finish_reason or "stop",
    )


async def _there(
    ctx: Context, found: Found, asked: dict[str, Any], began: float
) -> AsyncGenerator[str | wire.Said, None]:
    """The other server's answer, whose packets are put together to one like that in one piece."""
    text, end, count = "", None, 0
    usage: dict[str, Any] = {}
    told = {**asked, "model": found.model, "stream": True}
    async with aclosing(passthrough.pieces(ctx, found, ROUTE, told)) as packets:
        async for packet in packets:
            piece, why = _piece(packet)
            end = why or end
            usage = packet["usage"] if isinstance(packet.get("usage"), dict) else usage
            if piece:
                text, count = text + piece, count + 1
                yield piece
    choice = {"message": {"content": text}, "finish_reason": end}
    yield _read(found, {"choices": [choice], "usage": usage or {"completion_tokens": count}}, began)


def _piece(packet: dict[str, Any]) -> tuple[str, Any]:
    """The text in one packet of a stream and why it ends, if it says so; nothing where it is no such packet."""
    try:
        text, end = packet["choices"][0]["delta"].get("content"), packet["choices"][0].get("finish_reason")
    except (KeyError, IndexError, TypeError, AttributeError):
        return "", None
    return text if isinstance(text, str) else "", end


def _messages(ctx: Context, question: wire.Ask) -> list[dict[str, str]]:
    box = toolbox.read(ctx.paths.toolbox_toml)
    if question.command:
        command = box.commands.get(question.command)
        lines = len(question.code.splitlines())
        if command and not command.selection[0] <= lines <= max(command.selection[1], command.selection[0]):
            fewest, most = command.selection
            raise BadRequest(f"{question.command} wants {fewest} to {most} lines of code, not {lines}.")
        if command and command.words and not question.said:
            raise BadRequest(f"{question.command} wants your own words too.", "Say what is to be done.")
        messages = toolbox.messages(box, question.command, question.code, question.file, question.line)
        said = question.said
    else:
        code = f"```\n{question.code}\n```" if question.code else ""
        messages = [{"role": "system", "content": box.system}, {"role": "user", "content": question.said}]
        said = code
    if said:
        messages[-1]["content"] = f"{messages[-1]['content']}\n\n{said}".strip()
    messages[1:1] = [{"role": one.role, "content": one.text} for one in question.before]
    return messages


def _read(found: Found, answer: dict[str, Any], began: float) -> wire.Said:
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
        wire.ToolboxCommand(name=name, title=one.title, fewest=one.selection[0], most=one.selection[1], words=one.words)
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
