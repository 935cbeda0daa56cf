package server

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"govs/internal/stream"
)

// pki makes a certificate authority and certificates signed by it, as PEM files in dir.
type pki struct {
	dir  string
	ca   *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

func newPKI(t *testing.T, dir string) *pki {
	p := &pki{dir: dir, next: 2}
	p.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &p.key.PublicKey, p.key)
	if err != nil {
		t.Fatal(err)
	}
	p.ca, _ = x509.ParseCertificate(der)
	writePEM(t, dir+"/ca.pem", "CERTIFICATE", der)
	return p
}

func writePEM(t *testing.T, name, typ string, der []byte) {
	t.Helper()
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// issue makes NAME-cert.pem and NAME-privkey.pem.
func (p *pki) issue(t *testing.T, cn string) {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(p.next), Subject: pkix.Name{CommonName: cn}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}}
	p.next++
	der, err := x509.CreateCertificate(rand.Reader, tmpl, p.ca, &key.PublicKey, p.key)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, p.dir+"/"+cn+"-cert.pem", "CERTIFICATE", der)
	kder, _ := x509.MarshalECPrivateKey(key)
	writePEM(t, p.dir+"/"+cn+"-privkey.pem", "EC PRIVATE KEY", kder)
}

func (p *pki) dial(t *testing.T, addr, cn string, version uint16) (*rawClient, error) {
	cert, err := tls.LoadX509KeyPair(p.dir+"/"+cn+"-cert.pem", p.dir+"/"+cn+"-privkey.pem")
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", addr, &tls.Config{Certificates: []tls.Certificate{cert}, InsecureSkipVerify: true,
		MinVersion: version, MaxVersion: version})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { c.Close() })
	return &rawClient{t: t, conn: c, dec: json.NewDecoder(bufio.NewReader(c))}, nil
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// TestRBACLikeOriginal talks SSL to the original and to ours with a role, and compares what is allowed and the words
// of what is not. The remote and the CA file's name come from the database.
func TestRBACLikeOriginal(t *testing.T) {
	needOriginal(t, "ovsdb-server")
	kdir := shortTempDir(t)
	p := newPKI(t, kdir)
	for _, cn := range []string{"server", "host1", "host2"} {
		p.issue(t, cn)
	}
	od, gd := shortTempDir(t), shortTempDir(t)
	for _, d := range []string{od, gd} {
		createFromSchema(t, d+"/r.db", "testdata/rbac.ovsschema")
	}
	osock := startOriginal(t, od, "--remote=db:R,Global,connections", "--private-key="+kdir+"/server-privkey.pem",
		"--certificate="+kdir+"/server-cert.pem", "--ca-cert=db:R,Global,keys", "r.db")
	srv := New(Options{RunDir: gd, TLS: &stream.TLS{}, TLSConfig: stream.TLSConfig{PrivateKey: kdir + "/server-privkey.pem",
		Certificate: kdir + "/server-cert.pem", CACert: "db:R,Global,keys"}})
	t.Cleanup(func() { srv.Close() })
	if err := srv.AddDB(gd + "/r.db"); err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{"punix:" + gd + "/s", "db:R,Global,connections"} {
		if err := srv.AddRemote(r); err != nil {
			t.Fatal(err)
		}
	}
	type side struct {
		admin        *rawClient
		ssl, ro, tcp int
		c1, c2, plain,
		readOnly *rawClient
	}
	sides := []*side{{admin: dialRaw(t, osock)}, {admin: dialRaw(t, gd+"/s")}}
	for _, s := range sides {
		s.ssl, s.ro, s.tcp = freePort(t), freePort(t), freePort(t)
		out := s.admin.call(fmt.Sprintf(`["R",{"op":"insert","table":"Connection","uuid-name":"c","row":{"target":"pssl:%d:127.0.0.1","role":"host"}},`+
			`{"op":"insert","table":"Connection","uuid-name":"d","row":{"target":"ptcp:%d:127.0.0.1","read_only":true}},`+
			`{"op":"insert","table":"Connection","uuid-name":"e","row":{"target":"ptcp:%d:127.0.0.1","role":"host"}},`+
			`{"op":"insert","table":"Global","row":{"connections":["set",[["named-uuid","c"],["named-uuid","d"],["named-uuid","e"]]],"keys":"%s/ca.pem"}},`+
			`{"op":"insert","table":"RBAC_Permission","uuid-name":"p","row":{"table":"Chassis","authorization":["set",["name","other:owner"]],"insert_delete":true,"update":["set",["n","other:k","tags"]]}},`+
			`{"op":"insert","table":"RBAC_Permission","uuid-name":"q","row":{"table":"Free","authorization":"","insert_delete":false,"update":["set",["name","other"]]}},`+
			`{"op":"insert","table":"RBAC_Role","row":{"name":"host","permissions":["map",[["Chassis",["named-uuid","p"]],["Free",["named-uuid","q"]]]]}},`+
			`{"op":"insert","table":"Free","row":{"name":"f"}},{"op":"insert","table":"Secret","row":{"name":"s"}},`+
			`{"op":"insert","table":"Chassis","row":{"name":"x","other":["map",[["owner","host2"]]]}}]`, s.ssl, s.ro, s.tcp, kdir))
		if strings.Contains(out[0], "details") {
			t.Fatal(out)
		}
		connect := func(what string, f func() (*rawClient, error)) *rawClient {
			var c *rawClient
			waitFor(t, what, func() bool {
				var err error
				if c, err = f(); err != nil {
					return false
				}
				return strings.Contains(strings.Join(c.call(`{"method":"echo","params":[1],"id":1}`), ""), "[1]")
			})
			return c
		}
		s.c1 = connect("TLS 1.2", func() (*rawClient, error) {
			return p.dial(t, fmt.Sprintf("127.0.0.1:%d", s.ssl), "host1", tls.VersionTLS12)
		})
		s.c2 = connect("TLS", func() (*rawClient, error) {
			return p.dial(t, fmt.Sprintf("127.0.0.1:%d", s.ssl), "host2", tls.VersionTLS12)
		})
		tcp := func(port int) func() (*rawClient, error) {
			return func() (*rawClient, error) {
				c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
				if err != nil {
					return nil, err
				}
				t.Cleanup(func() { c.Close() })
				return &rawClient{t: t, conn: c, dec: json.NewDecoder(bufio.NewReader(c))}, nil
			}
		}
		s.readOnly, s.plain = connect("read-only", tcp(s.ro)), connect("TCP", tcp(s.tcp))
	}
	script := []string{
		`["R",{"op":"insert","table":"Chassis","row":{"name":"host1","n":1}}]`,
		`["R",{"op":"insert","table":"Chassis","row":{"name":"other"}}]`,
		`["R",{"op":"insert","table":"Chassis","row":{"name":"other","other":["map",[["owner","host1"]]]}}]`,
		`["R",{"op":"insert","table":"Free","row":{"name":"other"}}]`,
		`["R",{"op":"insert","table":"Secret","row":{"name":"other"}}]`,
		`["R",{"op":"select","table":"Secret","where":[],"columns":["name"]}]`,
		`["R",{"op":"update","table":"Chassis","where":[["name","==","host1"]],"row":{"n":2}}]`,
		`["R",{"op":"update","table":"Chassis","where":[["name","==","host1"]],"row":{"name":"q"}}]`,
		`["R",{"op":"update","table":"Chassis","where":[["name","==","x"]],"row":{"n":2}}]`,
		`["R",{"op":"update","table":"Chassis","where":[["name","==","host1"]],"row":{"n":2,"other":["map",[["k","v"]]]}}]`,
		`["R",{"op":"update","table":"Free","where":[],"row":{"name":"g"}}]`,
		`["R",{"op":"update","table":"Secret","where":[],"row":{"name":"g"}}]`,
		`["R",{"op":"mutate","table":"Chassis","where":[["name","==","host1"]],"mutations":[["other","insert",["map",[["k","v"]]]]]}]`,
		`["R",{"op":"mutate","table":"Chassis","where":[["name","==","host1"]],"mutations":[["other","insert",["map",[["j","v"]]]]]}]`,
		`["R",{"op":"mutate","table":"Chassis","where":[["name","==","host1"]],"mutations":[["other","insert",["map",[["k","v2"],["j","v"]]]]]}]`,
		`["R",{"op":"mutate","table":"Chassis","where":[["name","==","host1"]],"mutations":[["other","delete",["set",["k"]]]]}]`,
		`["R",{"op":"mutate","table":"Chassis","where":[["name","==","host1"]],"mutations":[["other","delete",["set",["j"]]]]}]`,
		`["R",{"op":"mutate","table":"Chassis","where":[["name","==","host1"]],"mutations":[["tags","insert","t"],["n","+=",4]]}]`,
		`["R",{"op":"mutate","table":"Chassis","where":[["name","==","x"]],"mutations":[["n","+=",4]]}]`,
		`["R",{"op":"mutate","table":"Secret","where":[],"mutations":[["name","insert",4]]}]`,
		`["R",{"op":"mutate","table":"Free","where":[],"mutations":[["other","insert",["map",[["a","b"]]]]]}]`,
		`["R",{"op":"delete","table":"Chassis","where":[["name","==","x"]]}]`,
		`["R",{"op":"delete","table":"Chassis","where":[["name","==","host1"]]}]`,
		`["R",{"op":"delete","table":"Free","where":[]}]`,
		`["R",{"op":"delete","table":"Secret","where":[]}]`,
		`["R",{"op":"delete","table":"Secret","where":[["name","==","nope"]]}]`,
		`{"method":"lock","params":["l"],"id":1}`,
		`{"method":"unlock","params":["l"],"id":1}`,
		`["R",{"op":"wait","table":"Secret","where":[],"columns":["name"],"until":"==","rows":[],"timeout":0}]`,
		`["R",{"op":"comment","comment":"c"},{"op":"commit","durable":true},{"op":"assert","lock":"x"}]`,
	}
	for _, who := range []string{"host1", "host2", "tcp", "read-only"} {
		for _, line := range script {
			var got [2]string
			for i, s := range sides {
				c := map[string]*rawClient{"host1": s.c1, "host2": s.c2, "tcp": s.plain, "read-only": s.readOnly}[who]
				var out []string
				for _, m := range c.call(line) {
					out = append(out, canonical(m))
				}
				got[i] = strings.Join(out, "\n")
			}
			if got[0] != got[1] {
				t.Errorf("%s: %s\noriginal: %s\nours:     %s", who, line, got[0], got[1])
			}
		}
	}
	// The original lets a read-only client convert the database. Ours does not.
	if out := sides[1].readOnly.call(`{"method":"convert","params":["R",{"name":"R","tables":{}}],"id":1}`); !strings.Contains(out[0], "not allowed") {
		t.Errorf("convert by a read-only client: %s", out)
	}
	// TLS 1.3 is ours alone.
	if _, err := p.dial(t, fmt.Sprintf("127.0.0.1:%d", sides[1].ssl), "host1", tls.VersionTLS13); err != nil {
		t.Errorf("TLS 1.3: %v", err)
	}
	// A certificate of a stranger is refused.
	other := newPKI(t, shortTempDir(t))
	other.issue(t, "host1")
	if c, err := other.dial(t, fmt.Sprintf("127.0.0.1:%d", sides[1].ssl), "host1", tls.VersionTLS12); err == nil {
		if out := c.call(`{"method":"echo","params":[1],"id":1}`); out[0] != "closed" {
			t.Errorf("a stranger's certificate was accepted: %s", out)
		}
	}
}
