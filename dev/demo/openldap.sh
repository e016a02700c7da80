# Owns the demo's OpenLDAP server: private folder, free port, encrypted, with the sample company in it.
# To be sourced by run.sh, which has to set `root` and `folder`.

suffix=dc=acme,dc=example
admin=cn=admin,$suffix
reader=cn=directory-sync,$suffix
ldap_port=''

# Where Debian has servers, which are not in everybody's PATH.
PATH=$PATH:/usr/sbin:/sbin

need_openldap() {
  local missing
  missing=$(missing_programs)
  if [[ -n $missing ]]; then
    "$root/dev/servers.sh" ldap certificates || fail "OpenLDAP and openssl are needed; see above for how to bring them"
    missing=$(missing_programs)
    [[ -z $missing ]] || fail "not found, although the packages are installed: $missing"
  fi
  [[ -r /etc/ldap/schema/inetorgperson.schema ]] ||
    fail "/etc/ldap/schema, where Debian's package slapd has its schemas, is missing"
}

missing_programs() {
  local program
  for program in slapd slapadd ldapmodify ldapwhoami openssl; do
    command -v "$program" >/dev/null || printf '%s ' "$program"
  done
}

# Makes the server's folder, with a database that has the company in it.
prepare_openldap() {
  mkdir "$folder/ldap" "$folder/ldap/db"
  make_certificate
  openssl rand -hex 8 | tr -d '\n' >"$folder/ldap/password"
  write_configuration
  {
    cat <<LDIF
dn: $suffix
objectClass: dcObject
objectClass: organization
dc: acme
o: Acme Corp

dn: $reader
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: directory-sync
userPassword: $(<"$folder/ldap/password")

LDIF
    "$root/dev/demo/company.sh"
  } >"$folder/ldap/company.ldif"
  slapadd -q -w -f "$folder/ldap/slapd.conf" -l "$folder/ldap/company.ldif" 2>"$folder/slapadd.log" || {
    tail_of slapadd "$folder/slapadd.log"
    fail "the sample company could not be loaded$(confined)"
  }
}

# An authority, and a certificate of it for localhost: `folder`/ldap/{ca,server}.{crt,key}.
make_certificate() {
  (
    cd "$folder/ldap"
    openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=Demo authority" -keyout ca.key -out ca.crt
    openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out server.crt \
      -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
  ) >"$folder/openssl.log" 2>&1 || {
    tail_of openssl "$folder/openssl.log"
    fail "no certificate could be made"
  }
}

write_configuration() {
  cat >"$folder/ldap/slapd.conf" <<CONF
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
TLSCACertificateFile $folder/ldap/ca.crt
TLSCertificateFile $folder/ldap/server.crt
TLSCertificateKeyFile $folder/ldap/server.key
database mdb
suffix "$suffix"
rootdn "$admin"
rootpw "$(<"$folder/ldap/password")"
directory $folder/ldap/db
maxsize 1073741824
dbnosync
index objectClass,entryUUID,entryCSN,uid,member eq
limits dn.exact="$reader" size=unlimited time=unlimited
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="$reader" read by * auth
overlay syncprov
syncprov-sessionlog 10000
CONF
}

# Starts the server on a free port, which is then `ldap_port`.
start_openldap() {
  local attempt
  for ((attempt = 0; attempt < 5; attempt++)); do
    ldap_port=$(free_port)
    start slapd slapd -d stats -f "$folder/ldap/slapd.conf" -h "ldaps://127.0.0.1:$ldap_port/"
    wait_until 30 "OpenLDAP answers" openldap_is_decided "$pid"
    alive "$pid" && return
  done
  fail "OpenLDAP does not start$(confined)"
}

# Whether the server answers, or has ended because the port was taken meanwhile.
openldap_is_decided() { # PID
  ldap_tool ldapwhoami >/dev/null 2>&1 || ! alive "$1"
}

# One of OpenLDAP's tools as the administrator, without what this machine's ldap.conf says.
# They take "localhost" for the name of the machine, which is not in the certificate; the address is.
ldap_tool() { # TOOL ARGUMENTS...
  local tool=$1
  shift
  LDAPCONF=/dev/null LDAPTLS_CACERT=$folder/ldap/ca.crt \
    "$tool" -x -H "ldaps://127.0.0.1:$ldap_port" -D "$admin" -y "$folder/ldap/password" "$@"
}

# What holds OpenLDAP back on some systems.
confined() {
  [[ ! -e /etc/apparmor.d/usr.sbin.slapd ]] ||
    echo "; AppArmor keeps slapd out of other folders: as root, apparmor_parser --remove /etc/apparmor.d/usr.sbin.slapd"
}
