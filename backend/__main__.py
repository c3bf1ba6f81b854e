"""`python -P -m backend`: one engine for one state home, until it is told to stop."""

import asyncio
import logging
import os
import sys
import time

from backend.engine import Engine
from backend.errors import BadRequest, RefactError
from backend.lock import Lock
from backend.paths import Paths, find_home, public_address

FORMAT = "%(asctime)sZ %(levelname)s %(message)s"


def main() -> int:
    """Exit status 0 after a clean stop, 1 with a sentence as the last line of the log."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, format=FORMAT, datefmt="%Y-%m-%dT%H:%M:%S", stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    os.environ["PYTHONSAFEPATH"] = "1"
    paths = Paths(find_home())
    try:
        return _run(paths)
    except RefactError as error:
        logging.error("%s %s", error.message, error.hint)
    except OSError as error:
        logging.error("The state folder %s cannot be used: %s.", paths.home, error)
    return 1


def _run(paths: Paths) -> int:
    try:
        host, port = public_address()
    except ValueError as error:
        raise BadRequest(str(error)) from error
    paths.prepare()
    lock = Lock.take(paths)
    try:
        asyncio.run(_engine(paths, host, port))
    finally:
        lock.release()
    return 0


async def _engine(paths: Paths, host: str, port: int) -> None:
    await Engine(paths, host, port).run()


if __name__ == "__main__":
    sys.exit(main())
