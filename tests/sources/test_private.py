"""Private repositories: a real sshd with a key of the source's own, a real git over https with a token."""

import asyncio
import getpass
import shutil
import stat
import subprocess
import threading
from contextlib import aclosing
from pathlib import Path

import pytest

from backend import projects, wire
from backend.context import Context
from backend.errors import BadRequest, Conflict, NotFound, Refused
from backend.paths import Paths
from backend.sources import catalog, credentials, hosts, removal
from tests.sources.private_servers import TOKEN, GitOverHttps, Sshd, ended, project, sshd
from tests.sources.test_git_sources import commit, run
from tests.sources.test_links import certificate as certificate

__all__ = ["project", "sshd"]


async def test_over_ssh_with_a_key_of_its_own(context: Context, sshd: Sshd, project: Path) -> None:
    url = f"ssh://{getpass.getuser()}@127.0.0.1:{sshd.port}{project}"
    key = await credentials.create_key(context, "deploy")
    assert key.public_key.startswith("ssh-ed25519 ") and key.kind == "ssh-key"
    private = context.paths.credentials / "deploy.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    request = wire.AddSource(what=url, name="private", credential="deploy")
    refused = await ended(context, await catalog.add(context, request))
    assert refused.state == "failed" and "credentials set" in refused.detail  # the server does not know the key yet
    assert refused.host_key.startswith("SHA256:")  # but its own was pinned by then
    sshd.authorized.write_text(key.public_key + "\n")
    source = await ended(context, await catalog.sync(context, "private"))
    assert (source.state, source.files, source.commit) == ("ready", 1, run(project, "rev-parse", "HEAD"))
    assert source.host_key.startswith("SHA256:") and source.credential == "deploy"
    (project / "b.py").write_text("b = 2\n")
    commit(project)
    assert (await ended(context, await catalog.sync(context, "private"))).files == 2
    with pytest.raises(Refused, match="used by private"):
        await credentials.remove(context, "deploy")

    sshd.stop()
    sshd.start()  # with another host key
    changed = await ended(context, await catalog.sync(context, "private"))
    assert changed.state == "failed" and "may be an attack" in changed.detail and "forget-host" in changed.detail
    host = hosts.host_of(url)
    assert host == f"[127.0.0.1]:{sshd.port}"
    told = await credentials.told(context)
    assert [(one.host, one.used_by) for one in told.pinned] == [(host, ["private"])]
    assert told.pinned[0].fingerprints == [f"{source.host_key} (ED25519)"]
    assert [(one.name, one.used_by) for one in told.credentials] == [("deploy", ["private"])]
    await removal.forget_host(context, host)
    assert (await credentials.told(context)).pinned == []
    assert (await catalog.get(context, "private")).host_key == ""
    with pytest.raises(NotFound, match="No key is pinned"):
        await removal.forget_host(context, host)
    again = await ended(context, await catalog.sync(context, "private"))
    assert again.state == "ready" and again.host_key != source.host_key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_over_https_with_a_token(
    context: Context, project: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_SSL_CAINFO", str(certificate / "cert.pem"))
    server = GitOverHttps(project.parent, certificate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"https://localhost:{server.server_address[1]}/project/.git"
        open_ = await ended(context, await catalog.add(context, wire.AddSource(what=url, name="open")))
        assert open_.state == "failed" and "credentials set" in open_.detail
        await credentials.keep_token(context, "ci", f" {TOKEN}\n")
        request = wire.AddSource(what=url, name="closed", credential="ci")
        source = await ended(context, await catalog.add(context, request))
        assert (source.state, source.files, source.host_key) == ("ready", 1, "")
        (project / "b.py").write_text("b = 2\n")
        commit(project)
        assert (await ended(context, await catalog.sync(context, "closed"))).files == 2
        told = [str(one) for one in (await credentials.told(context)).credentials]
        assert "ci" in told[0] and TOKEN not in told[0]
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


async def test_names_and_values_that_cannot_be(context: Context) -> None:
    await credentials.keep_token(context, "one", "abc")
    with pytest.raises(Conflict):
        await credentials.create_key(context, "one")
    for name in ("../x", "", "-x", "a b", "x" * 41):
        with pytest.raises(BadRequest):
            await credentials.keep_token(context, name, "abc")
    for token in ("", "a\nb", "x" * 2001):
        with pytest.raises(BadRequest):
            await credentials.keep_token(context, "two", token)
    await credentials.keep_token(context, "one", "def", replace=True)
    kept = credentials.find(context.paths, "one")
    assert (kept.read_text(), stat.S_IMODE(kept.stat().st_mode)) == ("def", 0o600)
    assert sorted(path.name for path in context.paths.credentials.iterdir()) == ["one.token"]
    await credentials.create_key(context, "key")
    with pytest.raises(Conflict, match="SSH key"):
        await credentials.keep_token(context, "key", "abc", replace=True)
    with pytest.raises(NotFound):
        await credentials.keep_token(context, "two", "abc", replace=True)
    await credentials.remove(context, "key")
    with pytest.raises(NotFound, match="one"):
        credentials.find(context.paths, "../one")
    with pytest.raises(NotFound):
        await catalog.add(context, wire.AddSource(what="https://host/a.git", credential="gone"))
    await credentials.remove(context, "one")
    assert (await credentials.told(context)).credentials == []


async def test_every_client_is_told(context: Context) -> None:
    seen = context.bus.last_id
    await credentials.create_key(context, "deploy")
    context.paths.known_hosts.write_text("host.org ssh-ed25519 AAAA\n")
    await catalog.add(context, wire.AddSource(what="https://host.invalid/a.git", name="a", credential="deploy"))
    await removal.remove(context, "a")
    await credentials.remove(context, "deploy")
    told: list[wire.Credentials] = []
    async with aclosing(context.bus.follow(seen)) as events:
        async for event in events:
            told += [event.data] if event.kind == "credentials" else []
            if len(told) == 4:
                break
    users = [[one.used_by for one in each.credentials] for each in told]
    assert users == [[[]], [["a"]], [[]], []]
    assert [[one.host for one in each.pinned] for each in told] == [[], ["host.org"], ["host.org"], ["host.org"]]


async def test_sources_of_another_project_are_named_with_it(context: Context) -> None:
    await credentials.create_key(context, "deploy")
    await projects.add(context, "billing")
    url = "ssh://git@127.0.0.1:9/a.git"
    await catalog.add(context, wire.AddSource(what=url, name="a", credential="deploy"))
    context.paths.known_hosts.write_text(
        f"[127.0.0.1]:9 {(await credentials.told(context)).credentials[0].public_key}\n"
    )
    await projects.use(context, "default")
    told = await credentials.told(context)
    assert told.credentials[0].used_by == told.pinned[0].used_by == ["a (billing)"]
    with pytest.raises(Refused, match=r"used by a \(billing\)"):
        await credentials.remove(context, "deploy")
    await removal.forget_host(context, "[127.0.0.1]:9")
    assert (await credentials.told(context)).pinned == []


def test_a_fingerprint_is_what_ssh_prints(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    assert hosts.pinned(paths) == {}
    lines = ["# by hand", "|1|c2FsdA==|aGFzaA== ssh-ed25519 AAAA", "@revoked bad.org ssh-rsa AAAA", "torn"]
    for kind in ("ed25519", "ecdsa", "rsa"):
        key = tmp_path / kind
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)], check=True)
        lines.append(f"{kind}.org,[{kind}.org]:2222 {key.with_suffix('.pub').read_text().strip()}")
    paths.known_hosts.write_text("\n".join(lines) + "\n")
    found = hosts.pinned(paths)
    assert len(found) == 6
    for kind in ("ed25519", "ecdsa", "rsa"):
        assert found[f"{kind}.org"] == found[f"[{kind}.org]:2222"]
        assert found[f"{kind}.org"] == [f"{hosts.fingerprint(paths, f'{kind}.org')} ({kind.upper()})"]
    assert hosts.digest("no base64!") == ""


def test_which_server_it_is() -> None:
    assert hosts.host_of("ssh://git@host.org/a") == "host.org"
    assert hosts.host_of("ssh://git@host.org:2222/a") == "[host.org]:2222"
    assert hosts.host_of("git@host.org:a/b.git") == "host.org"
    assert hosts.host_of("https://host.org/a") is hosts.host_of("/path/a@b") is None
