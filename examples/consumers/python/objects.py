"""The objects of one kind that a selector chooses, as they are now: a list of them, then each change."""

import http.client
import json
import logging
import threading
import time
import urllib.error

GONE = 410
PAUSE = 1  # seconds before another attempt
PAGE = 500  # objects
WATCH = 300  # seconds until the apiserver ends a watch, and it is opened again from where it was


class Expired(Exception):
    """The apiserver does not know any more what has happened since (410 Gone). Only a new list helps."""


class Objects:
    """Keeps what `needed` takes of each object by its name, on a thread of its own, and sets `changed` after each
    change."""

    def __init__(self, access, api, plural, selector, needed, changed):
        self._access, self._plural, self._selector = access, plural, selector
        self._path = f"{api}/namespaces/{access.namespace}/{plural}"
        self._needed, self._changed = needed, changed
        self._lock = threading.Lock()
        self._objects = None  # until a first list is complete
        self._stopped = False
        # A daemon: it ends with the program.
        threading.Thread(target=self._follow, name=plural, daemon=True).start()

    def now(self):
        """A copy of what is there now, or None before the first list is complete."""
        with self._lock:
            return None if self._objects is None else dict(self._objects)

    def stop(self):
        """Follows nothing any more once the watch that is open has ended, and tells of nothing from now on."""
        self._stopped, self._changed = True, threading.Event()

    def _follow(self):
        while not self._stopped:
            try:
                version = self._list()
                while not self._stopped:
                    version = self._watch(version)
                    time.sleep(PAUSE)  # an apiserver that is about to stop ends every watch at once
            except Expired:
                logging.info("the watch of %s has expired, they are listed anew", self._plural)
            # What the network, TLS and HTTP raise, and an answer that breaks off or is not what it should be.
            except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
                logging.warning("%s are listed anew: %s", self._plural, error)
                time.sleep(PAUSE)

    def _list(self):
        """Takes a complete list in place of everything before it, and returns its version. What is not in it was
        deleted while nobody was watching; no event will ever say so."""
        found, following = {}, ""
        while True:
            with self._get(limit=PAGE, **{"continue": following}) as answer:
                page = json.load(answer)
            found.update((item["metadata"]["name"], self._needed(item)) for item in page["items"])
            following = page["metadata"].get("continue", "")
            if not following:
                break
        with self._lock:
            self._objects = found
        self._changed.set()
        return page["metadata"]["resourceVersion"]

    def _watch(self, version):
        """Follows each change after `version` until the apiserver ends the watch, and returns the last version."""
        # Bookmarks move the version on while nothing happens, so that the next watch does not begin too far back.
        with self._get(watch=True, resourceVersion=version, allowWatchBookmarks=True, timeoutSeconds=WATCH) as events:
            for line in events:
                event = json.loads(line)
                kind, item = event["type"], event["object"]
                if kind == "ERROR":
                    if item.get("code") == GONE:
                        raise Expired
                    raise OSError(item.get("message"))
                version, name = item["metadata"]["resourceVersion"], item["metadata"]["name"]
                if kind == "BOOKMARK":
                    continue
                with self._lock:
                    if kind == "DELETED":
                        self._objects.pop(name, None)
                    else:
                        self._objects[name] = self._needed(item)
                self._changed.set()
        return version

    def _get(self, **query):
        query.update(self._selector)
        try:
            # A connection that died without a word is noticed some time after the watch should have ended.
            return self._access.get(self._path, query, timeout=WATCH + 30)
        except urllib.error.HTTPError as error:
            if error.code == GONE:
                raise Expired from error
            raise
