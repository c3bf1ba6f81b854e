"""`python -P -m backend.checkpoints.merge JSON`: an adapter merged into its base model, as a plain folder."""

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoConfig

from backend.models.catalog import ModelInfo, from_json
from backend.models.load import load_base

WEIGHTS = (".safetensors", ".bin", ".index.json")


def merge(info: ModelInfo, adapter: Path, to: Path) -> None:
    """Base weights plus adapter in the base's own precision; tokenizer and licence files come along."""
    config = AutoConfig.from_pretrained(info.path, trust_remote_code=info.remote_code, local_files_only=True)
    base = load_base(info, torch.float32)
    # Added up in float32 and rounded once.
    merged = PeftModel.from_pretrained(base, adapter).merge_and_unload().to(config.dtype or torch.float32)
    merged.save_pretrained(to, safe_serialization=True)
    for file in info.path.iterdir():
        if file.is_file() and not file.name.endswith(WEIGHTS) and not (to / file.name).exists():
            shutil.copyfile(file, to / file.name)


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    merge(from_json(told["model"]), Path(told["adapter"]), Path(told["to"]))
