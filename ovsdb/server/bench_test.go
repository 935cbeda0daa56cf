package server

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"testing"
)

// BenchmarkTransact measures one small transaction from request to reply over a Unix socket.
func BenchmarkTransact(b *testing.B) {
	for _, durable := range []bool{false, true} {
		b.Run(fmt.Sprintf("durable=%v", durable), func(b *testing.B) {
			dir := shortTempDir(b)
			createFromSchema(b, dir+"/t.db", "testdata/t.ovsschema")
			_, sock := startOurs(b, dir, dir+"/t.db")
			c, err := net.Dial("unix", sock)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			r := bufio.NewReader(c)
			extra := ""
			if durable {
				extra = `,{"op":"commit","durable":true}`
			}
			call := func(s string) {
				io.WriteString(c, s)
				// A reply has no newline: its end is the last bracket of the object.
				depth := 0
				for {
					ch, err := r.ReadByte()
					if err != nil {
						b.Fatal(err)
					}
					if ch == '{' {
						depth++
					} else if ch == '}' {
						if depth--; depth == 0 {
							return
						}
					}
				}
			}
			call(`{"method":"transact","params":["T",{"op":"insert","table":"W","uuid-name":"w","row":{"n":1,"must":["named-uuid","w"]}}],"id":1}`)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				call(fmt.Sprintf(`{"method":"transact","params":["T",{"op":"update","table":"W","where":[],"row":{"n":%d}}%s],"id":%d}`, i, extra, i))
			}
		})
	}
}
