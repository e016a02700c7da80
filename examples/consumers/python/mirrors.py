"""People and groups as the mirrors of one Directory have them, in whatever form: an object each, or many in a slice."""

import http.client
import logging
import operator
import time
import urllib.error

import slices
from objects import PAUSE, Objects

API = "/apis/directory-sync.io/v1alpha1"
WAIT = 30  # seconds for an answer


class Mirrors:
    """Follows the mirrors of a Directory; sets `changed` when they have changed.

    The form may change while nobody is watching, and two watches have no order between them. So before objects are
    believed, the manifest is asked for: as long as it is there, the slices are what counts. It appears before objects
    are deleted, and goes after they have been created again."""

    def __init__(self, access, directory, changed):
        self._access, self._directory, self._changed = access, directory, changed
        self._slices = self._follow("directoryslices")
        self._objects = None  # followed when there is no manifest

    def read(self):
        """People and groups by name, or None before all lists are complete: half a list is not a smaller company."""
        found = [kind.now() for kind in self._objects or ()]
        parts = self._slices.now()
        try:
            if self._in_slices():
                return self._of_slices(parts)
        except (OSError, http.client.HTTPException) as error:
            logging.warning("the form is asked for again: %s", error)
            time.sleep(PAUSE)
            self._changed.set()
            return None
        if self._objects is None:
            # Listed from now on, after the manifest was seen not to be there: then everybody is an object.
            self._objects = self._follow("directoryusers"), self._follow("directorygroups")
            return None
        return None if None in found else tuple(found)

    def _of_slices(self, parts):
        for kind in self._objects or ():
            kind.stop()
        self._objects = None
        if parts is None or slices.manifest_of(self._directory) not in parts:
            return None  # the watch has not shown it yet
        try:
            return slices.people_and_groups(self._directory, parts)
        except slices.Torn as torn:
            logging.info("%s; its event will come", torn)
            return None

    def _in_slices(self):
        manifest = slices.manifest_of(self._directory)
        path = f"{API}/namespaces/{self._access.namespace}/directoryslices/{manifest}"
        try:
            with self._access.get(path, {}, timeout=WAIT):
                return True
        except urllib.error.HTTPError as error:
            if error.code == http.client.NOT_FOUND:
                return False
            raise

    def _follow(self, plural):
        selector = {"labelSelector": f"directory-sync.io/directory={self._directory}"}
        return Objects(self._access, API, plural, selector, operator.itemgetter("spec"), self._changed)
