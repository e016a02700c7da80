// People and groups as a ConfigMap has them (`spec.output.configMap` of a Directory), alone or as the index of others.

package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// ConfigMap is what this application needs of one.
type ConfigMap struct {
	Data       map[string]string `json:"data"`
	BinaryData map[string][]byte `json:"binaryData"`
}

// Index says which files there are.
type Index struct {
	Format string `json:"format"`
	Gzip   bool   `json:"gzip"`
	Files  []File `json:"files"`
}

// File is one of users or of groups.
type File struct {
	ConfigMap string `json:"configMap"`
	Key       string `json:"key"`
	Kind      string `json:"kind"`
	SHA256    string `json:"sha256"`
}

// files follows the ConfigMap of a name. The ConfigMaps that it is the index of have other names for each content, so
// they need not be watched.
type files struct {
	factory    dynamicinformer.DynamicSharedInformerFactory
	informer   cache.SharedIndexInformer
	configMaps dynamic.ResourceInterface
	key, name  string
}

func newFiles(client dynamic.Interface, namespace, name string, changed func()) (*files, error) {
	resource := schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, namespace,
		func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		})
	informer, err := inform(factory, resource, func(object any) (any, error) { return object, nil }, changed)
	if err != nil {
		return nil, err
	}
	return &files{factory, informer, client.Resource(resource).Namespace(namespace), namespace + "/" + name, name}, nil
}

func (f *files) start(ctx context.Context) {
	f.factory.Start(ctx.Done())
	f.factory.WaitForCacheSync(ctx.Done())
}

func (f *files) stop() { f.factory.Shutdown() }

// read fails where people and groups cannot be had whole now. A ConfigMap that is not there says nothing about
// anybody.
func (f *files) read(ctx context.Context) (map[string]User, map[string]Group, error) {
	found, exists, err := f.informer.GetStore().GetByKey(f.key)
	if err != nil {
		return nil, nil, err
	}
	object, ok := found.(*unstructured.Unstructured)
	if !exists || !ok {
		return nil, nil, errors.New("the ConfigMap is not there")
	}
	first, err := configMap(object)
	if err != nil {
		return nil, nil, err
	}
	var index Index
	if err := json.Unmarshal([]byte(first.Data["index.json"]), &index); err != nil {
		return nil, nil, fmt.Errorf("the index cannot be read: %w", err)
	}
	users, groups := map[string]User{}, map[string]Group{}
	for _, file := range index.Files {
		holder := first
		if file.ConfigMap != f.name {
			object, err := f.configMaps.Get(ctx, file.ConfigMap, metav1.GetOptions{})
			if err != nil {
				return nil, nil, err
			}
			if holder, err = configMap(object); err != nil {
				return nil, nil, err
			}
		}
		content, err := holder.content(file, index.Gzip)
		if err != nil {
			return nil, nil, err
		}
		if file.Kind == "user" {
			err = records(index.Format, content, users)
		} else {
			err = records(index.Format, content, groups)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s of %s cannot be read: %w", file.Key, file.ConfigMap, err)
		}
	}
	return users, groups, nil
}

func configMap(object *unstructured.Unstructured) (ConfigMap, error) {
	var found ConfigMap
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &found)
	return found, err
}

// content is a file's, if it is the one that the index means. Otherwise there is a new content, and its index is about
// to come.
func (c ConfigMap) content(file File, compressed bool) ([]byte, error) {
	content, ok := c.BinaryData[file.Key]
	if !ok {
		content = []byte(c.Data[file.Key])
	}
	if hash := sha256.Sum256(content); hex.EncodeToString(hash[:]) != file.SHA256 {
		return nil, fmt.Errorf("%s has another %s than the index says", file.ConfigMap, file.Key)
	}
	if !compressed {
		return content, nil
	}
	return decompress(content)
}
