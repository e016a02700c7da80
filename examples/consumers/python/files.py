"""People and groups as a ConfigMap has them (`spec.output.configMap` of a Directory), alone or as the index of others."""

import base64
import csv
import gzip
import hashlib
import http.client
import io
import json
import logging
import time

from objects import PAUSE, Objects

WAIT = 30  # seconds for each part of an answer

# A cell with a group's members may be as long as a file, and Python refuses more than 131,072 characters by itself.
csv.field_size_limit(2**31 - 1)


class Torn(Exception):
    """A file is not the one that the index means: there is a new content, and its index is about to come."""


class Files:
    """Follows the ConfigMap of a name and sets `changed` when it has changed. The ConfigMaps that it is the index of
    have other names for each content, so they need not be watched."""

    def __init__(self, access, name, changed):
        self._access, self._name, self._changed = access, name, changed
        selector = {"fieldSelector": f"metadata.name={name}"}
        self._found = Objects(access, "/api/v1", "configmaps", selector, dict, changed)

    def read(self):
        """People and groups by name, or None where they cannot be had whole now. A ConfigMap that is not there says
        nothing about anybody, so the table stays."""
        found = self._found.now()
        if found is None:
            return None
        if self._name not in found:
            logging.warning("the ConfigMap %s is not there; its files are read again when it is", self._name)
            return None
        first = found[self._name]
        try:
            return people_and_groups(json.loads(first["data"]["index.json"]), found, self._get)
        # What the network, TLS and HTTP raise (a part that is gone, too), and what is not as it should be.
        except (Torn, OSError, EOFError, http.client.HTTPException, ValueError, KeyError) as error:
            logging.warning("the files of %s are read again: %s", self._name, error)
            time.sleep(PAUSE)
            self._changed.set()
            return None

    def _get(self, name):
        path = f"/api/v1/namespaces/{self._access.namespace}/configmaps/{name}"
        with self._access.get(path, {}, timeout=WAIT) as answer:
            return json.load(answer)


def people_and_groups(index, known, get):
    """The records of all files of an index by name. `get` answers a ConfigMap that is not among the known ones."""
    found = {"user": {}, "group": {}}
    for file in index["files"]:
        holder = known.get(file["configMap"]) or get(file["configMap"])
        content = value(holder, file["key"])
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise Torn(f"{file['configMap']} has another {file['key']} than the index says")
        if index["gzip"]:
            content = gzip.decompress(content)
        records = FORMATS[index["format"]](content.decode())
        found[file["kind"]].update((record["objectName"], record) for record in records)
    return found["user"], found["group"]


def value(config_map, key):
    """The bytes under a key."""
    binary = config_map.get("binaryData", {})
    return base64.b64decode(binary[key]) if key in binary else config_map["data"][key].encode()


def table(text):
    """The records of a table: what is not there is an empty cell, and members are JSON."""
    for row in csv.DictReader(io.StringIO(text, newline="")):
        record = {column: cell for column, cell in row.items() if cell}
        if "members" in record:
            record["members"] = json.loads(record["members"])
        yield record


FORMATS = {
    "JSON": json.loads,
    "JSONLines": lambda text: map(json.loads, text.removesuffix("\n").split("\n") if text else ()),
    "CSV": table,
}
