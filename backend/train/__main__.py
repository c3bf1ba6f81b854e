"""`python -P -m backend.train RUN_FOLDER`: one trainer; SIGTERM means save a resumable state, then exit 0."""

import contextlib
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from backend.errors import RefactError
from backend.jobs.journal import JournalWriter, Silence
from backend.train.job import FULL_DISK, Folder


class Flag:
    """Set by SIGTERM, asked between two steps."""

    def __init__(self) -> None:
        self.up = False

    def raise_(self, *_: object) -> None:
        """Handle a signal: from now on it is asked to stop."""
        self.up = True

    def __call__(self) -> bool:
        return self.up


def main(folder: Folder, stop: Flag) -> int:
    """Train and journal how it ended; the exit status says the same."""
    # Of several processes that torchrun started for one run the first speaks for all.
    journal = JournalWriter(folder.journal) if os.environ.get("RANK", "0") == "0" else Silence(folder.journal)
    journal.write("start")
    # Importing torch takes seconds; the engine sees the start before that.
    from backend.train import loop, save
    from backend.train.room import OutOfRoom

    try:
        reason = loop.Trainer(folder, journal, stop).run()
        journal.write("done", reason=reason)
    except loop.Interrupted:
        journal.write("stopped")
    except loop.NotANumber:
        text = "The loss was not a number twice running, and again at half the learning rate; it stopped there."
        journal.write("failed", reason=f"{text} {kept(save.best_whole(folder))}", hint="Lower learning_rate.")
        return 1
    except OutOfRoom as error:
        text = f"A single sequence does not fit into memory, even with activations recomputed ({error})."
        hint = "Start a run with a smaller context, on a smaller model, or with a base in 4bit."
        journal.write("failed", reason=f"{text} {kept(save.best_whole(folder))}", hint=hint)
        return 1
    except save.NoRoom as error:
        # On a full disk the journal may be refused too: then the exit status tells it.
        with contextlib.suppress(OSError):
            journal.write("paused", reason=error.message, hint=error.hint)
        return FULL_DISK
    except OSError as error:
        if error.errno in save.FULL:
            return FULL_DISK
        raise
    except RefactError as error:
        journal.write("failed", reason=error.message, hint=error.hint)
        return 1
    return 0


def kept(checkpoint: Path | None) -> str:
    """What there is of a run that failed."""
    return f"The best checkpoint, {checkpoint.name}, is good." if checkpoint else "No checkpoint was made before that."


def end(status: int) -> NoReturn:
    """End this process with `status`.

    Of processes side by side some end early, or after a failure, while threads of torch still speak with the others:
    the interpreter's orderly end aborts when it meets one, and torchrun takes that for a failed run.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        sys.exit(status)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    flag = Flag()
    signal.signal(signal.SIGTERM, flag.raise_)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING)
    gc.freeze()
    end(main(Folder(Path(sys.argv[1]).absolute()), flag))
