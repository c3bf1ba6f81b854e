"""`python -P -m backend`: one engine for one state home, until it is told to stop."""

import argparse
import asyncio
import logging
import os
import resource
import sys
import time
from logging.handlers import RotatingFileHandler

from backend.engine import Engine
from backend.errors import RefactError
from backend.lock import Lock
from backend.paths import Paths, find_home

FORMAT, DATE = "%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"
LARGEST_LOG = 5_000_000
"""Bytes; one older log of this size is kept."""


def main() -> int:
    """Exit status 0 after a clean stop, 1 with a sentence as the last line of the log."""
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(level=logging.INFO, format=FORMAT, datefmt=DATE, stream=sys.stderr)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    os.environ["PYTHONSAFEPATH"] = "1"
    # Every client of the endpoint is an open file, and the usual limit of them is meant for programs with few.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    paths = Paths(find_home())
    asked = _arguments().parse_args()
    told = {name: value for name in ("host", "port") if (value := getattr(asked, name)) is not None}
    if asked.no_tls:
        told |= {"tls_cert": "", "tls_key": ""}
    try:
        return _run(paths, told, asked.first_key)
    except RefactError as error:
        logging.error("%s %s", error.message, error.hint)
    except OSError as error:
        logging.error("The state folder %s cannot be used: %s.", paths.home, error)
    return 1


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -P -m backend", description=__doc__)
    parser.add_argument("--host", help="address of the endpoint, from now on")
    parser.add_argument("--port", help="port of the endpoint, from now on")
    parser.add_argument("--no-tls", action="store_true", help="forget the certificate: plain http from now on")
    parser.add_argument("--first-key", action="store_true", help="make and print an API key where one is needed")
    return parser


def _run(paths: Paths, told: dict[str, str], first_key: bool) -> int:
    paths.prepare()
    lock = Lock.take(paths)
    _keep_log(paths)
    try:
        asyncio.run(_engine(paths, told, first_key))
    finally:
        lock.release()
    return 0


def _keep_log(paths: Paths) -> None:
    """Where another than the home's log hears what is logged (a terminal, a service manager), the home keeps it too."""
    log = paths.engine_log
    if log.exists() and os.path.samestat(os.fstat(sys.stderr.fileno()), log.stat()):
        return
    handler = RotatingFileHandler(log, maxBytes=LARGEST_LOG, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter(FORMAT, DATE))
    logging.getLogger().addHandler(handler)


async def _engine(paths: Paths, told: dict[str, str], first_key: bool) -> None:
    await Engine(paths, told, first_key).run()


if __name__ == "__main__":
    sys.exit(main())
