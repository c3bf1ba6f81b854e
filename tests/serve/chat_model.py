"""The starter's weights beside a chat template: a model that can be talked to, if not with."""

import shutil
from pathlib import Path

from backend import wire
from backend.models.catalog import ModelInfo, starter
from backend.models.describe import Wanted, describe
from backend.models.families import Known, shipped
from tests.serve.serving_box import Box

NAME = "starter-chat"
TEMPLATE = """{% for message in messages %}
<fim_pad>{{ message.role }}
{{ message.content | trim }}<|endoftext|>
{% endfor %}
{% if add_generation_prompt %}
<fim_pad>assistant
{% endif %}"""


def write_chat_model(folder: Path) -> ModelInfo:
    """The folder, and what is found in it."""
    shutil.copytree(starter().path, folder, ignore=shutil.ignore_patterns("starter.json"))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return describe(Wanted(name=NAME, path=str(folder)), Known(shipped()))


def host_chat_model(box: Box, folder: Path) -> ModelInfo:
    """Host it beside the starter."""
    info = write_chat_model(folder)
    box.ctx.models[NAME] = info
    box.call(box.ctx.hosts.take_up(NAME, wire.Placement()))
    return info
