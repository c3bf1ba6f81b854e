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
    assert "This forgets billing with 1 source" in refused(box, "projects", "remove", "billing", code=4)
    box.ok("projects", "use", "default")
    assert [one["name"] for one in box.ok("sources", "list")] == [*before, "same"]
    box.ok("projects", "remove", "billing", "--yes")
    assert [one["name"] for one in box.ok("projects", "list")] == ["default"]
    box.ok("sources", "remove", "same", "--yes")
