"""What the doctor says where this box cannot be what it warns of: logins, mounts, drivers; and what it says here."""

from pathlib import Path

import pytest

from backend import devices, wire
from backend.control import graphics, staying
from backend.paths import Paths, file_system
from refact_tui import doctor

SESSION = "/user.slice/user-1000.slice/session-3.scope"
MANAGER = "/user.slice/user-1000.slice/user@1000.service/app.slice"
POLICY = "b {switch}\nas {excluded}\nas {only}\n"
GPU = devices.Gpu(0, "NVIDIA H100 80GB HBM3", 80_000_000_000, 79_000_000_000, (9, 0))
MOUNTS = """\
22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
40 22 0:35 / /home rw,relatime shared:20 - nfs4 nas:/home rw,vers=4.2
41 40 8:3 / /home/ann/my\\040disk rw,relatime shared:21 - xfs /dev/sdb1 rw
42 22 0:36 / /run/user/1000 rw,nosuid shared:22 - tmpfs tmpfs rw
43 22 8:4 / /srv rw shared:23 - xfs /dev/sdc1 rw
44 43 0:37 / /srv rw shared:24 - fuse.sshfs ann@nas:/srv rw
"""


@pytest.mark.parametrize(
    ("cgroup", "lingers", "kills", "ok", "said", "remedy"),
    [
        ("", False, None, True, "logging out ends nothing", ""),
        ("/system.slice/docker-4af3.scope", False, None, True, "logging out ends nothing", ""),
        ("/system.slice/refact-tui.service", False, True, True, "logging out ends nothing", ""),
        (SESSION, False, True, False, "KillUserProcesses", "engine unit --install"),
        (SESSION, True, True, False, "KillUserProcesses", "enable --now refact-tui"),
        (SESSION, False, False, True, "not systemd's", "enable-linger ann"),
        (SESSION, False, None, None, "does not say", "enable-linger ann"),
        (f"{MANAGER}/refact-tui.service", False, False, False, "does not linger", "loginctl enable-linger ann"),
        (f"{MANAGER}/refact-tui.service", True, True, True, "starts it with the box", ""),
        (f"{MANAGER}/app-gnome-terminal.scope", False, False, False, "does not linger", "loginctl enable-linger ann"),
        (f"{MANAGER}/app-gnome-terminal.scope", True, False, True, "not over reboots", "engine unit --install"),
    ],
)
def test_what_logging_out_would_end(
    cgroup: str, lingers: bool, kills: bool | None, ok: bool | None, said: str, remedy: str
) -> None:
    found = staying.logout(cgroup, lingers, kills, "ann")
    assert found.check == "logout" and found.ok is ok and said in found.finding
    assert remedy in found.remedy and bool(found.remedy) is bool(remedy)


def test_where_a_unit_is_installed_the_engine_is_given_back_to_it() -> None:
    found = staying.logout(SESSION, True, False, "ann", installed=True)
    assert found.remedy == "refact-tui engine restart"


@pytest.mark.parametrize(
    ("switch", "excluded", "only", "kills"),
    [
        ("true", '1 "root"', "0", True),
        ("false", '1 "root"', "0", False),
        ("true", '2 "root" "ann"', "0", False),
        ("false", '1 "root"', '1 "ann"', True),
        ("true", '1 "root"', '1 "bob"', False),
        ("maybe", "0", "0", None),
    ],
)
def test_what_logind_does_with_what_a_session_leaves(switch: str, excluded: str, only: str, kills: bool | None) -> None:
    assert staying.killed(POLICY.format(switch=switch, excluded=excluded, only=only), "ann") is kills


def test_answers_of_another_form_are_no_answer() -> None:
    for text in ("", "b true\n", 'b true\nas 1 "root\nas 0\n'):
        assert staying.killed(text, "ann") is None


@pytest.mark.parametrize(
    ("folder", "name", "network", "volatile"),
    [
        ("/home/ann/.local/share/refact-tui", "nfs4", True, False),
        ("/home/ann/my disk/refact-tui", "xfs", False, False),
        ("/home/ann/my disks", "nfs4", True, False),
        ("/run/user/1000/refact", "tmpfs", False, True),
        ("/srv/refact", "fuse.sshfs", True, False),
        ("/var/lib/refact", "ext4", False, False),
        ("/", "ext4", False, False),
    ],
)
def test_what_a_folder_lies_on(folder: str, name: str, network: bool, volatile: bool) -> None:
    found = file_system(Path(folder), MOUNTS)
    assert found is not None
    assert (found.name, found.network, found.volatile) == (name, network, volatile)


def test_a_home_over_a_network_is_told_with_a_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (ours,) = staying.on_network(Paths(tmp_path))
    assert ours.ok is not False
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 0:9 / {tmp_path} rw - nfs nas:/x rw\n")
    monkeypatch.setattr("backend.paths.MOUNTS", mounts)
    (found,) = staying.on_network(Paths(tmp_path / "state"))
    assert found.ok is False and "nfs, over a network" in found.finding and "REFACT_TUI_HOME" in found.remedy
    assert doctor._file_system(Paths(tmp_path / "state")) == [found], "told by the shell where no engine runs"


def told(gpus: int, driver: devices.Driver | None, cards: int, build: graphics.Build | None) -> list[wire.Finding]:
    return graphics.judged([GPU] * gpus, driver, cards, build)


def test_a_gpu_needs_a_driver_and_a_torch_that_know_it() -> None:
    new, old = devices.Driver("570.86.15", (12, 8)), devices.Driver("470.57.02", (11, 4))
    cuda, cpu = graphics.Build("2.13.0", cuda="12.8"), graphics.Build("2.13.0+cpu")
    assert [one.ok for one in told(1, new, 1, cuda)] == [True, True]
    assert "driver 570.86.15" in told(1, new, 1, cuda)[0].finding
    gpu, torch = told(0, None, 2, cuda)
    assert gpu.ok is False and "2 NVIDIA GPUs are" in gpu.finding and "--gpus all" in gpu.remedy and torch.ok
    assert [one.ok for one in told(0, None, 0, cpu)] == [None, True]
    _, torch = told(1, new, 1, cpu)
    assert torch.ok is False and "the GPU is not used" in torch.finding and "torch 2.13.0 (" in torch.remedy
    _, torch = told(1, old, 1, cuda)
    assert torch.ok is False and "knows CUDA up to 11.4" in torch.finding and "newer driver" in torch.remedy
    _, torch = told(1, new, 1, None)
    assert torch.ok is False and torch.remedy


def test_cards_are_counted_by_maker_and_kind(tmp_path: Path) -> None:
    for name, vendor, kind in (
        ("0", "0x10de", "0x030200"),
        ("1", "0x10de", "0x030000"),
        ("2", "0x10de", "0x040300"),  # the sound of a graphics card
        ("3", "0x1002", "0x030000"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vendor").write_text(f"{vendor}\n")
        (tmp_path / name / "class").write_text(f"{kind}\n")
    assert graphics.cards(tmp_path) == 2
    assert graphics.cards(tmp_path / "none") == 0


def test_the_installed_torch_is_known_without_being_imported() -> None:
    found = graphics.build()
    assert found is not None and found.version.startswith("2.")
    assert bool(found.cuda) is not found.version.endswith("+cpu")
