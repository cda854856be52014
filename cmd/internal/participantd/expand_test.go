package participantd

import (
	"net/url"
	"slices"
	"testing"
)

// A password out of the environment is taken as it is, whatever signs it has.
func TestPasswordsInTheEnvironment(t *testing.T) {
	t.Setenv("HOST", "db:5432")
	t.Setenv("ADDRESS", "postgres://app:a%2Fb@db/orders")
	for _, password := range []string{"plain", "a/b", "a@b", "a:b", "a#b?c", "50%", "$HOST", "${HOST}", "a b&c+d", "ü"} {
		t.Setenv("PASSWORD", password)
		full, missing := expand("postgres://app:${PASSWORD}@${HOST}/orders")
		u, err := url.Parse(full)
		if err != nil || len(missing) > 0 || u.Host != "db:5432" || u.Path != "/orders" {
			t.Errorf("%q: %s %v %v", password, full, missing, err)
			continue
		}
		if got, _ := u.User.Password(); got != password {
			t.Errorf("%q is read as %q", password, got)
		}
	}
	if full, missing := expand("${ADDRESS}"); full != "postgres://app:a%2Fb@db/orders" || len(missing) > 0 {
		t.Error(full, missing)
	}
	if _, missing := expand("redis://a:${NOT_THERE}@${NOR_THIS}/0"); !slices.Equal(missing, []string{"NOT_THERE", "NOR_THIS"}) {
		t.Error(missing)
	}
}
