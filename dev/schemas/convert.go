package main

// This file owns the step from OpenAPI 3.0, as the apiserver speaks it, to JSON Schema.

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// document is the part of an OpenAPI document that describes objects.
type document struct {
	Components struct {
		Schemas map[string]map[string]any
	}
}

const reference = "#/components/schemas/"

// write makes one file for each kind of a document: GROUP_VERSION_KIND.json, where the core group is called like its
// version, as kubeconform has it.
func write(d document, folder string) error {
	definitions := map[string]any{}
	for name, schema := range d.Components.Schemas {
		definitions[name] = convert(schema)
	}
	for name, schema := range d.Components.Schemas {
		for _, kind := range kinds(schema) {
			group := kind.Group
			if group == "" {
				group = kind.Version
			}
			file := fmt.Sprintf("%s_%s_%s.json", group, kind.Version, strings.ToLower(kind.Kind))
			content, err := json.Marshal(map[string]any{
				"$schema":     "http://json-schema.org/draft-07/schema#",
				"$ref":        "#/definitions/" + name,
				"definitions": used(name, definitions),
			})
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(folder, file), content, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

type groupVersionKind struct{ Group, Version, Kind string }

// kinds are the kinds of object that a schema stands for. Options and the like stand for one in every group; they
// are nothing that a manifest holds.
func kinds(schema map[string]any) []groupVersionKind {
	raw, err := json.Marshal(schema["x-kubernetes-group-version-kind"])
	if err != nil {
		return nil
	}
	var all []groupVersionKind
	if json.Unmarshal(raw, &all) != nil || len(all) != 1 {
		return nil
	}
	return all
}

// convert rewrites a schema: references lead to definitions, fields that are not declared are refused, as the
// apiserver does when it is asked to validate strictly, and what JSON Schema does not know is left out.
func convert(value any) any {
	switch value := value.(type) {
	case []any:
		out := make([]any, len(value))
		for i, item := range value {
			out[i] = convert(item)
		}
		return out
	case map[string]any:
		return convertObject(value)
	default:
		return value
	}
}

func convertObject(schema map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range schema {
		switch {
		case key == "$ref":
			out[key] = "#/definitions/" + strings.TrimPrefix(value.(string), reference)
		case key == "properties":
			// Names of fields, not words of a schema.
			fields := map[string]any{}
			for name, field := range value.(map[string]any) {
				fields[name] = convert(field)
			}
			out[key] = fields
		case key == "default", key == "description", key == "nullable", key == "format", strings.HasPrefix(key, "x-"):
		default:
			out[key] = convert(value)
		}
	}
	_, declares := schema["properties"]
	_, open := schema["additionalProperties"]
	if preserves, _ := schema["x-kubernetes-preserve-unknown-fields"].(bool); declares && !open && !preserves {
		out["additionalProperties"] = false
	}
	return out
}

// used are the definitions that one leads to, itself included.
func used(name string, definitions map[string]any) map[string]any {
	found := map[string]any{}
	var visit func(value any)
	follow := func(name string) {
		if _, known := found[name]; !known {
			found[name] = definitions[name]
			visit(definitions[name])
		}
	}
	visit = func(value any) {
		switch value := value.(type) {
		case []any:
			for _, item := range value {
				visit(item)
			}
		case map[string]any:
			for key, item := range value {
				if to, isText := item.(string); key == "$ref" && isText {
					follow(strings.TrimPrefix(to, "#/definitions/"))
				} else {
					visit(item)
				}
			}
		}
	}
	follow(name)
	return found
}
