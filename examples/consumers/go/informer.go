// The objects of one resource as they are now, with nothing but what this application needs of each.

package main

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// Mirror is a DirectoryUser, a DirectoryGroup or a DirectorySlice with the fields that S reads of its spec.
type Mirror[S any] struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec S `json:"spec"`
}

// inform is an informer that keeps what transform makes of the objects of one resource: it lists them, follows each
// change, and lists anew when its watch has expired (410 Gone). What is not in a new list it drops, for that was
// deleted while nobody was watching. It calls changed after each change.
func inform(
	factory dynamicinformer.DynamicSharedInformerFactory, resource schema.GroupVersionResource,
	transform cache.TransformFunc, changed func(),
) (cache.SharedIndexInformer, error) {
	informer := factory.ForResource(resource).Informer()
	if err := informer.SetTransform(transform); err != nil {
		return nil, err
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { changed() },
		UpdateFunc: func(any, any) { changed() },
		DeleteFunc: func(any) { changed() },
	})
	return informer, err
}

// needed makes a Mirror of an object before the informer keeps it: all else would take memory, and is personal data.
func needed[S any](object any) (any, error) {
	whole, ok := object.(*unstructured.Unstructured)
	if !ok {
		return object, nil // it is one already
	}
	mirror := &Mirror[S]{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(whole.Object, mirror); err != nil {
		return nil, fmt.Errorf("%s %s cannot be read: %w", whole.GetKind(), whole.GetName(), err)
	}
	mirror.ObjectMeta = metav1.ObjectMeta{
		Namespace: whole.GetNamespace(), Name: whole.GetName(),
		UID: whole.GetUID(), ResourceVersion: whole.GetResourceVersion(),
	}
	return mirror, nil
}

// specs are what the informer knows now, by name.
func specs[S any](informer cache.SharedIndexInformer) map[string]S {
	found := map[string]S{}
	for _, object := range informer.GetStore().List() {
		if mirror, ok := object.(*Mirror[S]); ok {
			found[mirror.Name] = mirror.Spec
		}
	}
	return found
}
