// From mirrors to the application's own table: one row for each person, with all their groups.

package main

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
)

// User is what this application needs of a DirectoryUser. All other fields are ignored.
type User struct {
	ExternalID string  `json:"externalId"`
	UserName   *string `json:"userName"`
	Email      *string `json:"email"`
	State      string  `json:"state"`
}

// Group is what this application needs of a DirectoryGroup.
type Group struct {
	DisplayName string  `json:"displayName"`
	Members     Members `json:"members"`
}

// Members are direct: the names of DirectoryUsers and of DirectoryGroups.
type Members struct {
	Users  []string `json:"users"`
	Groups []string `json:"groups"`
}

// Row is one person as the application keeps them.
type Row struct {
	// The key. E-mail addresses and user names change hands; this does not.
	ExternalID string  `json:"externalId"`
	UserName   *string `json:"userName"`
	Email      *string `json:"email"`
	// Whether the person may be let in.
	Active bool `json:"active"`
	// The names of the groups that the person is in, directly or through other groups.
	Groups []string `json:"groups"`
}

// rows are those of all people, in the order of their keys.
func rows(users map[string]User, groups map[string]Group) []Row {
	memberships := map[string]map[string]struct{}{}
	for name, group := range groups {
		for person := range peopleIn(name, groups) {
			if memberships[person] == nil {
				memberships[person] = map[string]struct{}{}
			}
			memberships[person][group.DisplayName] = struct{}{}
		}
	}
	table := make([]Row, 0, len(users))
	for name, user := range users {
		// Never nil, which would be written as null.
		of := slices.AppendSeq([]string{}, maps.Keys(memberships[name]))
		slices.Sort(of)
		table = append(table, Row{user.ExternalID, user.UserName, user.Email, user.State == "Active", of})
	}
	slices.SortFunc(table, func(a, b Row) int { return strings.Compare(a.ExternalID, b.ExternalID) })
	return table
}

// peopleIn names the DirectoryUsers in a group, directly or through other groups. Groups may contain each
// other in a circle, and may name members that are not there yet, or no longer.
func peopleIn(group string, groups map[string]Group) map[string]struct{} {
	people := map[string]struct{}{}
	seen := map[string]struct{}{group: {}}
	for pending := []string{group}; len(pending) > 0; {
		last := len(pending) - 1
		members := groups[pending[last]].Members // without members, if the group is not there
		pending = pending[:last]
		for _, user := range members.Users {
			people[user] = struct{}{}
		}
		for _, inner := range members.Groups {
			if _, was := seen[inner]; !was {
				seen[inner] = struct{}{}
				pending = append(pending, inner)
			}
		}
	}
	return people
}

// write replaces the table, one JSON object to a line: who reads it sees the old one or the new one, never a
// part. Only this account may read it, for it is personal data.
func write(file string, table []Row) error {
	// In the table's own folder, for a rename is atomic within one file system only.
	fresh, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer fresh.Close()
	lines := bufio.NewWriter(fresh)
	encoder := json.NewEncoder(lines)
	encoder.SetEscapeHTML(false)
	for _, row := range table {
		if err := encoder.Encode(row); err != nil {
			return err
		}
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	if err := fresh.Sync(); err != nil {
		return err
	}
	return os.Rename(fresh.Name(), file)
}
