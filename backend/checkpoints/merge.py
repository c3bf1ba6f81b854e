"""`python -P -m backend.checkpoints.merge JSON`: an adapter merged into its base model, as a plain folder."""

import json
import shutil
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForCausalLM

WEIGHTS = (".safetensors", ".bin", ".index.json")


def merge(model: Path, adapter: Path, to: Path) -> None:
    """Base weights plus adapter in the base's own precision; tokenizer and licence files come along."""
    own = AutoConfig.from_pretrained(model, local_files_only=True).dtype or torch.float32
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, use_safetensors=True, local_files_only=True)
    # Added up in float32 and rounded once.
    merged = PeftModel.from_pretrained(base, adapter).merge_and_unload().to(own)
    merged.save_pretrained(to, safe_serialization=True)
    for file in model.iterdir():
        if file.is_file() and not file.name.endswith(WEIGHTS) and not (to / file.name).exists():
            shutil.copyfile(file, to / file.name)


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    merge(Path(told["model"]), Path(told["adapter"]), Path(told["to"]))
