"""Keeps a table of one Directory's people and their groups in step with the cluster, as an application would.

`python3 consumer.py DIRECTORY FILE`, or `configmap/NAME` for DIRECTORY; README.md beside this file says more.
"""

import logging
import sys
import threading
import time

import cluster
import table
from files import Files
from mirrors import Mirrors

# How long the table waits after a change for others that come with it, in seconds: a sync may change many
# mirrors. Those that come later do not put it off.
GATHER = 0.2
CONFIG_MAP = "configmap/"


def main(source, file):
    access = cluster.connect()
    changed = threading.Event()
    if source.startswith(CONFIG_MAP):
        followed = Files(access, source.removeprefix(CONFIG_MAP), changed)
    else:
        followed = Mirrors(access, source, changed)
    while True:
        changed.wait()
        time.sleep(GATHER)
        changed.clear()  # before looking: what changes from now on is another reason
        found = followed.read()
        if found is None:
            continue
        people, teams = found
        table.write(file, table.rows(people, teams))
        logging.info("the table is up to date: %d people, %d groups", len(people), len(teams))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    if len(sys.argv) != 3:
        sys.exit("usage: consumer.py DIRECTORY|configmap/NAME FILE")
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:
        pass
