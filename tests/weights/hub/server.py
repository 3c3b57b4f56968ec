"""A loopback server that speaks the Hugging Face Hub's endpoints, so that real clients are tested without a network.

It keeps repositories in memory, redirects large files to another host name as the Hub does, and can be told to fail:
to cut a connection, to answer 503, to ask for a token, to serve altered bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".pt", ".bin")
TOKEN = "hf_loopback"


@dataclass
class Repository:
    """Commits (sha -> {path: bytes}) of one repository, the newest last, and its tags."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    gated: bool = False
    private: bool = False

    def commit(self, files: dict[str, bytes]) -> str:
        """Add files to the newest commit; its sha."""
        contents = {**(self.commits[self.head] if self.commits else {}), **files}
        text = f"{len(self.commits)}" + "".join(
            path + hashlib.sha1(data).hexdigest() for path, data in sorted(contents.items())
        )
        sha = hashlib.sha1(text.encode()).hexdigest()
        self.commits[sha] = contents
        return sha

    @property
    def head(self) -> str:
        """The newest commit."""
        return next(reversed(self.commits))

    def resolve(self, revision: str) -> str | None:
        """Commit of a branch, tag or (possibly abbreviated) sha."""
        if revision == "main":
            return self.head if self.commits else None
        found = self.tags.get(revision, revision)
        return found if found in self.commits else None


@dataclass
class Faults:
    """What is to go wrong next: counts are used up by requests for files."""

    cut: int = 0
    cut_at: int = 1000
    cut_for_good: bool = False
    dead: bool = False
    unavailable: int = 0
    tampered: bool = False


class Hub:
    """The server; use it as a context manager.

    Example:
        with Hub() as hub:
            sha = hub.repository("owner/name").commit({"a.txt": b"hello"})
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        self.ranges: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    @property
    def endpoint(self) -> str:
        """For HF_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def storage(self) -> str:
        """Where large files lie: the same server by another name."""
        return f"http://localhost:{self.port}"

    def repository(self, repo_id: str, **options: bool) -> Repository:
        """A repository, made when it is new."""
        return self.repositories.setdefault(repo_id, Repository(**options))

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Stay silent."""

        def do_HEAD(self) -> None:
            self._get(body=False)

        def do_GET(self) -> None:
            self._get(body=True)

        def _get(self, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests[f"{self.command} {path}"] += 1
            if path.startswith("/storage/"):
                return self._file(path, body)
            if path.startswith("/api/models/"):
                return self._api(path.removeprefix("/api/models/"))
            if "/resolve/" in path:
                repo_id, _, rest = path.strip("/").partition("/resolve/")
                revision, _, name = rest.partition("/")
                return self._resolve(repo_id, revision, name, body)
            return self._fail(404, "EntryNotFound", body)

        def _allowed(self, repo_id: str, body: bool) -> Repository | None:
            repository = hub.repositories.get(repo_id)
            if repository is None:
                self._fail(401, "RepoNotFound", body)
                return None
            if repository.gated and self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._fail(401, "GatedRepo", body)
                return None
            return repository

        def _resolve(self, repo_id: str, revision: str, name: str, body: bool) -> None:
            repository = self._allowed(repo_id, body)
            if repository is None:
                return None
            sha = repository.resolve(revision)
            if sha is None:
                return self._fail(404, "RevisionNotFound", body)
            content = repository.commits[sha].get(name)
            if content is None:
                return self._fail(404, "EntryNotFound", body, {"X-Repo-Commit": sha})
            if hub.faults.unavailable:
                hub.faults.unavailable -= 1
                return self._fail(503, "", body)
            if not name.endswith(LARGE):
                return self._send(200, content, body, {"X-Repo-Commit": sha, "ETag": f'"{_git_sha1(content)}"'})
            digest = hashlib.sha256(content).hexdigest()
            headers = {
                "X-Repo-Commit": sha,
                "X-Linked-Etag": f'"{digest}"',
                "X-Linked-Size": str(len(content)),
                "Location": f"{hub.storage}/storage/{repo_id}/{sha}/{name}",
            }
            return self._send(302, b"", body, headers)

        def _file(self, path: str, body: bool) -> None:
            owner, name, sha, file = path.removeprefix("/storage/").split("/", 3)
            content = hub.repositories[f"{owner}/{name}"].commits[sha][file]
            etag = f'"{hashlib.sha256(content).hexdigest()}"'
            if hub.faults.tampered:
                content = content[:-1] + bytes([content[-1] ^ 1])
            start, total = 0, len(content)
            if self.headers.get("Range"):
                hub.ranges.append(self.headers["Range"])
                start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
            headers = {"ETag": etag, "Accept-Ranges": "bytes"}
            if start:
                headers["Content-Range"] = f"bytes {start}-{total - 1}/{total}"
            if body and hub.faults.cut:
                hub.faults.cut -= 1
                hub.faults.dead |= hub.faults.cut_for_good
                return self._cut(206 if start else 200, content[start:], headers)
            if body and hub.faults.dead:
                return self._cut(206 if start else 200, content[start:], headers, 0)
            return self._send(206 if start else 200, content[start:], body, headers)

        def _cut(self, status: int, content: bytes, headers: dict[str, str], size: int | None = None) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(content[: hub.faults.cut_at if size is None else size])
            self.wfile.flush()
            self.close_connection = True

        def _api(self, path: str) -> None:
            repo_id, *rest = ["/".join(path.split("/")[:2]), *path.split("/")[2:]]
            repository = self._allowed(repo_id, True)
            if repository is None:
                return None
            if rest == ["refs"]:
                tags = [{"name": k, "ref": f"refs/tags/{k}", "targetCommit": v} for k, v in repository.tags.items()]
                branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.head}
                return self._json({"branches": [branch], "converts": [], "tags": tags})
            sha = repository.resolve(rest[1] if len(rest) > 1 else "main")
            if sha is None:
                return self._fail(404, "RevisionNotFound", True)
            files = repository.commits[sha]
            if rest[:1] == ["tree"]:
                return self._json([_entry(name, data) for name, data in files.items()])
            return self._json(
                {
                    "id": repo_id,
                    "modelId": repo_id,
                    "sha": sha,
                    "private": repository.private,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                    "siblings": [{"rfilename": name} for name in files],
                }
            )

        def do_POST(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests[f"POST {path}"] += 1
            content = self._body()
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._fail(401, "RepoNotFound", True)
            if path == "/api/repos/create":
                return self._create(json.loads(content))
            if path == "/api/validate-yaml":
                return self._json({"errors": [], "warnings": []})
            repo_id = "/".join(path.removeprefix("/api/models/").split("/")[:2])
            repository = hub.repositories[repo_id]
            if "/preupload/" in path:
                names = [file["path"] for file in json.loads(content)["files"]]
                modes = [{"path": n, "uploadMode": "regular", "shouldIgnore": False, "oid": None} for n in names]
                return self._json({"files": modes})
            if "/commit/" in path:
                sha = repository.commit(_files_of(content))
                return self._json({"commitOid": sha, "commitUrl": f"{hub.endpoint}/{repo_id}/commit/{sha}"})
            if "/tag/" in path:
                return self._tag(repository, path.rsplit("/", 1)[1], json.loads(content)["tag"])
            return self._fail(404, "EntryNotFound", True)

        def _create(self, wish: dict) -> None:
            repo_id = f"{wish['organization']}/{wish['name']}" if wish.get("organization") else wish["name"]
            if repo_id in hub.repositories:
                return self._send(409, json.dumps({"url": f"{hub.endpoint}/{repo_id}"}).encode(), True, {})
            hub.repository(repo_id, private=bool(wish.get("private")) or wish.get("visibility") == "private").commit(
                {".gitattributes": b""}
            )
            return self._json({"url": f"{hub.endpoint}/{repo_id}", "name": repo_id, "id": repo_id})

        def _tag(self, repository: Repository, revision: str, tag: str) -> None:
            if tag in repository.tags:
                return self._fail(409, "", True)
            repository.tags[tag] = str(repository.resolve(revision))
            return self._send(201, b"{}", True, {})

        def do_DELETE(self) -> None:
            path = unquote(urlsplit(self.path).path)
            repo_id = "/".join(path.removeprefix("/api/models/").split("/")[:2])
            hub.repositories[repo_id].tags.pop(path.rsplit("/", 1)[1], None)
            self._send(200, b"{}", True, {})

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _json(self, value: object) -> None:
            self._send(200, json.dumps(value).encode(), self.command != "HEAD", {"Content-Type": "application/json"})

        def _fail(self, status: int, code: str, body: bool, extra: dict[str, str] | None = None) -> None:
            headers = {**({"X-Error-Code": code} if code else {}), **(extra or {})}
            self._send(status, json.dumps({"error": code or "unavailable"}).encode(), body, headers)

        def _send(self, status: int, content: bytes, body: bool, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if body and self.command != "HEAD":
                self.wfile.write(content)

    return Handler


def _entry(name: str, data: bytes) -> dict:
    return {"type": "file", "path": name, "size": len(data), "oid": _git_sha1(data)}


def _git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _files_of(commit: bytes) -> dict[str, bytes]:
    """Files of a commit in the Hub's newline-delimited JSON."""
    lines = [json.loads(line) for line in commit.splitlines() if line.strip()]
    return {
        line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
    }
