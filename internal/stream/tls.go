package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"govs/internal/strerror"
	"govs/internal/vlog"
)

// TLSConfig names the files and settings of ssl: and pssl: connections, as the
// options --private-key, --certificate, --ca-cert, --bootstrap-ca-cert,
// --ssl-protocols and --ssl-ciphers give them. "none" or "" is a file that is
// not configured; a CACert of "none" turns verification of peers off.
type TLSConfig struct {
	PrivateKey  string
	Certificate string
	CACert      string
	Bootstrap   bool   // CACert is created from the first peer's chain if missing
	PeerCACert  string // sent to peers after the certificate, so that they can bootstrap
	Protocols   string // e.g. "TLSv1.2,TLSv1.3"
	Ciphers     string // OpenSSL names, separated by colons
}

// TLS holds the keys of SSL connections and reads the files again when they
// change. The zero value is not configured.
type TLS struct {
	// mu guards the fields below.
	mu       sync.Mutex
	cfg      TLSConfig
	stamp    string // files, sizes and times that cert and pool came from
	cert     *tls.Certificate
	pool     *x509.CertPool
	loadErr  error
	min, max uint16
	suites   []uint16
}

// Configure replaces the settings. Connections that exist are not affected.
// It returns an error for protocols or ciphers that are not known; the rest of
// the settings is in force nevertheless.
func (t *TLS) Configure(cfg TLSConfig) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cfg = cfg
	t.stamp = ""
	var perr, cerr error
	t.min, t.max, perr = parseProtocols(cfg.Protocols)
	t.suites, cerr = parseCiphers(cfg.Ciphers)
	return errors.Join(perr, cerr)
}

// Config returns the settings in force.
func (t *TLS) Config() TLSConfig {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cfg
}

func configured(file string) bool { return file != "" && file != "none" }

// check returns an error that wraps ENOPROTOOPT unless everything that SSL
// needs is configured.
func (t *TLS) check(log *vlog.Module) error {
	var cfg TLSConfig
	if t != nil {
		cfg = t.Config()
	}
	var missing []string
	for _, f := range []struct{ file, what string }{
		{cfg.PrivateKey, "Private key"}, {cfg.Certificate, "Certificate"},
	} {
		if !configured(f.file) {
			missing = append(missing, f.what)
		}
	}
	if cfg.CACert == "" {
		missing = append(missing, "CA certificate")
	}
	for _, what := range missing {
		log.Errf("%s must be configured to use SSL", what)
	}
	if missing != nil {
		return fmt.Errorf("%s must be configured to use SSL: %w", missing[0], syscall.ENOPROTOOPT)
	}
	if _, _, err := t.load(); err != nil {
		log.Errf("%v", err)
		return fmt.Errorf("%w: %w", err, syscall.ENOPROTOOPT)
	}
	return nil
}

// load returns the certificate and the pool of CA certificates, which is nil
// if peers are not verified or the CA certificate has yet to be bootstrapped.
func (t *TLS) load() (*tls.Certificate, *x509.CertPool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var stamp strings.Builder
	for _, f := range []string{t.cfg.PrivateKey, t.cfg.Certificate, t.cfg.CACert} {
		if st, err := os.Stat(f); err == nil {
			fmt.Fprintf(&stamp, "%s %d %d\n", f, st.Size(), st.ModTime().UnixNano())
		}
	}
	if stamp.String() != "" && stamp.String() == t.stamp {
		return t.cert, t.pool, t.loadErr
	}
	t.stamp = stamp.String()
	t.cert, t.pool, t.loadErr = t.readLocked()
	return t.cert, t.pool, t.loadErr
}

func (t *TLS) readLocked() (*tls.Certificate, *x509.CertPool, error) {
	certPEM, err := os.ReadFile(t.cfg.Certificate)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to read certificate file %s: %s", t.cfg.Certificate, strerror.Text(err))
	}
	keyPEM, err := os.ReadFile(t.cfg.PrivateKey)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to read private key file %s: %s", t.cfg.PrivateKey, strerror.Text(err))
	}
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: private key does not match certificate: %w", t.cfg.Certificate, err)
	}
	if configured(t.cfg.PeerCACert) {
		rest, err := os.ReadFile(t.cfg.PeerCACert)
		if err != nil {
			return nil, nil, fmt.Errorf("failed to read peer CA certificate file %s: %s", t.cfg.PeerCACert, strerror.Text(err))
		}
		for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
			cert.Certificate = append(cert.Certificate, block.Bytes)
		}
	}
	if !configured(t.cfg.CACert) {
		return &cert, nil, nil
	}
	caPEM, err := os.ReadFile(t.cfg.CACert)
	if errors.Is(err, os.ErrNotExist) && t.cfg.Bootstrap {
		return &cert, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("failed to read CA certificate file %s: %s", t.cfg.CACert, strerror.Text(err))
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(caPEM) {
		return nil, nil, fmt.Errorf("%s: no CA certificate in file", t.cfg.CACert)
	}
	return &cert, pool, nil
}

// config returns a configuration for one handshake. Host names are not
// checked: OVSDB and OpenFlow trust whom the CA signed.
func (t *TLS) config(cert *tls.Certificate, pool *x509.CertPool, usage x509.ExtKeyUsage) *tls.Config {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &tls.Config{
		Certificates:       []tls.Certificate{*cert},
		MinVersion:         t.min,
		MaxVersion:         t.max,
		CipherSuites:       t.suites,
		InsecureSkipVerify: true, // replaced by VerifyConnection
		ClientAuth:         tls.RequireAnyClientCert,
		VerifyConnection: func(cs tls.ConnectionState) error {
			if pool == nil {
				return nil
			}
			return verify(cs.PeerCertificates, pool, usage)
		},
	}
}

func verify(chain []*x509.Certificate, pool *x509.CertPool, usage x509.ExtKeyUsage) error {
	if len(chain) == 0 {
		return errors.New("peer did not present a certificate")
	}
	inter := x509.NewCertPool()
	for _, c := range chain[1:] {
		inter.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: pool, Intermediates: inter,
		KeyUsages: []x509.ExtKeyUsage{usage, x509.ExtKeyUsageAny}})
	return err
}

// client makes the client's handshake on c.
func (t *TLS) client(ctx context.Context, c net.Conn, log *vlog.Module) (net.Conn, error) {
	cert, pool, err := t.load()
	if err != nil {
		log.Errf("%v", err)
		return nil, fmt.Errorf("%w: %w", err, syscall.ENOPROTOOPT)
	}
	tc := tls.Client(c, t.config(cert, pool, x509.ExtKeyUsageServerAuth))
	if err := tc.HandshakeContext(ctx); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		log.Warnf("SSL_connect: %v", err)
		return nil, fmt.Errorf("SSL_connect: %w: %w", err, syscall.EPROTO)
	}
	if cfg := t.Config(); pool == nil && cfg.Bootstrap && configured(cfg.CACert) {
		if err := bootstrap(cfg.CACert, tc.ConnectionState().PeerCertificates, log); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("bootstrapped CA certificate, reconnecting: %w", syscall.EPROTO)
	}
	return tc, nil
}

// bootstrap writes the self-signed certificate at the end of chain to a file.
func bootstrap(file string, chain []*x509.Certificate, log *vlog.Module) error {
	if len(chain) == 0 {
		return fmt.Errorf("could not bootstrap CA cert: no certificate presented by peer: %w", syscall.EPROTO)
	}
	ca := chain[len(chain)-1]
	if err := ca.CheckSignatureFrom(ca); err != nil {
		log.Errf("could not bootstrap CA cert: obtained certificate is not self-signed (%v)", err)
		return fmt.Errorf("could not bootstrap CA cert: obtained certificate is not self-signed: %w", syscall.EPROTO)
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o444)
	if err != nil {
		log.Errf("could not bootstrap CA cert: creating %s failed: %s", file, strerror.Text(err))
		return fmt.Errorf("could not bootstrap CA cert: creating %s failed: %w", file, err)
	}
	err = pem.Encode(f, &pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	err = errors.Join(err, f.Close())
	if err != nil {
		_ = os.Remove(file)
		return fmt.Errorf("could not bootstrap CA cert: writing %s failed: %w", file, err)
	}
	log.Infof("successfully bootstrapped CA cert to %s", file)
	return nil
}

// server returns the configuration of a listener, which reads the files again
// at each handshake if they changed.
func (t *TLS) server(log *vlog.Module) *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		cert, pool, err := t.load()
		if err != nil {
			log.Errf("%v", err)
			return nil, err
		}
		return t.config(cert, pool, x509.ExtKeyUsageClientAuth), nil
	}}
}

// PeerCertificate returns the certificate that the peer of an SSL stream
// presented, making the handshake first if need be, or nil.
func (c *Conn) PeerCertificate() *x509.Certificate {
	tc, ok := c.Conn.(*tls.Conn)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if tc.HandshakeContext(ctx) != nil || len(tc.ConnectionState().PeerCertificates) == 0 {
		return nil
	}
	return tc.ConnectionState().PeerCertificates[0]
}

// parseProtocols turns a list of protocol names into the range of versions.
func parseProtocols(list string) (lo, hi uint16, err error) {
	lo, hi = tls.VersionTLS12, tls.VersionTLS13
	if list == "" {
		return lo, hi, nil
	}
	known := map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11,
		"TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}
	var min, max uint16
	for _, word := range strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(" ,\t", c) }) {
		v, ok := known[word]
		if !ok {
			return lo, hi, fmt.Errorf("%s: SSL protocol not recognized", word)
		}
		if min == 0 || v < min {
			min = v
		}
		if v > max {
			max = v
		}
	}
	if min == 0 {
		return lo, hi, errors.New("SSL protocol settings invalid")
	}
	return min, max, nil
}

// parseCiphers turns OpenSSL's names into suite numbers. nil leaves the choice
// to crypto/tls. The suites of TLS 1.3 cannot be chosen.
func parseCiphers(list string) ([]uint16, error) {
	var suites []uint16
	for _, word := range strings.FieldsFunc(list, func(c rune) bool { return strings.ContainsRune(" ,:", c) }) {
		switch {
		case strings.HasPrefix(word, "!"), strings.HasPrefix(word, "-"), strings.HasPrefix(word, "@"):
			continue // crypto/tls never uses what these exclude
		case word == "HIGH", word == "DEFAULT", word == "ALL":
			return nil, nil
		}
		found := false
		for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
			if s.Name == word || opensslName(s.Name) == word {
				suites, found = append(suites, s.ID), true
			}
		}
		if !found {
			return nil, fmt.Errorf("SSL_CTX_set_cipher_list: no cipher match for \"%s\"", word)
		}
	}
	return suites, nil
}

// opensslName turns an IANA suite name into OpenSSL's.
func opensslName(iana string) string {
	s := strings.TrimPrefix(iana, "TLS_")
	if !strings.Contains(s, "_WITH_") {
		return iana // TLS 1.3 suites have the same name
	}
	s = strings.Replace(s, "RSA_WITH_", "", 1)
	if kx, enc, ok := strings.Cut(iana[4:], "_WITH_"); ok && kx != "RSA" {
		s = kx + "_" + enc
	}
	s = strings.ReplaceAll(s, "_", "-")
	s = strings.ReplaceAll(s, "AES-128", "AES128")
	s = strings.ReplaceAll(s, "AES-256", "AES256")
	s = strings.ReplaceAll(s, "-CBC-SHA", "-SHA")
	s = strings.TrimSuffix(s, "-SHA256-POLY1305")
	return strings.Replace(s, "CHACHA20-POLY1305-SHA256", "CHACHA20-POLY1305", 1)
}
