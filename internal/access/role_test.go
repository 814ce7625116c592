package access

import "testing"

func TestRoleIncludes(t *testing.T) {
	want := map[Role][]Role{ // who -> what it may do
		None:   {None},
		Ingest: {None, Ingest},
		Read:   {None, Read},
		Edit:   {None, Ingest, Read, Edit},
		Admin:  {None, Ingest, Read, Edit, Admin},
	}
	for who, allowed := range want {
		may := map[Role]bool{}
		for _, r := range allowed {
			may[r] = true
		}
		for need := None; need <= Admin; need++ {
			if got := who.Includes(need); got != may[need] {
				t.Errorf("%s includes %s = %v, want %v", who, need, got, may[need])
			}
		}
	}
	if Role(9).Includes(Read) {
		t.Error("an unknown role may read")
	}
}

func TestParseRole(t *testing.T) {
	for r := Ingest; r <= Admin; r++ {
		if got, err := ParseRole(r.String()); err != nil || got != r {
			t.Errorf("ParseRole(%q) = %v, %v", r, got, err)
		}
	}
	for _, bad := range []string{"", "none", "root", "Admin"} {
		if _, err := ParseRole(bad); err == nil {
			t.Errorf("ParseRole(%q) succeeded", bad)
		}
	}
}
