"""People and groups as the mirrors of one Directory have them."""

import operator

from objects import Objects

API = "/apis/directory-sync.io/v1alpha1"


class Mirrors:
    """Follows the DirectoryUsers and DirectoryGroups of a Directory; sets `changed` when either have changed."""

    def __init__(self, access, directory, changed):
        selector, spec = {"labelSelector": f"directory-sync.io/directory={directory}"}, operator.itemgetter("spec")
        self._users = Objects(access, API, "directoryusers", selector, spec, changed)
        self._groups = Objects(access, API, "directorygroups", selector, spec, changed)

    def read(self):
        """People and groups by name, or None before both lists are complete: half a list is not a smaller company."""
        people, teams = self._users.now(), self._groups.now()
        return None if people is None or teams is None else (people, teams)
