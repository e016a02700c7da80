//! Entries as 389 Directory Server and FreeIPA have them, and what OpenLDAP's schema lacks for them, by
//! those servers' own OIDs.
//!
//! OpenLDAP takes no operational attributes from a schema. Those of 389 Directory Server are ordinary ones
//! here, and entries that have them are of the class `extensibleObject`.

/// The schema of both: the id that 389 Directory Server gives to each entry, the lock of an account, and the
/// class of entries that hold others.
pub const SCHEMA: &str = "
attributetype ( 2.16.840.1.113730.3.1.542 NAME 'nsUniqueId'
	SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 2.16.840.1.113730.3.1.610 NAME 'nsAccountLock'
	SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 2.16.840.1.113730.3.2.104 NAME 'nsContainer' SUP top STRUCTURAL MUST cn )
";

/// What FreeIPA adds: an id of its own, and the classes of its groups.
pub const FREE_IPA_SCHEMA: &str = "
attributetype ( 2.16.840.1.113730.3.8.3.1 NAME 'ipaUniqueID'
	EQUALITY caseIgnoreMatch ORDERING caseIgnoreOrderingMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )
objectclass ( 2.16.840.1.113730.3.8.4.12 NAME 'ipaObject' AUXILIARY MUST ipaUniqueID )
objectclass ( 2.16.840.1.113730.3.8.4.3 NAME 'nestedGroup' SUP groupOfNames STRUCTURAL )
objectclass ( 2.16.840.1.113730.3.8.4.4 NAME 'ipaUserGroup' SUP nestedGroup STRUCTURAL )
";

/// Two people of 389 Directory Server, of whom one is locked, both in a group.
pub const ENTRIES: &str = "
dn: cn=staff,dc=example,dc=test
objectClass: nsContainer
objectClass: extensibleObject
cn: staff
nsUniqueId: 66446001-1dd211b2-66225011-2ee211db

dn: cn=teams,dc=example,dc=test
objectClass: nsContainer
cn: teams

dn: uid=ada,cn=staff,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: extensibleObject
uid: ada
cn: Ada Lovelace
sn: Lovelace
nsUniqueId: 66446011-1dd211b2-66225011-2ee211db

dn: uid=grace,cn=staff,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: extensibleObject
uid: grace
cn: Grace Hopper
sn: Hopper
nsUniqueId: 66446012-1dd211b2-66225011-2ee211db
nsAccountLock: true

dn: cn=admins,cn=teams,dc=example,dc=test
objectClass: groupOfUniqueNames
objectClass: extensibleObject
cn: admins
uniqueMember: uid=ada,cn=staff,dc=example,dc=test
uniqueMember: uid=grace,cn=staff,dc=example,dc=test
nsUniqueId: 66446021-1dd211b2-66225011-2ee211db
";

/// Three people of FreeIPA, of whom one is locked and one was; two groups, of which one is in the other; and
/// beside them a person without an account and a group that is none of people.
pub const FREE_IPA_ENTRIES: &str = "
dn: cn=accounts,dc=example,dc=test
objectClass: nsContainer
cn: accounts

dn: cn=users,cn=accounts,dc=example,dc=test
objectClass: nsContainer
objectClass: extensibleObject
cn: users
nsUniqueId: 0a1b2c01-5cf311f0-9b5bd4a1-3c5e77aa

dn: cn=groups,cn=accounts,dc=example,dc=test
objectClass: nsContainer
cn: groups

dn: uid=ada,cn=users,cn=accounts,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: posixAccount
objectClass: ipaObject
objectClass: extensibleObject
uid: ada
cn: Ada Lovelace
sn: Lovelace
uidNumber: 1001
gidNumber: 1001
homeDirectory: /home/ada
ipaUniqueID: 5c1de9a4-5cf3-11f0-9b5b-5254009dd001
nsUniqueId: 0a1b2c11-5cf311f0-9b5bd4a1-3c5e77aa

dn: uid=grace,cn=users,cn=accounts,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: posixAccount
objectClass: ipaObject
objectClass: extensibleObject
uid: grace
cn: Grace Hopper
sn: Hopper
uidNumber: 1002
gidNumber: 1002
homeDirectory: /home/grace
ipaUniqueID: 5c1de9a4-5cf3-11f0-9b5b-5254009dd002
nsUniqueId: 0a1b2c12-5cf311f0-9b5bd4a1-3c5e77aa
nsAccountLock: TRUE

dn: uid=mary,cn=users,cn=accounts,dc=example,dc=test
objectClass: inetOrgPerson
objectClass: posixAccount
objectClass: ipaObject
objectClass: extensibleObject
uid: mary
cn: Mary Shelley
sn: Shelley
uidNumber: 1003
gidNumber: 1003
homeDirectory: /home/mary
ipaUniqueID: 5c1de9a4-5cf3-11f0-9b5b-5254009dd003
nsUniqueId: 0a1b2c13-5cf311f0-9b5bd4a1-3c5e77aa
nsAccountLock: FALSE

dn: uid=contact,cn=users,cn=accounts,dc=example,dc=test
objectClass: inetOrgPerson
uid: contact
cn: A Contact
sn: Contact

dn: cn=admins,cn=groups,cn=accounts,dc=example,dc=test
objectClass: groupOfNames
objectClass: nestedGroup
objectClass: ipaUserGroup
objectClass: ipaObject
objectClass: posixGroup
cn: admins
gidNumber: 2001
member: uid=ada,cn=users,cn=accounts,dc=example,dc=test
member: uid=grace,cn=users,cn=accounts,dc=example,dc=test
ipaUniqueID: 5c1de9a4-5cf3-11f0-9b5b-5254009dd011

dn: cn=staff,cn=groups,cn=accounts,dc=example,dc=test
objectClass: groupOfNames
objectClass: nestedGroup
objectClass: ipaUserGroup
objectClass: ipaObject
cn: staff
member: cn=admins,cn=groups,cn=accounts,dc=example,dc=test
member: uid=mary,cn=users,cn=accounts,dc=example,dc=test
ipaUniqueID: 5c1de9a4-5cf3-11f0-9b5b-5254009dd012

dn: cn=editors,cn=groups,cn=accounts,dc=example,dc=test
objectClass: groupOfNames
objectClass: nestedGroup
cn: editors
member: uid=ada,cn=users,cn=accounts,dc=example,dc=test
";
