#!/usr/bin/python3
"""Changes a Samba domain that is not running: `domain.py FOLDER load LDIF PASSWORD` or `domain.py FOLDER renew`.

The Python of the system is needed: Samba's own modules are for that one.
"""

import sys
import uuid

import ldb
from samba.auth import system_session
from samba.dcerpc import misc, security
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB


def load(db, path, password):
    """Adds entries, and gives the accounts `reader` and `clerk` their password and rights."""
    with open(path, encoding="utf-8") as ldif:
        text = ldif.read()
    db.transaction_start()
    for _, message in db.parse_ldif(text):
        db.add(message)
    db.transaction_commit()
    for account in ("reader", "clerk"):
        db.setpassword("(sAMAccountName=%s)" % account, password)
    let_see_deleted_objects(db, "reader")


def let_see_deleted_objects(db, account):
    """What an administrator does with `dsacls "CN=Deleted Objects,…" /G DOMAIN\\account:LCRP`."""
    found = db.search(db.domain_dn(), ldb.SCOPE_SUBTREE, "(sAMAccountName=%s)" % account, attrs=["objectSid"])
    sid = ndr_unpack(security.dom_sid, found[0]["objectSid"][0])
    domain = security.dom_sid(db.get_domain_sid())
    name = ldb.Dn(db, "CN=Deleted Objects,%s" % db.domain_dn())
    shown = ["show_deleted:1"]
    container = db.search(name, ldb.SCOPE_BASE, attrs=["nTSecurityDescriptor"], controls=shown)[0]
    rights = ndr_unpack(security.descriptor, container["nTSecurityDescriptor"][0]).as_sddl(domain)
    before, system = rights.split("S:", 1) if "S:AI" in rights else (rights, None)
    rights = "%s(A;CI;RPLC;;;%s)%s" % (before, sid, "" if system is None else "S:" + system)
    change = ldb.Message(name)
    changed = ndr_pack(security.descriptor.from_sddl(rights, domain))
    change["rights"] = ldb.MessageElement(changed, ldb.FLAG_MOD_REPLACE, "nTSecurityDescriptor")
    db.modify(change, controls=shown)


def renew(db):
    """Gives the database another id, as a restore from a backup does."""
    change = ldb.Message(ldb.Dn(db, db.get_dsServiceName()))
    another = ndr_pack(misc.GUID(str(uuid.uuid4())))
    change["id"] = ldb.MessageElement(another, ldb.FLAG_MOD_REPLACE, "invocationId")
    db.modify(change, controls=["relax:0", "provision:0"])


def main():
    folder, command, *arguments = sys.argv[1:]
    settings = LoadParm()
    settings.load("%s/etc/smb.conf" % folder)
    db = SamDB(url="%s/private/sam.ldb" % folder, session_info=system_session(), lp=settings)
    {"load": load, "renew": renew}[command](db, *arguments)


main()
