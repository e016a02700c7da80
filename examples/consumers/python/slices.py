"""People and groups as the slices of a large Directory have them; docs/slices.md says what is in them."""

import base64
import collections
import gzip
import hashlib
import json

FORMAT = 1


class Torn(Exception):
    """A slice is not the one that the manifest means: slices are being written, and the manifest is about to come."""


def manifest_of(directory):
    """The name of the slice that lists all others of a view. While it is there, slices are the form, and objects are
    not; see mirrors.py."""
    return f"{directory}-s-manifest"


def people_and_groups(directory, slices):
    """People and groups by name, of the one view that the manifest describes. `slices` are specs by name."""
    head, *named = lines(slices[manifest_of(directory)])
    if head["format"] != FORMAT:
        raise SystemExit(f"the slices have the format {head['format']}, of which this program knows nothing")
    found, chunks = {"Users": {}, "Groups": {}}, collections.defaultdict(list)
    for line in named:
        part = slices.get(line["name"])
        if part is None or hashlib.sha256(part["payload"].encode()).hexdigest()[:32] != line["hash"]:
            raise Torn(f"{line['name']} is not as the manifest says")
        for entry in lines(part):
            if part["content"] == "Members":
                chunks[entry["group"]].append(entry["members"])
            else:
                found[part["content"]][entry["objectName"]] = entry
    for name, group in found["Groups"].items():
        if "memberChunks" in group:
            group["members"] = joined(chunks[name])
    return found["Users"], found["Groups"]


def joined(parts):
    """The members of a large group, which are in several entries."""
    return {kind: [member for part in parts for member in part.get(kind, ())] for kind in ("users", "groups")}


def lines(part):
    """The entries of a slice."""
    text = gzip.decompress(base64.b64decode(part["payload"])).decode()
    return [json.loads(line) for line in text.split("\n") if line]
