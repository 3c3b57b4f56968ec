"""Download a pinned file from the Hugging Face Hub into its cache, and say plainly why it did not come."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

ATTEMPTS = 4
WAIT_S = 0.5  # before the second attempt; doubled for each further one


class HubError(RuntimeError):
    """A file that could not be had from the Hub; the message says why and what to do."""


def fetch_file(repo_id: str, filename: str, revision: str, *, token: str | None = None) -> Path:
    """A file of a repository at a commit: from the cache, else over the network.

    Broken connections and answers of 5xx are tried again, and a download goes on where it was cut. `HF_HOME`,
    `HF_ENDPOINT` (a mirror), `HF_TOKEN` and `HF_HUB_OFFLINE` are honoured, as huggingface_hub reads them.

    Args:
        repo_id: "owner/name".
        filename: its place in the repository.
        revision: 40 hexadecimal digits of a commit.
        token: for gated and private repositories; None takes `HF_TOKEN` or the token of `hf auth login`.

    Returns:
        The file in the cache; its content is not checked yet.

    Raises:
        HubError: the repository, the commit or the file is not there, access is not granted, the Hub cannot be
            reached, or offline mode is on and the cache does not hold the file.
    """
    from huggingface_hub import errors as hub_errors
    from huggingface_hub import hf_hub_download

    # Read at the call: huggingface_hub itself reads it once, when it is imported.
    endpoint = os.environ.get("HF_ENDPOINT")
    where = f"{filename!r} of {repo_id!r} at {revision[:12]}"
    for attempt in range(ATTEMPTS):
        try:
            return Path(hf_hub_download(repo_id, filename, revision=revision, token=token, endpoint=endpoint))
        except hub_errors.GatedRepoError as error:
            raise HubError(
                f"{where}: the repository is gated; accept its terms on its page on the Hub, then give a token with "
                "HF_TOKEN or `hf auth login`"
            ) from error
        except hub_errors.RepositoryNotFoundError as error:
            raise HubError(
                f"{where}: there is no such repository, or it is private; check its name, or give a token with HF_TOKEN"
            ) from error
        except hub_errors.RevisionNotFoundError as error:
            raise HubError(f"{where}: the repository has no such commit; check the revision") from error
        except (hub_errors.OfflineModeIsEnabled, hub_errors.LocalEntryNotFoundError) as error:
            if attempt + 1 < ATTEMPTS and not _offline():
                _wait(attempt)
                continue
            raise HubError(f"{where}: {_unreachable()}") from error
        except hub_errors.EntryNotFoundError as error:
            raise HubError(f"{where}: the commit holds no such file; check its name") from error
        except Exception as error:
            if not _passing(error):
                raise
            if attempt + 1 == ATTEMPTS:
                raise HubError(
                    f"{where}: {ATTEMPTS} attempts failed, the last with {str(error).splitlines()[0]!r}; try again "
                    "later, what was received is kept and the download goes on from there"
                ) from error
            _wait(attempt)
    raise AssertionError("unreachable")


def drop(path: Path) -> None:
    """Take a file out of the cache, with the content that it points to."""
    content = path.resolve()
    path.unlink(missing_ok=True)
    content.unlink(missing_ok=True)


def stated_digest(path: Path) -> str | None:
    """What the Hub said of a cached file's content: "sha256:..." of a large file, "git:..." of a small one.

    The cache names contents by it. None where the system has no links and the cache no such names.
    """
    name = path.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", name):
        return f"sha256:{name}"
    return f"git:{name}" if re.fullmatch(r"[0-9a-f]{40}", name) else None


def digest_like(stated: str, content: bytes) -> str:
    """The digest of a content, of the kind of a stated one.

    Example:
        >>> digest_like("git:0", b"hello")
        'git:b6fc4c620b67d95f953a5c1c1230aaab5db5a1b0'
    """
    if stated.startswith("sha256:"):
        return f"sha256:{hashlib.sha256(content).hexdigest()}"
    return f"git:{hashlib.sha1(b'blob %d' % len(content) + bytes(1) + content).hexdigest()}"


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)


def _unreachable() -> str:
    if _offline():
        return (
            "offline mode (HF_HUB_OFFLINE) is on and the cache does not hold the file; download it once with a "
            "network, or copy the cache (HF_HOME) of a machine that has it"
        )
    return "the Hub could not be reached and the cache does not hold the file; check the network or HF_ENDPOINT"


def _passing(error: Exception) -> bool:
    """Whether trying again may help: a broken connection, or an answer of 5xx or 429."""
    response = getattr(error, "response", None)
    if response is not None:
        return response.status_code >= 500 or response.status_code == 429
    # By name: which HTTP library huggingface_hub uses depends on its version.
    broken = {"TransportError", "ConnectionError", "TimeoutError", "ChunkedEncodingError"}
    return bool(broken & {kind.__name__ for kind in type(error).__mro__}) or "Consistency check" in str(error)


def _wait(attempt: int) -> None:
    time.sleep(WAIT_S * 2**attempt)
