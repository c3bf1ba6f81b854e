"""Whether the engine stays: what logging out would end, and whether the state home lies where a database may."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from backend import wire
from backend.paths import ELSEWHERE, UNIT, Paths, file_system, linger_file, unit_file, user_name

CGROUP = Path("/proc/self/cgroup")
BUS = "org.freedesktop.login1"
POLICY = ("KillUserProcesses", "KillExcludeUsers", "KillOnlyUsers")
PATIENCE_S = 5
OF_A_SESSION = re.compile(r"/session-[^/]+\.scope(?:/|$)")
OF_A_MANAGER = re.compile(r"/user@\d+\.service(?:/|$)")
KEEP = "refact-tui engine stop; refact-tui engine unit --install; systemctl --user enable --now refact-tui"
GIVE_BACK = "refact-tui engine restart"


def staying(paths: Paths) -> list[wire.Finding]:
    """What this engine's own process and home are about to meet."""
    user = user_name()
    found = logout(_cgroup(), linger_file(user).exists(), _kills(user), user, unit_file().exists())
    return [found, *on_network(paths)]


def logout(cgroup: str, lingers: bool, kills: bool | None, user: str, installed: bool = False) -> wire.Finding:
    """What ends an engine in this control group when its user logs out; `kills`: whether logind ends what a session
    leaves behind (None: it does not say); `installed`: whether there is a unit that could keep it."""
    linger = f"loginctl enable-linger {user}"
    keep = GIVE_BACK if installed else KEEP
    if OF_A_MANAGER.search(cgroup):
        ours = cgroup.rstrip("/").endswith(UNIT)
        how = "systemd's user manager runs it" if ours else "Your desktop's user manager holds it"
        if not lingers:
            said = f"{how}, which ends with your last session: {user} does not linger."
            return wire.Finding(check="logout", ok=False, finding=said, remedy=linger)
        after = (
            "starts it with the box and keeps it over logouts" if ours else "keeps it over logouts, not over reboots"
        )
        said = f"{user} lingers: systemd {after}."
        return wire.Finding(check="logout", ok=True, finding=said, remedy="" if ours else keep)
    if not OF_A_SESSION.search(cgroup):
        return wire.Finding(
            check="logout", ok=True, finding="It belongs to no login session: logging out ends nothing."
        )
    remedy = keep if lingers else f"{keep}; {linger}"
    begun = "It was started in a login session"
    if kills is None:
        said = f"{begun}, and logind does not say whether it ends what a session leaves behind."
        return wire.Finding(check="logout", ok=None, finding=said, remedy=remedy)
    if kills:
        said = f"{begun} and ends when you log out: logind ends what a session leaves behind (KillUserProcesses)."
        return wire.Finding(check="logout", ok=False, finding=said, remedy=remedy)
    said = f"{begun} and stays when you log out; it is not systemd's, which would start it again after a reboot."
    return wire.Finding(check="logout", ok=True, finding=said, remedy=remedy)


def killed(policy: str, user: str) -> bool | None:
    """Whether logind ends what this user's sessions leave behind, from what `busctl` prints of POLICY: the lists of
    users go before the switch, as in logind's own order. None where it says something else."""
    try:
        switch, excluded, only = (shlex.split(line) for line in policy.splitlines())
        default = {"true": True, "false": False}[switch[1]]
    except (ValueError, KeyError, IndexError):
        return None
    if user in excluded[2:]:
        return False
    return user in only[2:] if only[2:] else default


def on_network(paths: Paths) -> list[wire.Finding]:
    """What kind of file system the home lies on."""
    kind = file_system(paths.home)
    if kind is None:
        return []
    if said := kind.trouble(paths.home):
        ok = False if kind.network else None
        return [wire.Finding(check="file system", ok=ok, finding=said, remedy=ELSEWHERE)]
    return [wire.Finding(check="file system", ok=True, finding=f"{kind.name}, of this box.")]


def _cgroup() -> str:
    """Where systemd sees this process; empty where there is no systemd."""
    try:
        lines = [line.split(":", 2) for line in CGROUP.read_text().splitlines()]
    except OSError:
        return ""
    groups = {names or number: path for number, names, path in lines}
    return groups.get("name=systemd") or groups.get("0") or ""


def _kills(user: str) -> bool | None:
    """What logind says of it; None where nobody can be asked."""
    if not shutil.which("busctl"):
        return None
    command = ["busctl", "get-property", BUS, f"/{BUS.replace('.', '/')}", f"{BUS}.Manager", *POLICY]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return killed(done.stdout, user) if done.returncode == 0 else None
