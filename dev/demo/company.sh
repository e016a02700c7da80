#!/usr/bin/env bash
# Prints the people and groups of the demo's company as LDIF (RFC 2849): the same every time.
set -euo pipefail
export LC_ALL=C # so that a letter with an accent is seen as what it is in LDIF: bytes

suffix=dc=acme,dc=example
people=300

# Names as people write them, with the form for sign-in names where that differs.
given_names=(Ada Grace Alan Katherine Konrad Barbara Edsger Frances Tim Radia Zoë=zoe Donald Jean Niklaus Hedy Dennis
  Margaret Łukasz=lukasz Sophie Linus)
family_names=(Lovelace Hopper Turing Johnson Zuse Liskov Dijkstra Allen Lee Perlman Müller=mueller Knuth Bartik Wirth
  Lamarr Ritchie Hamilton Nowak Wilson Bergström=bergstroem)
departments=(Engineering Operations Sales Finance Legal Support Research)
cities=(Berlin Lisboa Kraków Göteborg)

# A picture of one point: what is binary, and must not get into the cluster.
photo=/9j/4AAQSkZJRgABAQAAAQABAAD/2Q==

# A line of LDIF; what is not plain ASCII stands in base64.
line() { # ATTRIBUTE VALUE
  if [[ $2 == *[!' '-'~']* ]]; then
    printf '%s:: %s\n' "$1" "$(printf %s "$2" | base64 --wrap=0)"
  else
    printf '%s: %s\n' "$1" "$2"
  fi
}

# Number 0 is the head of the company; all others are dealt out to the departments in turn.
department_of() { echo $((($1 - 1) % ${#departments[@]})); }
rank_of() { echo $((($1 - 1) / ${#departments[@]})); } # within the department; 0 is its head
member_at() { echo $(($1 + 1 + $2 * ${#departments[@]})); } # DEPARTMENT RANK

# Sets given, family and uid of a person. No two of the first 400 have the same name.
name_person() {
  local entry
  entry=${given_names[$1 % 20]}
  given=${entry%=*} uid=${entry#*=}
  entry=${family_names[($1 / 20 + $1) % 20]}
  family=${entry%=*} uid+=.${entry#*=}
  uid=${uid,,}
}

dn_of() { # NUMBER
  local given family uid
  name_person "$1"
  echo "uid=$uid,ou=people,$suffix"
}

title_of() { # DEPARTMENT RANK
  local -a levels=("Head of ${departments[$1]}" "Team lead" "Team lead" "Team lead" "Specialist" "Engineer" "Analyst")
  echo "${levels[$2 < 4 ? $2 : 4 + $2 % 3]}"
}

manager_of() { # DEPARTMENT RANK: the head of the company, of the department, or of the team
  if (($2 == 0)); then echo 0; elif (($2 < 4)); then member_at "$1" 0; else member_at "$1" $((1 + $2 % 3)); fi
}

person() { # NUMBER
  local number=$1 given family uid department rank title domain=acme.example
  name_person "$number"
  printf 'dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: %s\n' "$uid" "$suffix" "$uid"
  line givenName "$given"
  line sn "$family"
  line cn "$given $family"
  if ((number == 0)); then
    line title "Chief executive"
    printf 'jpegPhoto:: %s\n' "$photo"
  else
    department=$(department_of "$number") rank=$(rank_of "$number")
    title=$(title_of "$department" "$rank")
    line title "$title"
    line departmentNumber "${departments[department]}"
    line manager "$(dn_of "$(manager_of "$department" "$rank")")"
  fi
  if ((number % 20 == 19)); then
    line employeeType contractor
    domain=contractor.example
  elif ((number % 90 == 88)); then
    line employeeType former
  else
    line employeeType staff
  fi
  line mail "$uid@$domain"
  line employeeNumber $((10000 + number))
  line roomNumber "$((1 + number % 5)).$((100 + number))"
  line telephoneNumber "+49 30 5550 $((1000 + number))"
  line l "${cities[number % ${#cities[@]}]}"
  echo
}

group() { # NAME MEMBER-DN...
  local name=$1
  shift
  printf 'dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %s\n' "$name" "$suffix" "$name"
  printf 'member: %s\n' "$@"
  echo
}

group_dn() { echo "cn=$1,ou=groups,$suffix"; }

dns=()
for ((number = 0; number < people; number++)); do
  dns+=("$(dn_of "$number")")
done

printf 'dn: ou=people,%s\nobjectClass: organizationalUnit\nou: people\n\n' "$suffix"
printf 'dn: ou=groups,%s\nobjectClass: organizationalUnit\nou: groups\n\n' "$suffix"
for ((number = 0; number < people; number++)); do
  person "$number"
done

# A group for each department, and groups of groups on top of them.
teams=()
for department in "${!departments[@]}"; do
  name=team-${departments[department],,}
  teams+=("$(group_dn "$name")")
  members=()
  for ((number = department + 1; number < people; number += ${#departments[@]})); do
    members+=("${dns[number]}")
  done
  group "$name" "${members[@]}"
done
group team-oncall "${dns[2]}" "${dns[9]}" "${dns[16]}"
group app-users "${teams[@]}" "${dns[0]}"
group app-admins "$(group_dn team-oncall)" "${dns[1]}"
# A list for mail, of no use to applications.
group mail-everybody "${dns[@]}"
