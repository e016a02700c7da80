// People and groups as the slices of a large Directory have them; docs/slices.md says what is in them.

package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// Slice is what this application needs of a DirectorySlice.
type Slice struct {
	Content string `json:"content"`
	Payload string `json:"payload"`
}

// listed is a line of a manifest: the first one has the format, each other names a slice.
type listed struct {
	Format int    `json:"format"`
	Name   string `json:"name"`
	Hash   string `json:"hash"`
}

// chunk has some of the members of a large group.
type chunk struct {
	Group   string  `json:"group"`
	Members Members `json:"members"`
}

// manifestOf names the slice that lists all others of a view. While it is there, slices are the form, and objects are
// not; see mirrors.go.
func manifestOf(directory string) string { return directory + "-s-manifest" }

// view is the one that the manifest describes: people and groups by name. It fails where a slice is not the one that
// the manifest means: slices are being written, and the manifest is about to come.
func view(directory string, known map[string]Slice) (map[string]User, map[string]Group, error) {
	manifest, ok := known[manifestOf(directory)]
	if !ok {
		return nil, nil, errors.New("the watch has not shown the manifest yet")
	}
	list, err := entries[listed](manifest)
	if err != nil {
		return nil, nil, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	if len(list) == 0 || list[0].Format != 1 {
		return nil, nil, errors.New("the slices have a format of which this program knows nothing")
	}
	users, groups, chunks := map[string]User{}, map[string]Group{}, []chunk{}
	for _, line := range list[1:] {
		slice := known[line.Name] // without a payload, if it is not there
		if !slice.is(line.Hash) {
			return nil, nil, fmt.Errorf("%s is not as the manifest says", line.Name)
		}
		switch slice.Content {
		case "Users":
			err = add(slice, users)
		case "Groups":
			err = add(slice, groups)
		default:
			var more []chunk
			more, err = entries[chunk](slice)
			chunks = append(chunks, more...)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s cannot be read: %w", line.Name, err)
		}
	}
	for _, some := range chunks {
		group := groups[some.Group]
		group.Members.Users = append(group.Members.Users, some.Members.Users...)
		group.Members.Groups = append(group.Members.Groups, some.Members.Groups...)
		groups[some.Group] = group
	}
	return users, groups, nil
}

// is says whether a slice is the one that a manifest means.
func (s Slice) is(hash string) bool {
	whole := sha256.Sum256([]byte(s.Payload))
	return hex.EncodeToString(whole[:16]) == hash
}

// add puts the people or groups of a slice to those of others.
func add[S any](slice Slice, found map[string]S) error {
	records, err := entries[named[S]](slice)
	for _, record := range records {
		found[record.ObjectName] = record.Spec
	}
	return err
}

// entries are the lines of a slice.
func entries[E any](slice Slice) ([]E, error) {
	compressed, err := base64.StdEncoding.DecodeString(slice.Payload)
	if err != nil {
		return nil, err
	}
	text, err := decompress(compressed)
	if err != nil {
		return nil, err
	}
	return lines[E](text)
}
