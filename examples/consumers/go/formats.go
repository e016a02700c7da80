// From bytes to records: lines of JSON, as slices have them, too, and the other formats of `spec.output.configMap`.

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// named is a record with the name of its mirror.
type named[S any] struct {
	ObjectName string `json:"objectName"`
	Spec       S      `json:"-"`
}

// UnmarshalJSON reads the name and the record, which are members of one object.
func (n *named[S]) UnmarshalJSON(text []byte) error {
	type plain named[S]
	if err := json.Unmarshal(text, (*plain)(n)); err != nil {
		return err
	}
	return json.Unmarshal(text, &n.Spec)
}

// records adds the records of a file to those that were found before.
func records[S any](format string, content []byte, found map[string]S) error {
	var all []named[S]
	switch format {
	case "JSON":
		if err := json.Unmarshal(content, &all); err != nil {
			return err
		}
	case "JSONLines":
		var err error
		if all, err = lines[named[S]](content); err != nil {
			return err
		}
	case "CSV":
		var err error
		if all, err = table[S](content); err != nil {
			return err
		}
	default:
		return fmt.Errorf("the format %q is not known", format)
	}
	for _, record := range all {
		found[record.ObjectName] = record.Spec
	}
	return nil
}

// lines are those of a text, each of which is JSON.
func lines[E any](text []byte) ([]E, error) {
	var all []E
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		var line E
		if err := decoder.Decode(&line); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, line)
	}
}

// table reads one with a header: what is not there is an empty cell, and members are JSON.
func table[S any](content []byte) ([]named[S], error) {
	lines, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) == 0 {
		return nil, errors.New("the table has no header")
	}
	var all []named[S]
	for _, line := range lines[1:] {
		members := map[string]any{}
		for place, cell := range line {
			switch column := lines[0][place]; {
			case cell == "":
			case column == "members":
				members[column] = json.RawMessage(cell)
			default:
				members[column] = cell
			}
		}
		text, err := json.Marshal(members)
		if err != nil {
			return nil, err
		}
		var record named[S]
		if err := json.Unmarshal(text, &record); err != nil {
			return nil, err
		}
		all = append(all, record)
	}
	return all, nil
}

// decompress reads what was compressed with gzip.
func decompress(content []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}
