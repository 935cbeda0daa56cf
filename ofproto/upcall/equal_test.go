package upcall

import (
	"reflect"
	"testing"

	"govs/actions"
)

// TestEqualLists: lists that differ in any member of any action are not the same.
func TestEqualLists(t *testing.T) {
	for _, a := range []actions.Action{
		{}, {Set: &actions.Set{}}, {Userspace: &actions.Userspace{}}, {Nested: &actions.Nested{}}, {CT: &actions.CT{}},
		{CT: &actions.CT{NAT: &actions.NAT{}}}, {Tunnel: &actions.Tunnel{}},
	} {
		n := 0
		eachField(reflect.ValueOf(&a).Elem(), func(v reflect.Value, name string) {
			n++
			same := actions.List{deepCopy(a)}
			if !equalLists(actions.List{a}, same) {
				t.Fatalf("%+v is not the same as its copy", a)
			}
			was := reflect.New(v.Type()).Elem()
			was.Set(v)
			change(v)
			if equalLists(actions.List{a}, same) {
				t.Errorf("%s makes no difference", name)
			}
			v.Set(was)
		})
		if n < 4 {
			t.Errorf("%d members in %+v", n, a)
		}
	}
}

// eachField calls f for what v holds, through pointers.
func eachField(v reflect.Value, f func(v reflect.Value, name string)) {
	for i := range v.NumField() {
		name := v.Type().Name() + "." + v.Type().Field(i).Name
		switch x := v.Field(i); {
		case x.Kind() == reflect.Pointer && x.IsNil():
		case x.Kind() == reflect.Pointer:
			eachField(x.Elem(), f)
		default:
			f(x, name)
		}
	}
}

// change gives v, which is zero, another value.
func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.String:
		v.SetString("x")
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
	case reflect.Array:
		change(v.Index(0))
	case reflect.Struct:
		change(v.Field(0))
	default:
		v.SetUint(1)
	}
}

func deepCopy(a actions.Action) actions.Action {
	copyOf(&a.Set)
	copyOf(&a.Userspace)
	copyOf(&a.Nested)
	copyOf(&a.Tunnel)
	if copyOf(&a.CT); a.CT != nil {
		copyOf(&a.CT.NAT)
	}
	return a
}

func copyOf[T any](p **T) {
	if *p != nil {
		c := **p
		*p = &c
	}
}
