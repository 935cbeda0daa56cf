package dbtools

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// makePKI writes a CA's certificate and keys and certificates for a server and a client.
func (e *env) makePKI() {
	write := func(name, kind string, der []byte) {
		if err := os.WriteFile(e.dir+"/"+name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			e.t.Fatal(err)
		}
	}
	newKey := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			e.t.Fatal(err)
		}
		return k
	}
	template := func(n int64, name string) *x509.Certificate {
		return &x509.Certificate{SerialNumber: big.NewInt(n), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true}
	}
	caKey, ca := newKey(), template(1, "ca")
	ca.IsCA, ca.KeyUsage = true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		e.t.Fatal(err)
	}
	write("ca.pem", "CERTIFICATE", der)
	for i, name := range []string{"server", "client"} {
		key := newKey()
		der, err := x509.CreateCertificate(rand.Reader, template(int64(i+2), name), ca, &key.PublicKey, caKey)
		if err != nil {
			e.t.Fatal(err)
		}
		write(name+"-cert.pem", "CERTIFICATE", der)
		if der, err = x509.MarshalECPrivateKey(key); err != nil {
			e.t.Fatal(err)
		}
		write(name+"-key.pem", "EC PRIVATE KEY", der)
	}
}

func keys(name string) []string {
	return []string{"--private-key=" + name + "-key.pem", "--certificate=" + name + "-cert.pem", "--ca-cert=ca.pem"}
}

// TestSSL runs every pair of tools and servers over SSL.
func TestSSL(t *testing.T) {
	servers(t, func(t *testing.T, server side) {
		e := newEnv(t)
		e.makePKI()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		e.must(original.program(t, "ovsdb-tool"), "create", "conf.db", schemaFile)
		args := append([]string{"-vconsole:off", "--unixctl=none", fmt.Sprintf("--remote=pssl:%d:127.0.0.1", port), "--remote=punix:" + e.dir + "/db.sock",
			e.dir + "/conf.db"}, keys(e.dir+"/server")...)
		for i, a := range args {
			args[i] = strings.Replace(a, "=ca.pem", "="+e.dir+"/ca.pem", 1)
		}
		cmd := exec.Command(server.program(t, "ovsdb-server"), args...)
		cmd.Dir, cmd.Env = e.dir, e.environ()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		e.must(original.program(t, "ovsdb-client"), "--timeout=15", "wait", "unix:"+e.dir+"/db.sock", "Open_vSwitch", "connected")
		name := fmt.Sprintf("ssl:127.0.0.1:%d", port)
		for i, s := range []side{original, our} {
			bridge := fmt.Sprintf("br%d", i)
			e.must(s.program(t, "ovs-vsctl"), append(keys("client"), "--no-wait", "--timeout=10", "--db="+name, "add-br", bridge)...)
			out := e.must(s.program(t, "ovsdb-client"), append(keys("client"), "--timeout=10", "dump", name, "Open_vSwitch", "Bridge", "name")...)
			if !strings.Contains(out, bridge) {
				t.Errorf("%s client: %s", s, out)
			}
			// Without keys there is no connection.
			want := fmt.Sprintf("ovsdb-client: failed to connect to \"%s\" (Protocol not available)\n", name)
			if r := e.run(10*time.Second, s.program(t, "ovsdb-client"), "list-dbs", name); r.code != 1 || !strings.HasSuffix(r.stderr, want) {
				t.Errorf("%s client without keys: exit status %d\n%s", s, r.code, r.stderr)
			}
		}
	})
}
