#!/usr/bin/env python3
"""Makes tare's OCI image out of the static binary, without a container engine and with nothing but the standard library.

    deploy/image/oci.py --binary FILE --layout DIR [--archive FILE] [--ca FILE] [--version V] [--revision R]
                        [--created SECONDS] [--architecture amd64|arm64]
    deploy/image/oci.py --binary FILE --root DIR [--ca FILE] [--created SECONDS]

The same inputs give the same digest: entries are sorted, every time is `--created` (SOURCE_DATE_EPOCH, else the
last commit's time), owners are numbers, and the compressed stream names neither file nor time. Prints the digest of
the image's manifest. With `--root` the files of the image are written into that folder instead, for the Dockerfile.
"""

import argparse
import datetime
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Nobody in particular, as the images of others have it; the chart says the same.
USER = 65532
CA_IN_IMAGE = "etc/ssl/certs/ca-certificates.crt"
# The largest compressed size of all blobs together: a bound of the project.
BOUND = 15 << 20
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+?-----END CERTIFICATE-----")


def git(*arguments):
    """What git says of this clone; nothing outside of one."""
    done = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def package_version():
    """The workspace's version."""
    found = re.search(r'^version = "([^"]+)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, required=True, help="the static binary")
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--layout", type=Path, help="the folder to make; it must not exist")
    to.add_argument("--root", type=Path, help="only the image's files, into this folder; root alone can set their owners")
    parser.add_argument("--archive", type=Path, help="also the layout as one tar file, which `ctr images import` takes")
    parser.add_argument("--ca", type=Path, default=Path("/", CA_IN_IMAGE), help="authorities that are trusted, PEM")
    parser.add_argument("--version", default=package_version())
    parser.add_argument("--revision", default=git("rev-parse", "HEAD"))
    parser.add_argument("--created", type=int, help="seconds since 1970")
    parser.add_argument("--architecture", default="amd64", choices=["amd64", "arm64"])
    parser.add_argument("--name", default="ghcr.io/tare-dev/tare", help="what an importer calls it")
    given = parser.parse_args()
    if given.created is None:
        given.created = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct") or 0)
    return given


def is_static(binary):
    """Whether an ELF file names no interpreter (program header PT_INTERP, type 3)."""
    if binary[:5] != b"\x7fELF\x02":
        return False
    offset = int.from_bytes(binary[32:40], "little")
    size, count = (int.from_bytes(binary[at : at + 2], "little") for at in (54, 56))
    kinds = (binary[offset + size * n : offset + size * n + 4] for n in range(count))
    return all(int.from_bytes(kind, "little") != 3 for kind in kinds)


def authorities(path):
    """The certificates of a PEM bundle without comments, sorted: the order of a bundle depends on who made it."""
    found = sorted({b"".join(match.split(b"\r")) for match in PEM.findall(path.read_bytes())})
    if not found:
        sys.exit(f"{path} holds no certificate")
    return b"\n".join(found) + b"\n"


def layer(binary, ca, created):
    """The only layer, a tar file: the binary, the authorities, and two folders that the agent may write to."""
    entries = {"tare": (0o755, 0, binary), CA_IN_IMAGE: (0o644, 0, ca)}
    for folder in ("etc", "etc/ssl", "etc/ssl/certs", "run", "var", "var/lib"):
        entries[folder] = (0o755, 0, None)
    # State and socket, for who runs the image without mounts there.
    for folder in ("run/tare", "var/lib/tare"):
        entries[folder] = (0o750, USER, None)
    return tar(entries, created)


def tar(entries, created):
    """A tar file of {path: (mode, owner, content or None for a folder)}."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, (mode, owner, content) in sorted(entries.items()):
            info = tarfile.TarInfo(path)
            info.mode, info.mtime, info.uid, info.gid = mode, created, owner, owner
            if content is None:
                info.type = tarfile.DIRTYPE
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def compress(content):
    """gzip with the same header from every version of Python, which `gzip.compress` does not give."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as stream:
        stream.write(content)
    return out.getvalue()


class Layout:
    """An OCI image layout: blobs by digest, and an index that names one manifest."""

    def __init__(self, folder):
        self.entries = {}
        self.folder = folder

    def blob(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        self.entries[f"blobs/sha256/{digest}"] = content
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def write(self):
        self.folder.mkdir(parents=True)
        for path, content in self.entries.items():
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def archive(self, path, created):
        folders = {str(parent) for entry in self.entries for parent in Path(entry).parents} - {"."}
        entries = {folder: (0o755, 0, None) for folder in folders}
        entries.update({entry: (0o644, 0, content) for entry, content in self.entries.items()})
        path.write_bytes(tar(entries, created))


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def time_of(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def labels(given, ca):
    """What `docker inspect` and registries show; the authorities' own digest tells when they changed."""
    said = {
        "org.opencontainers.image.created": time_of(given.created),
        "org.opencontainers.image.description": "A node-local telemetry agent that declares what it may cost the control plane",
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.revision": given.revision,
        "org.opencontainers.image.source": "https://github.com/tare-dev/tare",
        "org.opencontainers.image.title": "tare",
        "org.opencontainers.image.version": given.version,
        "dev.tare.authorities.sha256": hashlib.sha256(ca).hexdigest(),
    }
    return {name: value for name, value in said.items() if value}


def image(given, binary, ca):
    """The layout of the image, and the descriptor of its manifest."""
    layout = Layout(given.layout)
    files = layer(binary, ca, given.created)
    compressed = compress(files)
    said = labels(given, ca)
    config = {
        "architecture": given.architecture,
        "os": "linux",
        "created": time_of(given.created),
        "config": {
            "User": f"{USER}:{USER}",
            "Entrypoint": ["/tare"],
            "Cmd": ["run", "--supervised"],
            "WorkingDir": "/",
            "Labels": said,
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(files).hexdigest()}"]},
        "history": [{"created": time_of(given.created), "created_by": "deploy/image/oci.py"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.blob("application/vnd.oci.image.config.v1+json", compact(config)),
        "layers": [layout.blob("application/vnd.oci.image.layer.v1.tar+gzip", compressed)],
        "annotations": said,
    }
    descriptor = layout.blob(manifest["mediaType"], compact(manifest))
    named = dict(descriptor)
    named["platform"] = {"architecture": given.architecture, "os": "linux"}
    named["annotations"] = {
        # The first is the specification's, the second what containerd names an imported image by.
        "org.opencontainers.image.ref.name": given.version,
        "io.containerd.image.name": f"{given.name}:{given.version}",
    }
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [named]}
    layout.entries["index.json"] = compact(index)
    layout.entries["oci-layout"] = compact({"imageLayoutVersion": "1.0.0"})
    return layout, descriptor


def main():
    given = arguments()
    binary = given.binary.read_bytes()
    if not is_static(binary):
        sys.exit(f"{given.binary} is not a static 64-bit ELF file: nothing in the image could load it")
    ca = authorities(given.ca)
    if given.root:
        with tarfile.open(fileobj=io.BytesIO(layer(binary, ca, given.created))) as files:
            files.extractall(given.root, numeric_owner=True)
        return
    layout, descriptor = image(given, binary, ca)
    size = sum(len(content) for path, content in layout.entries.items() if path.startswith("blobs/"))
    if size >= BOUND:
        sys.exit(f"the image has {size} bytes, less than {BOUND} are allowed")
    layout.write()
    if given.archive:
        layout.archive(given.archive, given.created)
    print(descriptor["digest"])


if __name__ == "__main__":
    main()
