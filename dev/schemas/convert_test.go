package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

const example = `{"components": {"schemas": {
  "io.x.Thing": {
    "type": "object",
    "properties": {"spec": {"allOf": [{"$ref": "#/components/schemas/io.x.Spec"}], "default": {}}},
    "x-kubernetes-group-version-kind": [{"group": "x.io", "version": "v1", "kind": "Thing"}]
  },
  "io.x.Spec": {
    "type": "object",
    "properties": {
      "format": {"type": "string", "format": "int-or-string"},
      "nested": {"$ref": "#/components/schemas/io.x.Spec"},
      "free": {"type": "object", "additionalProperties": {"type": "string"}},
      "open": {"type": "object", "properties": {"a": {}}, "x-kubernetes-preserve-unknown-fields": true}
    }
  },
  "io.x.Unused": {"type": "object"}
}}}`

func TestAKindBecomesAFileThatStandsAlone(t *testing.T) {
	var d document
	if err := json.Unmarshal([]byte(example), &d); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := write(d, folder); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(folder, "x.io_v1_thing.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"$ref":"#/definitions/io.x.Thing","$schema":"http://json-schema.org/draft-07/schema#","definitions":{` +
		`"io.x.Spec":{"additionalProperties":false,"properties":{"format":{"type":"string"},` +
		`"free":{"additionalProperties":{"type":"string"},"type":"object"},` +
		`"nested":{"$ref":"#/definitions/io.x.Spec"},"open":{"properties":{"a":{}},"type":"object"}},"type":"object"},` +
		`"io.x.Thing":{"additionalProperties":false,"properties":{"spec":{"allOf":[{"$ref":"#/definitions/io.x.Spec"}]}},"type":"object"}}}`
	if string(content) != want {
		t.Errorf("got  %s\nwant %s", content, want)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files (%v), not the one of the one kind", len(entries), err)
	}
}
