package stream

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name string
		want string // of the Target, or of the error
	}{
		{"unix:a/b", "{false unix /run/a/b  0 false}"},
		{"unix:/a", "{false unix /a  0 false}"},
		{"punix:x", "{true unix /run/x  0 false}"},
		{"tcp:1.2.3.4", "{false tcp  1.2.3.4 6640 true}"},
		{"tcp:1.2.3.4:5", "{false tcp  1.2.3.4 5 false}"},
		{"ssl:[::1]:5", "{false ssl  ::1 5 false}"},
		{"tcp:[fe80::1%eth0]", "{false tcp  fe80::1%eth0 6640 true}"},
		{"ptcp:", "{true tcp   6640 true}"},
		{"ptcp:0", "{true tcp   0 false}"},
		{"pssl:7:[::1]", "{true ssl  ::1 7 false}"},
		{"ptcp:7:127.0.0.1", "{true tcp  127.0.0.1 7 false}"},
		{"foo", "foo: not a valid connection name"},
		{"foo:1", "foo:1: not a valid connection name"},
		{"tcp:1.2.3.4:99999", `1.2.3.4:99999: bad port number "99999"`},
		{"tcp:1.2.3.4:0", `1.2.3.4:0: bad port number "0"`},
		{"ptcp:x", `x: bad port number "x"`},
		{"tcp::5", ":5: host must be specified"},
		{"tcp:::1:1", "::1:1: port must be specified"},
		{"tcp:[::1", "[::1: port must be specified"},
	} {
		target, err := Parse(tc.name, "/run", OVSDBPort)
		got := fmt.Sprint(target)
		if err != nil {
			got = err.Error()
			if !errors.Is(err, syscall.EAFNOSUPPORT) {
				t.Errorf("%s: %v is not EAFNOSUPPORT", tc.name, err)
			}
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.name, got, tc.want)
		}
	}
	if _, err := Parse("tcp:1.2.3.4", "/run", 0); err == nil {
		t.Error("no port, and no default, is no error")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"tcp:1.2.3.4:5", "pssl:7:[::1]", "unix:x", "tcp:[", "ptcp:::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		target, err := Parse(name, "/run", 1)
		if err != nil || target.Scheme == "unix" {
			return
		}
		again := target.Scheme + ":[" + target.Host + "]:" + fmt.Sprint(target.Port)
		if target.Passive {
			again = "p" + target.Scheme + ":" + fmt.Sprint(target.Port) + ":[" + target.Host + "]"
		}
		if strings.ContainsAny(target.Host, "[]") {
			return
		}
		second, err := Parse(again, "/run", 1)
		second.DefaultPort = target.DefaultPort
		if err != nil || second != target {
			t.Errorf("%q: %+v; %q: %+v, %v", name, target, again, second, err)
		}
	})
}

func tempDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "gv")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// echo accepts streams and sends back what they say.
func echo(l *Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(c, c); c.Close() }()
	}
}

// talk sends a word and expects it back.
func talk(t *testing.T, c *Conn) error {
	t.Helper()
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("hello")); err != nil {
		return err
	}
	b := make([]byte, 5)
	_, err := io.ReadFull(c, b)
	return err
}

func TestUnixAndTCP(t *testing.T) {
	o := &Options{RunDir: tempDir(t)}
	for _, name := range []string{"punix:s", "ptcp:0:127.0.0.1", "ptcp:0:[::1]"} {
		l, err := Listen(name, o)
		if err != nil {
			t.Fatal(err)
		}
		go echo(l)
		active := "unix:s"
		if p := l.Port(); p != 0 {
			host := l.Addr().(*net.TCPAddr).IP.String()
			if strings.Contains(host, ":") {
				host = "[" + host + "]"
			}
			active = fmt.Sprintf("tcp:%s:%d", host, p)
			if want := fmt.Sprintf("ptcp:%d:%s", p, host); l.Name != want {
				t.Errorf("listener's name %s, want %s", l.Name, want)
			}
		}
		c, err := Dial(context.Background(), active, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := talk(t, c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
		l.Close()
	}
	// A socket that a killed process left is replaced.
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: o.RunDir + "/left"}); err != nil {
		t.Fatal(err)
	}
	syscall.Close(fd)
	l, err := Listen("punix:left", o)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	for name, want := range map[string]error{"unix:none": syscall.ENOENT, "foo": syscall.EAFNOSUPPORT, "ssl:127.0.0.1:1": syscall.ENOPROTOOPT} {
		if _, err := Dial(context.Background(), name, o); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
	if _, err := Listen("punix:/nonexistent/x", o); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("listen: %v", err)
	}
}

// pki makes a CA and a certificate that it signed.
type pki struct {
	dir    string
	serial int64
	caKey  *ecdsa.PrivateKey
	ca     *x509.Certificate
}

func newPKI(t *testing.T, dir, name string) *pki {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	p := &pki{dir: dir, serial: 1, caKey: key, ca: ca}
	p.write(t, name+".pem", "CERTIFICATE", der)
	return p
}

func (p *pki) write(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	b := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	if err := os.WriteFile(filepath.Join(p.dir, file), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (p *pki) issue(t *testing.T, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p.serial++
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(p.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, p.ca, &key.PublicKey, p.caKey)
	if err != nil {
		t.Fatal(err)
	}
	kb, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p.write(t, name+"-cert.pem", "CERTIFICATE", der)
	p.write(t, name+"-key.pem", "EC PRIVATE KEY", kb)
}

func TestTLS(t *testing.T) {
	dir := tempDir(t)
	good, bad := newPKI(t, dir, "ca"), newPKI(t, dir, "otherca")
	good.issue(t, "server")
	good.issue(t, "client")
	bad.issue(t, "stranger")
	options := func(name, ca string) *Options {
		o := &Options{TLS: &TLS{}, RunDir: dir}
		err := o.TLS.Configure(TLSConfig{PrivateKey: dir + "/" + name + "-key.pem", Certificate: dir + "/" + name + "-cert.pem",
			CACert: dir + "/" + ca})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	so := options("server", "ca.pem")
	cfg := so.TLS.Config()
	cfg.PeerCACert = dir + "/ca.pem"
	if err := so.TLS.Configure(cfg); err != nil {
		t.Fatal(err)
	}
	l, err := Listen("pssl:0:127.0.0.1", so)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go echo(l)
	name := fmt.Sprintf("ssl:127.0.0.1:%d", l.Port())

	dial := func(o *Options) error {
		c, err := Dial(context.Background(), name, o)
		if err != nil {
			return err
		}
		defer c.Close()
		if cert := c.PeerCertificate(); cert == nil || cert.Subject.CommonName != "server" {
			t.Errorf("peer's certificate %v", cert)
		}
		return talk(t, c)
	}
	if err := dial(options("client", "ca.pem")); err != nil {
		t.Errorf("good client: %v", err)
	}
	// The server's certificate is not signed by the CA that the client trusts.
	if err := dial(options("client", "otherca.pem")); !errors.Is(err, syscall.EPROTO) {
		t.Errorf("client with another CA: %v", err)
	}
	// The client's certificate is not signed by the CA that the server trusts.
	if err := dial(options("stranger", "ca.pem")); err == nil {
		t.Error("stranger was let in")
	}
	// Bootstrap: the first connection writes the CA's certificate, the second uses it.
	o := options("client", "boot.pem")
	cfg = o.TLS.Config()
	cfg.Bootstrap = true
	if err := o.TLS.Configure(cfg); err != nil {
		t.Fatal(err)
	}
	if err := dial(o); !errors.Is(err, syscall.EPROTO) {
		t.Errorf("bootstrap: %v", err)
	}
	if err := dial(o); err != nil {
		t.Errorf("after bootstrap: %v", err)
	}
	want, _ := os.ReadFile(dir + "/ca.pem")
	if got, err := os.ReadFile(dir + "/boot.pem"); err != nil || string(got) != string(want) {
		t.Errorf("bootstrapped %q, %v", got, err)
	}
	// Keys that change are read again.
	changed := options("client", "ca.pem")
	if err := dial(changed); err != nil {
		t.Fatal(err)
	}
	bad.issue(t, "client")
	if err := dial(changed); err == nil {
		t.Error("a changed key is not used")
	}
	if err := dial(options("nosuch", "ca.pem")); !errors.Is(err, syscall.ENOPROTOOPT) {
		t.Errorf("missing files: %v", err)
	}
}

func TestProtocolsAndCiphers(t *testing.T) {
	for list, want := range map[string]string{
		"":                "771 772",
		"TLSv1.2":         "771 771",
		"TLSv1.3,TLSv1.2": "771 772",
		"TLSv1 TLSv1.1":   "769 770",
		"SSLv9":           "SSLv9: SSL protocol not recognized",
		",":               "SSL protocol settings invalid",
	} {
		lo, hi, err := parseProtocols(list)
		got := fmt.Sprint(lo, hi)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", list, got, want)
		}
	}
	for list, want := range map[string]string{
		"HIGH:!aNULL:!MD5":              "[]",
		"ECDHE-RSA-AES128-GCM-SHA256":   "[49199]",
		"ECDHE-ECDSA-CHACHA20-POLY1305": "[52393]",
		"AES128-SHA:!aNULL":             "[47]",
		"AES256-GCM-SHA384":             "[157]",
		"nonsense":                      "SSL_CTX_set_cipher_list: no cipher match for \"nonsense\"",
	} {
		suites, err := parseCiphers(list)
		got := fmt.Sprint(suites)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got %s, want %s", list, got, want)
		}
	}
}
