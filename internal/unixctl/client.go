package unixctl

import (
	"context"
	"encoding/json"
	"fmt"

	"govs/internal/jsonrpc"
	"govs/internal/stream"
)

// Client sends commands to a program. It may be used from one goroutine.
type Client struct {
	conn *jsonrpc.Conn
	next uint64 // id of the next request
}

// Dial connects to the control socket at path.
func Dial(ctx context.Context, path string) (*Client, error) {
	c, err := stream.Dial(ctx, "unix:"+path, &stream.Options{})
	if err != nil {
		return nil, err
	}
	return &Client{conn: jsonrpc.NewConn(c, jsonrpc.Options{})}, nil
}

// CommandError is a program's answer that a command failed.
type CommandError struct{ Text string }

// Error implements error.
func (e *CommandError) Error() string { return e.Text }

// Transact runs a command and returns its text. A *CommandError is the
// program's own answer; any other error is the connection's, io.EOF if the
// program went away before it answered.
func (c *Client) Transact(command string, args ...string) (string, error) {
	params := []byte{'['}
	for i, a := range args {
		if i > 0 {
			params = append(params, ',')
		}
		params = jsonrpc.AppendString(params, a)
	}
	params = append(params, ']')
	id := jsonrpc.ID(c.next)
	c.next++
	r, err := c.conn.Transact(jsonrpc.NewRequest(id, command, params))
	if err != nil {
		return "", err
	}
	raw := r.Result
	if r.Type == jsonrpc.Error {
		raw = r.Error
	}
	var text string
	if string(raw) != "null" {
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", fmt.Errorf("%s: bad reply: %w", c.conn.Name(), err)
		}
	}
	if r.Type == jsonrpc.Error {
		return "", &CommandError{text}
	}
	return text, nil
}

// Close ends the connection.
func (c *Client) Close() { c.conn.Close() }
