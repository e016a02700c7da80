// People and groups as the mirrors of one Directory have them, in whatever form: an object each, or many in a slice.

package main

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
)

var (
	api             = schema.GroupVersion{Group: "directory-sync.io", Version: "v1alpha1"}
	directoryUsers  = api.WithResource("directoryusers")
	directoryGroups = api.WithResource("directorygroups")
	directorySlices = api.WithResource("directoryslices")
)

// mirrors follows those of a Directory.
//
// The form may change while nobody is watching, and two watches have no order between them. So before objects are
// believed, the manifest is asked for: as long as it is there, the slices are what counts. It appears before objects
// are deleted, and goes after they have been created again.
type mirrors struct {
	client               dynamic.Interface
	namespace, directory string
	changed              func()

	factory dynamicinformer.DynamicSharedInformerFactory
	slices  cache.SharedIndexInformer
	objects *objects // followed when there is no manifest
}

func newMirrors(client dynamic.Interface, namespace, directory string, changed func()) (*mirrors, error) {
	m := &mirrors{client: client, namespace: namespace, directory: directory, changed: changed}
	m.factory = m.newFactory()
	var err error
	m.slices, err = inform(m.factory, directorySlices, needed[Slice], changed)
	return m, err
}

func (m *mirrors) start(ctx context.Context) {
	m.factory.Start(ctx.Done())
	m.factory.WaitForCacheSync(ctx.Done())
}

func (m *mirrors) stop() {
	m.factory.Shutdown()
	m.objects.stop()
}

func (m *mirrors) read(ctx context.Context) (map[string]User, map[string]Group, error) {
	for {
		// Looked at before the manifest is asked for, which appears before the first object is deleted.
		users, groups := m.objects.now()
		inSlices, err := m.inSlices(ctx)
		switch {
		case err != nil:
			return nil, nil, err
		case inSlices:
			m.objects.stop()
			m.objects = nil
			return view(m.directory, specs[Slice](m.slices))
		case m.objects != nil:
			return users, groups, ctx.Err()
		}
		// Listed from now on, after the manifest was seen not to be there: then everybody is an object.
		if m.objects, err = m.follow(ctx); err != nil {
			return nil, nil, err
		}
	}
}

// inSlices says whether there is a manifest.
func (m *mirrors) inSlices(ctx context.Context) (bool, error) {
	slices := m.client.Resource(directorySlices).Namespace(m.namespace)
	_, err := slices.Get(ctx, manifestOf(m.directory), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// follow waits until people and groups have both been listed: half a list is not a smaller company.
func (m *mirrors) follow(ctx context.Context) (*objects, error) {
	factory := m.newFactory()
	users, err := inform(factory, directoryUsers, needed[User], m.changed)
	if err != nil {
		return nil, err
	}
	groups, err := inform(factory, directoryGroups, needed[Group], m.changed)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return &objects{factory, users, groups, cancel}, nil
}

// newFactory makes informers for the Directory's mirrors.
func (m *mirrors) newFactory() dynamicinformer.DynamicSharedInformerFactory {
	// No resync: it would only repeat what is known.
	return dynamicinformer.NewFilteredDynamicSharedInformerFactory(m.client, 0, m.namespace,
		func(options *metav1.ListOptions) {
			options.LabelSelector = "directory-sync.io/directory=" + m.directory
		})
}

// objects follows the DirectoryUsers and DirectoryGroups of a Directory. A nil one follows nothing.
type objects struct {
	factory       dynamicinformer.DynamicSharedInformerFactory
	users, groups cache.SharedIndexInformer
	cancel        context.CancelFunc
}

func (o *objects) now() (map[string]User, map[string]Group) {
	if o == nil {
		return nil, nil
	}
	return specs[User](o.users), specs[Group](o.groups)
}

func (o *objects) stop() {
	if o != nil {
		o.cancel()
		o.factory.Shutdown()
	}
}
