"""Projects from the shell: one is shown, any can be named, and what would be lost is asked for."""

from pathlib import Path

from tests.cli.test_shell import refused
from tests.e2e.engine_box import Box


def test_projects_beside_each_other(box: Box, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a = 1\n")
    before = [one["name"] for one in box.ok("sources", "list")]
    made = box.ok("projects", "add", "billing")
    assert (made["name"], made["shown"], made["sources"]) == ("billing", True, 0)
    assert box.ok("sources", "list") == []
    box.ok("sources", "add", str(tmp_path / "a.py"), "--name", "same", "--wait")
    box.ok("--project", "default", "sources", "add", str(tmp_path / "a.py"), "--name", "same", "--wait")
    assert [one["name"] for one in box.ok("sources", "list")] == ["same"]
    assert [one["name"] for one in box.ok("--project", "default", "sources", "list")] == [*before, "same"]
    scan = box.ok("scan", "run", "--stage", "1", "--wait")
    assert scan["files"] == 1
    assert {one["name"]: one["shown"] for one in box.ok("projects", "list")} == {"default": False, "billing": True}
    assert "no project called 'nobody'" in refused(box, "--project", "nobody", "sources", "list")
    assert "always there" in refused(box, "projects", "remove", "default", "--yes")
    assert "This moves billing with 1 source" in refused(box, "projects", "remove", "billing", code=4)
    box.ok("projects", "use", "default")
    assert [one["name"] for one in box.ok("sources", "list")] == [*before, "same"]
    box.ok("projects", "remove", "billing", "--yes")
    assert [one["name"] for one in box.ok("projects", "list")] == ["default"]
    kept = box.ok("trash", "list")
    assert [(one["kind"], one["name"]) for one in kept][:2] == [("project", "billing"), ("source", "same")]
    assert all(one["size"] > 0 for one in kept)
    assert "no 'nothing' in the trash" in refused(box, "trash", "restore", "nothing")
    assert box.ok("trash", "restore", "billing", "--kind", "project")["name"] == "billing"
    assert [one["name"] for one in box.ok("--project", "billing", "sources", "list")] == ["same"]
    box.ok("projects", "remove", "billing", "--yes")
    gone = kept[0]["id"]
    assert "no '" + gone in refused(box, "trash", "empty", gone, "--yes")
    assert "This deletes billing for good" in refused(box, "trash", "empty", "billing", code=4)
    assert [one["name"] for one in box.ok("trash", "empty", "billing", "--yes")] == ["billing"]
    assert "same" in [one["name"] for one in box.ok("trash", "empty", "--yes")] and box.ok("trash", "list") == []
    box.ok("sources", "remove", "same", "--yes")
    about = box.ok("about")
    assert (about["home"], about["socket"]) == (str(box.home), str(box.home / "engine.sock"))
    assert about["home_bytes"] > 0 and about["libraries"]["torch"] and "MIT" in about["made_of"]["linguist data"]
