"""TRL's SFTTrainer or Transformers' Trainer with peft, over given rows: `python peers.py trl|hf SPEC OUT`."""

import json
import resource
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, Trainer, TrainerCallback, TrainingArguments, default_data_collator


class Watch(TrainerCallback):  # type: ignore[misc]
    """Times the steps and keeps their losses."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.losses: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        if not self.times:
            self.times.append(time.perf_counter())

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(time.perf_counter())

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **__: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))


def main(which: str, spec: dict[str, Any], out: Path) -> None:
    gpu = torch.cuda.is_available()
    model = AutoModelForCausalLM.from_pretrained(spec["model"], dtype=torch.bfloat16, local_files_only=True)
    torch.manual_seed(spec["seed"])
    config = LoraConfig(r=spec["rank"], lora_alpha=2 * spec["rank"], target_modules="all-linear", task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config)
    rows = json.loads(Path(spec["rows"]).read_text())
    data = Dataset.from_dict({"input_ids": rows, "labels": rows, "attention_mask": [[1] * len(row) for row in rows]})
    common: dict[str, Any] = {
        "output_dir": str(out.with_suffix(".folder")),
        "per_device_train_batch_size": spec["micro"],
        "gradient_accumulation_steps": spec["batch"] // spec["micro"],
        "max_steps": spec["steps"],
        "learning_rate": spec["learning_rate"],
        "lr_scheduler_type": "constant",
        "adam_beta2": 0.99,
        "weight_decay": 0.1,
        "max_grad_norm": 1.0,
        "bf16": True,
        "use_cpu": not gpu,
        "logging_steps": 1,
        "logging_first_step": True,
        "save_strategy": "no",
        "report_to": [],
        "seed": spec["seed"],
        "train_sampling_strategy": "sequential",
        "gradient_checkpointing": False,
        "dataloader_pin_memory": gpu,
        "disable_tqdm": True,
    }
    watch = Watch()
    if which == "trl":
        from trl import SFTConfig, SFTTrainer

        chosen = {"packing": False, "max_length": spec["context"], "dataset_kwargs": {"skip_prepare_dataset": True}}
        from transformers import PreTrainedTokenizerFast

        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(Path(spec["model"]) / "tokenizer.json"),
            eos_token="<|endoftext|>",
            pad_token="<|endoftext|>",
        )
        trainer: Any = SFTTrainer(
            model=tuned,
            args=SFTConfig(**common, **chosen),
            train_dataset=data,
            processing_class=tokenizer,
            callbacks=[watch],
        )
    else:
        trainer = Trainer(
            model=tuned,
            args=TrainingArguments(**common),
            train_dataset=data,
            data_collator=default_data_collator,
            callbacks=[watch],
        )
    trainer.train()
    result = {
        "losses": watch.losses,
        "seconds": [after - before for before, after in pairwise(watch.times)],
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "gpu_peak_bytes": torch.cuda.max_memory_allocated() if gpu else 0,
    }
    out.write_text(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1], json.loads(Path(sys.argv[2]).read_text()), Path(sys.argv[3]))
