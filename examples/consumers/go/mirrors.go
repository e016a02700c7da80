// People and groups as the mirrors of one Directory have them, with nothing but what this application needs.

package main

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

// Mirror is a DirectoryUser or a DirectoryGroup with the fields that S reads of its spec.
type Mirror[S any] struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec S `json:"spec"`
}

// mirrors follows the DirectoryUsers and DirectoryGroups of a Directory.
type mirrors struct {
	factory       dynamicinformer.DynamicSharedInformerFactory
	users, groups cache.SharedIndexInformer
}

func newMirrors(client dynamic.Interface, namespace, directory string, changed func()) (*mirrors, error) {
	// No resync: it would only repeat what is known.
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, namespace,
		func(options *metav1.ListOptions) { options.LabelSelector = "directory-sync.io/directory=" + directory })
	api := schema.GroupVersion{Group: "directory-sync.io", Version: "v1alpha1"}
	users, err := inform(factory, api.WithResource("directoryusers"), needed[User], changed)
	if err != nil {
		return nil, err
	}
	groups, err := inform(factory, api.WithResource("directorygroups"), needed[Group], changed)
	if err != nil {
		return nil, err
	}
	return &mirrors{factory, users, groups}, nil
}

// start waits until both lists are complete: half a list is not a smaller company.
func (m *mirrors) start(ctx context.Context) {
	m.factory.Start(ctx.Done())
	m.factory.WaitForCacheSync(ctx.Done())
}

func (m *mirrors) stop() { m.factory.Shutdown() }

func (m *mirrors) read(ctx context.Context) (map[string]User, map[string]Group, error) {
	return specs[User](m.users), specs[Group](m.groups), ctx.Err()
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
