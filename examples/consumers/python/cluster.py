"""How the apiserver is reached: as a pod's ServiceAccount, or by a kubeconfig that has a token."""

import base64
import functools
import json
import os
import pathlib
import ssl
import subprocess
import urllib.parse
import urllib.request

# What Kubernetes mounts into every pod.
MOUNTED = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")


class Access:
    """The way to one apiserver and namespace."""

    def __init__(self, server, namespace, authority, token):
        self.namespace = namespace
        self._server, self._token = server, token
        self._tls = ssl.create_default_context(cadata=authority)
        # From 3.13 on Python asks for extensions that the certificates of many clusters do not have.
        self._tls.verify_flags &= ~ssl.VERIFY_X509_STRICT

    def get(self, path, query, timeout):
        """The open answer to a request. `timeout` is for each wait, in seconds."""
        query = {key: str(value).lower() if value is True else value for key, value in query.items()}
        request = urllib.request.Request(f"{self._server}{path}?{urllib.parse.urlencode(query)}")
        request.add_header("Authorization", f"Bearer {self._token()}")
        return urllib.request.urlopen(request, timeout=timeout, context=self._tls)


def connect():
    """In a pod, its ServiceAccount and namespace; elsewhere those of the kubeconfig."""
    if "KUBECONFIG" not in os.environ and (MOUNTED / "token").exists():
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        host = f"[{host}]" if ":" in host else host  # IPv6
        namespace, authority = (MOUNTED / "namespace").read_text(), (MOUNTED / "ca.crt").read_text()
        return Access(f"https://{host}:{port}", namespace, authority, _token_in(MOUNTED / "token"))

    # kubectl reads the YAML, puts several files together and puts the certificates in.
    command = ["kubectl", "config", "view", "--minify", "--flatten", "--raw", "--output", "json"]
    config = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster.get("certificate-authority-data", "")).decode() or None
    namespace = config["contexts"][0]["context"].get("namespace", "default")
    if "tokenFile" in user:
        token = _token_in(user["tokenFile"])
    elif "token" in user:
        token = functools.partial(user.get, "token")
    else:
        raise SystemExit("the kubeconfig's user has no token; `kubectl create token ACCOUNT` makes one")
    return Access(cluster["server"], namespace, authority, token)


def _token_in(file):
    # Read for every request: Kubernetes exchanges the token long before it expires.
    return lambda: pathlib.Path(file).read_text().strip()
